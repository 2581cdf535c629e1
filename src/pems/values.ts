import { englishMonths, monthOf, type MonthNames } from './month-names.ts';

/**
 * Readers of single values of PEMS. PEMS returns every value as the text that its screen shows. Each reader converts
 * one kind of text to the strict form that the database stores. No value passes through `Date` or a float, so neither a
 * time zone nor binary rounding can change it.
 */

/** Order of day and month in `04/02/2026`, a setting of the tenant. */
export type DateOrder = 'MDY' | 'DMY';

/** Format of dates in the tenant's filters. */
export type DateFormat = 'DD-MON-YYYY' | 'YYYY-MM-DD' | 'MM/DD/YYYY' | 'DD/MM/YYYY';

/**
 * Result of reading a text of PEMS: its value, `null` for no value, or a sentence that states the text and the allowed
 * forms. The sentence contains only characters that PostgreSQL can store.
 */
export type Parsed<T> =
  { ok: true; value: T | null; isImplausible?: true } | { ok: false; problem: string; proves?: Proof };

/** Notation that would make the refused text readable. */
export type Proof = 'day-first' | 'month-first' | 'decimal-comma';

/** The database adds money as `bigint` cents: 15 digits before the decimal point always fit, 17 would not. */
const MAX_INTEGER_DIGITS = 15;
const MAX_DECIMALS = 10;

const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const MONTH_DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** Hour and minute, with AM or PM on a 12-hour clock; seconds are dropped. */
const TIME = String.raw`(?:[ T]+(\d\d?):(\d\d)(?::\d\d(?:\.\d+)?)?(?: *([AaPp])[Mm])?)?`;
const NAMED_MONTH = new RegExp(`^(\\d\\d?)-([^-/]{1,20})-(\\d{4})${TIME}$`);
const ISO = new RegExp(`^(\\d{4})-(\\d\\d)-(\\d\\d)${TIME}$`);
const NUMBERS = new RegExp(`^(\\d\\d?)([/-])(\\d\\d?)\\2(\\d{4})${TIME}$`);

const PLAIN_NUMBER = /^([+-]?)(\d*)(?:\.(\d+))?$/;
const GROUPED_NUMBER = /^([+-]?)([1-9]\d{0,2}(?:,\d{3})+)(?:\.(\d+))?$/;

/** A number with a decimal comma, distinct from every number with a decimal point. */
const COMMA_NUMBER = /^[+-]?(?:\d{1,3}(?:\.\d{3})+,\d+|\d*,\d+|\d{1,3}(?:\.\d{3}){2,})$/;

const NONE = { ok: true, value: null } as const;
const TRUE = { ok: true, value: true } as const;
const FALSE = { ok: true, value: false } as const;

/**
 * Replaces everything that PostgreSQL cannot store (U+0000, lone surrogates) by U+FFFD: for refused values in messages,
 * never for data.
 */
export function makeStorable(text: string): string {
  return text.toWellFormed().replaceAll('\0', '\uFFFD');
}

/** Returns the reason why PostgreSQL cannot store this text, or `null` if it can. */
export function storageProblem(text: string): string | null {
  if (text.includes('\0'))
    return `${quote(text)} contains the character U+0000, which the database cannot hold.`;
  if (!text.isWellFormed())
    return `${quote(text)} contains half a character (a lone surrogate), which is no text.`;
  return null;
}

/** Reads text exactly as in PEMS; blank text is no value. */
export function parseText(text: string): Parsed<string> {
  if (isBlank(text)) return NONE;
  const problem = storageProblem(text);
  return problem === null ? { ok: true, value: text } : { ok: false, problem };
}

/**
 * Reads a calendar date as strict ISO text, `2026-04-02`. Accepts `02-APR-2026` (months of the language in any case),
 * `2026-04-02`, and `04/02/2026` or `04-02-2026` in the tenant's order. Each may have a time, which is dropped. Refuses
 * days that the calendar lacks, and the year 0000, which PostgreSQL lacks.
 */
export function parseDate(
  text: string,
  order: DateOrder,
  months: MonthNames = englishMonths,
): Parsed<string> {
  return parseMoment(text, order, months, false);
}

