import { Temporal } from 'temporal-polyfill';
import { perLocale } from './locale.ts';

// A date of a record is a calendar day. It never becomes a moment, which would be another day in another time zone. So
// it is text of the API (`2026-04-02`) or a Temporal.PlainDate, never a Date. The app shows it in the Gregorian
// calendar, as PEMS does, even if the reader's locale prefers another.

/** A day as the API writes it, e.g. `2026-04-02`. */
export type IsoDate = string;

const parseIsoDate = (text: IsoDate): Temporal.PlainDate => Temporal.PlainDate.from(text);

// Thousands of cells share few distinct dates, so formatted dates are cached. Both sides use UTC to keep the day.
const medium = perLocale((locale) => ({
  format: new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeZone: 'UTC', calendar: 'gregory' }),
  known: new Map<IsoDate, string>(),
}));

/** True if a text is a valid day in the format of the API. */
export function isIsoDate(text: string): boolean {
  if (!/^\d{4}-\d\d-\d\d$/.test(text)) return false;
  try {
    parseIsoDate(text);
    return true;
  } catch (error) {
    // The calendar has no such day.
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/** `Apr 2, 2026`. Returns text that is no valid day unchanged. */
export function formatDate(text: IsoDate): string {
  const { format, known } = medium();
  let written = known.get(text);
  if (written === undefined) {
    if (!isIsoDate(text)) return text;
    const { year, month, day } = parseIsoDate(text);
    written = format.format(new Date(0).setUTCFullYear(year, month - 1, day));
    known.set(text, written);
  }
  return written;
}

/** A month as the API writes it, e.g. `2026-04`. */
export type IsoMonth = string;

/** The current month in the reader's time zone. */
export const currentMonth = (): IsoMonth => Temporal.Now.plainDateISO().toPlainYearMonth().toString();

/** Number of months from one to the other, and the month at a given distance. */
export const monthsBetween = (from: IsoMonth, to: IsoMonth): number =>
  Temporal.PlainYearMonth.from(from).until(to, { largestUnit: 'months' }).months;
export const monthAfter = (month: IsoMonth, months: number): IsoMonth =>
  Temporal.PlainYearMonth.from(month).add({ months }).toString();

const [longMonth, shortMonth] = (['long', 'short'] as const).map((month) =>
  perLocale(
    (locale) =>
      new Intl.DateTimeFormat(locale, { year: 'numeric', month, timeZone: 'UTC', calendar: 'gregory' }),
  ),
) as [() => Intl.DateTimeFormat, () => Intl.DateTimeFormat];
const firstDay = (text: IsoMonth): number => {
  const { year, month } = Temporal.PlainYearMonth.from(text);
  return new Date(0).setUTCFullYear(year, month - 1, 1);
};

/** `April 2026`. */
export const formatMonth = (text: IsoMonth): string => longMonth().format(firstDay(text));

/** `Apr 2026`. */
export const formatShortMonth = (text: IsoMonth): string => shortMonth().format(firstDay(text));

const numeric = perLocale((locale) => {
  const format = new Intl.DateTimeFormat(locale, {
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    timeZone: 'UTC',
    calendar: 'gregory',
    numberingSystem: 'latn',
  });
  const order = format
    .formatToParts(0)
    .flatMap(({ type }) => (type.length > 2 && type !== 'literal' ? [type] : []));
  return { format, order };
});

/**
 * Formats a day for an editor, e.g. `4/2/2026`, in a form that `readDate` accepts. Returns text that is no valid day
 * unchanged.
 */
export function formatDateToEdit(text: IsoDate): string {
  if (!isIsoDate(text)) return text;
  const { year, month, day } = parseIsoDate(text);
  return numeric().format.format(new Date(0).setUTCFullYear(year, month - 1, day));
}

/** `month/day/year`, in the order of the locale. */
export const datePattern = (): string => numeric().order.join('/');
