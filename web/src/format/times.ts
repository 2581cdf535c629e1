import { perLocale } from './locale.ts';

// Moments, such as the end of a sync, in the reader's time zone.

// "4 minutes ago" stands within sentences of the interface, so it is in the language of the interface.
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });
const full = perLocale((locale) => new Intl.DateTimeFormat(locale, { dateStyle: 'full', timeStyle: 'long' }));

const units = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
] as const;

/** `4 minutes ago`, `just now` below one. A moment in the future counts as now, because clocks differ. */
export function formatAgo(moment: number, now: number): string {
  const age = Math.max(now - moment, 0);
  for (const [unit, length] of units)
    if (age >= length) return relative.format(-Math.floor(age / length), unit);
  return 'just now';
}

/** `Thursday, April 2, 2026 at 2:30:05 PM GMT+2`. */
export const formatMoment = (moment: number): string => full().format(moment);

/** `in 20 seconds`; `now` when it is due. */
export function formatIn(moment: number, now: number): string {
  const seconds = Math.ceil((moment - now) / 1000);
  if (seconds <= 0) return 'now';
  return seconds < 60
    ? relative.format(seconds, 'second')
    : relative.format(Math.ceil(seconds / 60), 'minute');
}