/**
 * Reads a point in time, `2026-04-02 14:30`: local time of the PEMS server, to the minute, without a zone. Accepts the
 * forms of `parseDate`, with or without seconds, on a 24-hour or 12-hour clock; a date without a time means midnight.
 */
export function parseTimestamp(
  text: string,
  order: DateOrder,
  months: MonthNames = englishMonths,
): Parsed<string> {
  return parseMoment(text, order, months, true);
}

/**
 * Inverse of `parseTimestamp`, for filters: `2026-04-02 14:30` becomes e.g. `02-APR-2026 14:30`. Returns `null` if the
 * text is no such timestamp.
 */
export function formatTimestamp(timestamp: string, format: DateFormat): string | null {
  const moment = parseTimestamp(timestamp, 'MDY');
  if (!moment.ok || moment.value === null || !/^\d{4}-\d\d-\d\d \d\d:\d\d$/.test(timestamp)) return null;
  const [isoDate = '', time] = moment.value.split(' ');
  const [year = '', month = '', day = ''] = isoDate.split('-');
  const name = MONTHS[Number(month) - 1] ?? '';
  const date = format.replace('YYYY', year).replace('MON', name).replace('MM', month).replace('DD', day);
  return `${date} ${time}`;
}

const FLAGS = new Map<string, Parsed<boolean>>([
  ...['', '+', 'true', '1', '-1', 'y', 'yes'].map((text) => [text, text === '' ? NONE : TRUE] as const),
  ...['-', 'false', '0', 'n', 'no'].map((text) => [text, FALSE] as const),
]);

/** Reads a flag: `+`, `true`, `1`, `-1`, `Y`, `Yes` or `-`, `false`, `0`, `N`, `No`, in any case. */
export function parseFlag(text: string): Parsed<boolean> {
  return (
    FLAGS.get(text.trim().toLowerCase()) ?? {
      ok: false,
      problem: `${quote(text)} is no flag: allowed are +, true, 1, -1, Y, Yes and -, false, 0, N, No.`,
    }
  );
}

/**
 * Reads a number as exact decimal text that is also a JSON number: `1,234.50` becomes `1234.5`. Equal amounts give
 * equal texts (no leading zeros, no trailing zeros after the decimal point, no `-0`). Accepts a leading sign,
 * surrounding spaces, `.5`, and commas between thousands; refuses `1,23,4.5`, and `0,125`, whose comma is a decimal
 * comma. Limits: 15 digits before the decimal point and 10 after it.
 */
export function parseNumber(text: string): Parsed<string> {
  const trimmed = text.trim();
  if (trimmed === '') return NONE;
  const match = PLAIN_NUMBER.exec(trimmed) ?? GROUPED_NUMBER.exec(trimmed);
  const [, sign = '', whole = '', fraction = ''] = match ?? [];
  if (match === null || (whole === '' && fraction === '')) {
    return {
      ok: false,
      problem: `${quote(text)} is no number: allowed are numbers such as 1234.56 or 1,234.56.`,
      ...(COMMA_NUMBER.test(trimmed) && { proves: 'decimal-comma' }),
    };
  }
  const integer = whole.replaceAll(',', '').replace(/^0+/, '') || '0';
  const decimals = withoutTrailingZeros(fraction);
  if (integer.length > MAX_INTEGER_DIGITS || decimals.length > MAX_DECIMALS) {
    const limit = `at most ${MAX_INTEGER_DIGITS} digits before the point and ${MAX_DECIMALS} after it are allowed`;
    return { ok: false, problem: `${quote(text)} is too long a number: ${limit}.` };
  }
  const amount = decimals === '' ? integer : `${integer}.${decimals}`;
  return { ok: true, value: sign === '-' && amount !== '0' ? `-${amount}` : amount };
}

/** Returns whether the text means no value: empty, or only white space. */
export function isBlank(text: string): boolean {
  if (text === '') return true;
  const first = text.charCodeAt(0);
  // Fast path: the first character decides for most texts.
  return (first <= 32 || first >= 127) && text.trim() === '';
}

