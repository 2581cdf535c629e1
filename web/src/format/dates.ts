import { Temporal } from 'temporal-polyfill';
import { perLocale } from './locale.ts';

// A date of a record is a day on the calendar, the same everywhere: it never becomes a moment, which would be another day
// in another time zone. So it is text of the API (`2026-04-02`) or a Temporal.PlainDate, and never a Date.

/** A day as the API writes it, e.g. `2026-04-02`. */
export type IsoDate = string;

const parseIsoDate = (text: IsoDate): Temporal.PlainDate => Temporal.PlainDate.from(text);

// Thousands of cells show a date, and there are few different ones; UTC on both sides, so the day stays the day.
const medium = perLocale((locale) => ({
  format: new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeZone: 'UTC' }),
  known: new Map<IsoDate, string>(),
}));

/** `Apr 2, 2026`. */
export function formatDate(text: IsoDate): string {
  const { format, known } = medium();
  let written = known.get(text);
  if (written === undefined) {
    const { year, month, day } = parseIsoDate(text);
    written = format.format(new Date(0).setUTCFullYear(year, month - 1, day));
    known.set(text, written);
  }
  return written;
}

/** A month as the API writes it, e.g. `2026-04`. */
export type IsoMonth = string;

/** The month that it is where somebody reads. */
export const currentMonth = (): IsoMonth => Temporal.Now.plainDateISO().toPlainYearMonth().toString();

/** How many months lie between, and the month that lies so many after another. */
export const monthsBetween = (from: IsoMonth, to: IsoMonth): number =>
  Temporal.PlainYearMonth.from(from).until(to, { largestUnit: 'months' }).months;
export const monthAfter = (month: IsoMonth, months: number): IsoMonth =>
  Temporal.PlainYearMonth.from(month).add({ months }).toString();

const [longMonth, shortMonth] = (['long', 'short'] as const).map((month) =>
  perLocale((locale) => new Intl.DateTimeFormat(locale, { year: 'numeric', month, timeZone: 'UTC' })),
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

/** `4/2/2026`: as one types it; parseDate reads it again. */
export function formatDateToEdit(text: IsoDate): string {
  const { year, month, day } = parseIsoDate(text);
  return numeric().format.format(new Date(0).setUTCFullYear(year, month - 1, day));
}

/** `month/day/year`, in the order of the locale. */
export const datePattern = (): string => numeric().order.join('/');

/**
 * A day as somebody writes it: `2026-04-02`, or numbers in the order of the locale. Undefined where it is none; a year of
 * two digits could be either century's.
 */
export function parseDate(text: string): IsoDate | undefined {
  const numbers = text
    .trim()
    .match(/^(\d+)\D+(\d+)\D+(\d+)\D*$/)
    ?.slice(1);
  if (!numbers) return undefined;
  const order = numbers[0]?.length === 4 ? ['year', 'month', 'day'] : numeric().order;
  const part = (name: string) => numbers[order.indexOf(name)] ?? '';
  if (part('year').length !== 4) return undefined;
  try {
    const [year, month, day] = ['year', 'month', 'day'].map((name) => Number(part(name))) as [
      number,
      number,
      number,
    ];
    return Temporal.PlainDate.from({ year, month, day }, { overflow: 'reject' }).toString();
  } catch (error) {
    // There is no such day.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