function parseMoment(text: string, order: DateOrder, months: MonthNames, withTime: boolean): Parsed<string> {
  const trimmed = text.trim();
  if (trimmed === '') return NONE;
  const parts = dateParts(trimmed, order, months);
  if (parts === null) {
    const example = order === 'MDY' ? '04/02/2026 (month first)' : '02/04/2026 (day first)';
    const allowed = `02-APR-2026, 2026-04-02 or ${example}, with or without a time such as 14:30 or 02:30 PM`;
    return { ok: false, problem: `${quote(text)} is no date: allowed are ${allowed}.` };
  }
  const [year, month, day, clock] = parts;
  if (!isCalendarDay(year, month, day)) {
    return {
      ok: false,
      problem: `${quote(text)} is no date: the calendar has no day ${year}-${month}-${day}.`,
      // A day above 12 in the place of the month: only the other order can have it.
      ...(NUMBERS.test(trimmed) &&
        isCalendarDay(year, day, month) && { proves: order === 'MDY' ? 'day-first' : 'month-first' }),
    };
  }
  const time = timeOfDay(clock);
  if (time === null) {
    const allowed = 'allowed are 00:00 to 23:59, or 12:00 AM to 11:59 PM';
    return { ok: false, problem: `${quote(text)} has no time of day: ${allowed}.` };
  }
  const date = `${year}-${month}-${day}`;
  return { ok: true, value: withTime ? `${date} ${time}` : date };
}

/** Hour and minute as written, and `a` or `p` on a 12-hour clock. */
type Clock = [hour: string | undefined, minute: string | undefined, half: string | undefined];
type DateParts = [year: string, month: string, day: string, clock: Clock];

function dateParts(text: string, order: DateOrder, months: MonthNames): DateParts | null {
  const iso = ISO.exec(text);
  if (iso !== null) {
    const [, year = '', month = '', day = '', ...clock] = iso;
    return [year, month, day, clock as Clock];
  }
  const numbers = NUMBERS.exec(text);
  if (numbers !== null) {
    const [, one = '', , two = '', year = '', ...clock] = numbers;
    const [first, second] = [one.padStart(2, '0'), two.padStart(2, '0')];
    return order === 'MDY' ? [year, first, second, clock as Clock] : [year, second, first, clock as Clock];
  }
  const named = NAMED_MONTH.exec(text);
  if (named !== null) {
    const [, day = '', name = '', year = '', ...clock] = named;
    const month = monthOf(months, name);
    return month === undefined ? null : [year, month, day.padStart(2, '0'), clock as Clock];
  }
  return null;
}

/** Returns `14:30`; midnight without a time; `null` for an invalid time. */
function timeOfDay([hour, minute, half]: Clock): string | null {
  if (hour === undefined || minute === undefined) return '00:00';
  let hours = Number(hour);
  if (minute > '59' || hours > (half === undefined ? 23 : 12)) return null;
  if (half !== undefined) {
    if (hours === 0) return null;
    hours = (hours % 12) + (half.toLowerCase() === 'p' ? 12 : 0);
  }
  return `${String(hours).padStart(2, '0')}:${minute}`;
}

/** Takes four, two and two digits. */
function isCalendarDay(year: string, month: string, day: string): boolean {
  if (year === '0000' || day === '00' || month === '00' || month > '12') return false;
  // Fast path: most days are valid in every month.
  if (day <= '28') return true;
  const number = Number(year);
  const isLeapYear = number % 4 === 0 && (number % 100 !== 0 || number % 400 === 0);
  return Number(day) <= (month === '02' && isLeapYear ? 29 : (MONTH_DAYS[Number(month) - 1] ?? 0));
}

/** Written by hand: a regular expression would be quadratic in a long run of zeros. */
function withoutTrailingZeros(digits: string): string {
  let end = digits.length;
  while (end > 0 && digits.charCodeAt(end - 1) === 48) end -= 1;
  return digits.slice(0, end);
}

/** Quotes a text of PEMS for a message. */
export function quote(text: string): string {
  return JSON.stringify(makeStorable(text.length > 80 ? `${text.slice(0, 80)}…` : text));
}
