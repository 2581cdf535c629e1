/**
 * Writes and reads single values in three forms: as shown in a grid, as typed data of a screen, and as plain JSON in
 * the write log and on the control port. All dates are UTC days, and the clock of PEMS is UTC.
 */
import type { Dialect, YearFormat } from './dialects.ts';
import type { Field, Value } from './fields.ts';

export type DateFormat = 'DD-MON-YYYY' | 'YYYY-MM-DD' | 'MM/DD/YYYY' | 'DD/MM/YYYY';

export const dayMs = 86_400_000;
const minuteMs = 60_000;
const monthNames = {
  en: ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'],
  de: ['JAN', 'FEB', 'MRZ', 'APR', 'MAI', 'JUN', 'JUL', 'AUG', 'SEP', 'OKT', 'NOV', 'DEZ'],
};
const months = monthNames.en;
type Language = Dialect['language'];
const two = (value: number): string => String(value).padStart(2, '0');

/** Compares text by Unicode code point: UTF-16 units alone would put surrogate pairs before U+E000 to U+FFFF. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return rank(x) - rank(y);
  }
  return a.length - b.length;
}

const rank = (unit: number): number => (unit < 0xd800 ? unit : unit < 0xe000 ? unit + 0x2000 : unit - 0x800);

/** Returns the instant of a calendar day; undefined for an invalid day such as 30 February. */
function utcDay(year: number, month: number, day: number): number | undefined {
  const time = Date.UTC(year, month - 1, day);
  const date = new Date(time);
  const same =
    date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  return same && year >= 1900 && year <= 2200 ? time : undefined;
}

function dateText(time: number, format: DateFormat, language: Language): string {
  const date = new Date(time);
  const year = date.getUTCFullYear();
  const month = date.getUTCMonth();
  const day = two(date.getUTCDate());
  switch (format) {
    case 'DD-MON-YYYY':
      return `${day}-${monthNames[language][month] ?? ''}-${year}`;
    case 'YYYY-MM-DD':
      return `${year}-${two(month + 1)}-${day}`;
    case 'MM/DD/YYYY':
      return `${two(month + 1)}/${day}/${year}`;
    case 'DD/MM/YYYY':
      return `${day}/${two(month + 1)}/${year}`;
  }
}

/** `1,234.56`: two decimals and commas between thousands, as the grid shows money and counts. */
function numberText(value: number): string {
  const [whole = '0', decimals = '00'] = Math.abs(value).toFixed(2).split('.');
  let grouped = whole;
  for (let i = whole.length - 3; i > 0; i -= 3) grouped = `${grouped.slice(0, i)},${grouped.slice(i)}`;
  return `${value < 0 ? '-' : ''}${grouped}.${decimals}`;
}

/** `02:30 PM`, or `14:30`. */
function timeText(minutes: number, twelveHours: boolean): string {
  const hour = Math.floor(minutes / 60);
  const minute = two(minutes % 60);
  return twelveHours
    ? `${two(hour % 12 || 12)}:${minute} ${hour < 12 ? 'AM' : 'PM'}`
    : `${two(hour)}:${minute}`;
}

/** Properties of a dialect that affect how a grid shows values. */
export type Look = Pick<Dialect, 'flags' | 'capitalChoices' | 'twelveHours' | 'language' | 'bareNumbers'>;

/** Converts values to grid text in one date format. Caches the text of days, because few are distinct. */
export class Display {
  readonly format: DateFormat;
  readonly look: Look;
  private readonly days = new Map<number, string>();

  constructor(format: DateFormat, look: Look) {
    this.format = format;
    this.look = look;
  }

  private day(time: number): string {
    const known = this.days.get(time);
    if (known !== undefined) return known;
    const text = dateText(time, this.format, this.look.language);
    if (this.days.size < 100_000) this.days.set(time, text);
    return text;
  }

  /** Returns the shown text of a value; empty for no value. */
  text(field: Field, value: Value): string {
    if (value === null) return '';
    if (typeof value === 'string') return choiceText(field, value, this.look);
    if (typeof value === 'boolean') return this.look.flags[value ? 0 : 1];
    if (field.kind === 'number') {
      const text = numberText(value);
      if (this.look.language === 'en') return text;
      return text.replaceAll(/[.,]/g, (sign) => (sign === '.' ? ',' : '.'));
    }
    const day = Math.floor(value / dayMs) * dayMs;
    if (field.kind === 'date') return this.day(day);
    const minutes = Math.floor((value - day) / minuteMs);
    return `${this.day(day)} ${timeText(minutes, this.look.twelveHours)}`;
  }

  /** Returns the JSON token of a value that needs no escaping; undefined if its text must be escaped. */
  token(field: Field, value: Value): string | undefined {
    if (this.look.bareNumbers) {
      if (field.kind === 'number' && typeof value === 'number') return String(Number(value.toFixed(2)));
      if (typeof value === 'boolean' && /^\d$/.test(this.look.flags[0]))
        return this.look.flags[value ? 0 : 1];
      if (typeof value === 'string' && /^[1-9]\d{0,14}$/.test(value)) return value;
    }
    return typeof value === 'string' ? undefined : `"${this.text(field, value)}"`;
  }

  /**
   * Reads the operand of a filter for a field; throws an Error with a message for users. Accepts dates only in the
   * tenant's own format, with or without `HH:MM`.
   */
  parse(field: Field, text: string): Value {
    if (text === '') return null;
    switch (field.kind) {
      case 'text':
        return choiceOf(field, text, this.look) ?? text;
      case 'flag': {
        const flag = flagOf(text);
        if (flag === undefined) throw new Error(`"${text}" is not a valid checkbox value`);
        return flag;
      }
      case 'number': {
        const number = /^-?[\d,]*\.?\d+$/.test(text) ? Number(text.replaceAll(',', '')) : NaN;
        if (!Number.isFinite(number)) throw new Error(`"${text}" is not a valid number`);
        return number;
      }
      case 'date':
      case 'datetime': {
        const time = this.parseDate(text);
        if (time === undefined)
          throw new Error(`"${text}" is not a valid date; the format is ${this.format}`);
        return time;
      }
    }
  }

  private parseDate(text: string): number | undefined {
    const match = /^(\w+)[-/](\w+)[-/](\w+)(?: (\d\d):(\d\d))?$/.exec(text);
    if (!match) return undefined;
    const [, a = '', b = '', c = '', hour = '0', minute = '0'] = match;
    if (text.includes('/') !== this.format.includes('/')) return undefined;
    const number = (part: string, digits: number): number =>
      part.length === digits && /^\d+$/.test(part) ? Number(part) : NaN;
    let day: number | undefined;
    switch (this.format) {
      case 'DD-MON-YYYY':
        day = utcDay(number(c, 4), months.indexOf(b.toUpperCase()) + 1, number(a, 2));
        break;
      case 'YYYY-MM-DD':
        day = utcDay(number(a, 4), number(b, 2), number(c, 2));
        break;
      case 'MM/DD/YYYY':
        day = utcDay(number(c, 4), number(a, 2), number(b, 2));
        break;
      case 'DD/MM/YYYY':
        day = utcDay(number(c, 4), number(b, 2), number(a, 2));
        break;
    }
    if (day === undefined || Number(hour) > 23 || Number(minute) > 59) return undefined;
    return day + Number(hour) * 3_600_000 + Number(minute) * minuteMs;
  }
}

const flagForms = new Map([
  ...['+', 'true', '1', '-1', 'y', 'yes'].map((form) => [form, true] as const),
  ...['-', 'false', '0', 'n', 'no'].map((form) => [form, false] as const),
]);

/** All forms of all dialects, in any case. */
const flagOf = (text: string): boolean | undefined => flagForms.get(text.toLowerCase());

/** Returns a choice in the spelling of the dialect; other text unchanged. */
const choiceText = (
  { choices }: Field,
  value: string,
  { capitalChoices }: Pick<Look, 'capitalChoices'>,
): string => (capitalChoices && choices ? value.toUpperCase() : value);

/** Returns the choice of a spelling; undefined for other text. */
const choiceOf = (field: Field, text: string, look: Pick<Look, 'capitalChoices'>): string | undefined =>
  field.choices?.find((choice) => choiceText(field, choice, look) === text);

/** Compares two values of one field; empty values sort last (as in Oracle). */
export function compareValues(a: Value, b: Value): number {
  if (a === b) return 0;
  if (a === null) return 1;
  if (b === null) return -1;
  if (typeof a === 'string' && typeof b === 'string') return compareText(a, b);
  return Number(a) - Number(b);
}

/** Returns a value as plain JSON for the log and the control port: dates as `2026-04-02`, times as ISO with Z. */
export function toPlain(field: Field, value: Value): Value {
  if (value === null || typeof value !== 'number' || field.kind === 'number') return value;
  const iso = new Date(value).toISOString();
  return field.kind === 'date' ? iso.slice(0, 10) : iso;
}

/** The inverse of `toPlain`; throws an Error with a message for users if the value does not fit the field. */
export function fromPlain(field: Field, plain: unknown): Value {
  if (plain === null || plain === undefined || plain === '') return null;
  const wrong = (what: string): Error =>
    new Error(`${field.alias} takes ${what} or null, not ${JSON.stringify(plain)}`);
  switch (field.kind) {
    case 'text':
      if (typeof plain !== 'string') throw wrong('text');
      return plain;
    case 'flag':
      if (typeof plain !== 'boolean') throw wrong('true, false');
      return plain;
    case 'number':
      if (typeof plain !== 'number' || !Number.isFinite(plain)) throw wrong('a number');
      return plain;
    case 'date': {
      const match = typeof plain === 'string' ? /^(\d{4})-(\d\d)-(\d\d)$/.exec(plain) : null;
      const day = match ? utcDay(Number(match[1]), Number(match[2]), Number(match[3])) : undefined;
      if (day === undefined) throw wrong('a date such as "2026-04-02"');
      return day;
    }
    case 'datetime': {
      const time = typeof plain === 'string' && /^\d{4}-\d\d-\d\dT.*Z$/.test(plain) ? Date.parse(plain) : NaN;
      if (Number.isNaN(time)) throw wrong('a time such as "2026-04-02T14:30:00Z"');
      return time;
    }
  }
}

/** Typed value of the screen (USERDEFINEDSCREENFIELDVALUE). */
export interface ScreenValue {
  TEXTDATA?: unknown;
  NUMERICDATA?: unknown;
  DATETIMEDATA?: unknown;
}

/** Properties of a tenant that affect how the screen shows and accepts values. */
export type ScreenLook = Pick<Dialect, 'flags' | 'capitalChoices' | 'zone' | 'emptyFields' | 'isStrict'> & {
  readonly yearFormat: YearFormat;
};

const hourMs = 3_600_000;
/** Returns `-0500` in milliseconds; undefined for an invalid zone. */
function offsetOf(zone: unknown): number | undefined {
  const [, sign, hours, minutes] = /^([+-])(\d\d):?(\d\d)$/.exec(String(zone)) ?? [];
  if (sign === undefined) return undefined;
  const offset = Number(hours) * hourMs + Number(minutes) * minuteMs;
  return sign === '-' ? -offset : offset;
}

/** Returns the milliseconds of 1 January of a year, at midnight in the zone. */
const yearStart = (year: number, zone: unknown): number => Date.UTC(year, 0, 1) - (offsetOf(zone) ?? 0);

/**
 * Returns the DATETIMEDATA of a time on the server's clock. YEAR is 1 January of the year in ms, at midnight in the
 * server's zone, or the plain year.
 */
export function dateTimeData(
  time: number,
  { yearFormat, zone, emptyFields }: Pick<ScreenLook, 'yearFormat' | 'zone' | 'emptyFields'>,
): Record<string, number | string> {
  const date = new Date(time);
  const year = date.getUTCFullYear();
  return {
    YEAR: yearFormat === 'milliseconds' ? yearStart(year, zone) : year,
    MONTH: date.getUTCMonth() + 1,
    DAY: date.getUTCDate(),
    HOUR: date.getUTCHours(),
    MINUTE: date.getUTCMinutes(),
    SECOND: date.getUTCSeconds(),
    SUBSECOND: date.getUTCMilliseconds(),
    TIMEZONE: zone,
    ...(emptyFields !== 'own' && { qualifier: 'OTHER' }),
  };
}

const noKinds = { TEXTDATA: null, NUMERICDATA: null, DATETIMEDATA: null };

/**
 * Returns the value of a field in the form of the screen; undefined for no value. VALUE of a number is its digits
 * without the point: 1234.56 is 123456, 2.
 */
export function toScreenValue(field: Field, value: Value, look: ScreenLook): ScreenValue | undefined {
  if (look.emptyFields === 'own') return ownKind(field, value, look);
  if (value !== null) return { ...(look.emptyFields === 'null' && noKinds), ...ownKind(field, value, look) };
  return look.emptyFields === 'null' ? noKinds : undefined;
}

/** Returns the value in its own kind only. */
function ownKind(field: Field, value: Value, look: ScreenLook): ScreenValue {
  switch (field.kind) {
    case 'text':
      return { TEXTDATA: typeof value === 'string' ? choiceText(field, value, look) : '' };
    case 'flag':
      return { TEXTDATA: look.flags[value === true ? 0 : 1] };
    case 'number': {
      if (typeof value !== 'number') return { NUMERICDATA: null };
      const number = {
        VALUE: Math.round(Math.abs(value) * 100),
        NUMOFDEC: 2,
        SIGN: value < 0 ? '-' : '+',
      };
      const more = { UOM: null, CURRENCY: 'USD', DRCR: 'D', qualifier: 'OTHER' };
      return { NUMERICDATA: look.emptyFields === 'own' ? number : { ...number, ...more } };
    }
    case 'date':
    case 'datetime':
      return { DATETIMEDATA: typeof value === 'number' ? dateTimeData(value, look) : null };
  }
}

/**
 * Reads a value sent to the screen; throws an Error with a message for users. TEXTDATA "" (and null data) empties a
 * field of any kind. Strict, so that errors of clients become visible. VALUE must be whole digits scaled by NUMOFDEC;
 * more than two decimals are rounded half away from zero, as in a money column. YEAR must be in the tenant's own
 * format; milliseconds must be exactly 1 January in the sent zone. Drops the time of a date. A strict tenant requires
 * every member of a number and of a date.
 */
export function fromScreenValue(field: Field, value: ScreenValue, look: ScreenLook): Value {
  const kinds = ['TEXTDATA', 'NUMERICDATA', 'DATETIMEDATA'].filter((kind) => kind in value);
  if (kinds.length !== 1) throw new Error(`Field ${field.screen} needs exactly one kind of value`);
  const data = (value.TEXTDATA ?? value.NUMERICDATA ?? value.DATETIMEDATA ?? '') as unknown;
  if (data === '') {
    if (field.kind === 'flag') throw new Error(`Field ${field.screen} needs a checkbox value`);
    return null;
  }
  switch (field.kind) {
    case 'text': {
      if (typeof value.TEXTDATA !== 'string') throw new Error(`Field ${field.screen} needs TEXTDATA`);
      if (value.TEXTDATA.length > (field.length ?? 80)) {
        throw new Error(`Field ${field.screen} is longer than ${field.length ?? 80} characters`);
      }
      const choice = choiceOf(field, value.TEXTDATA, look);
      if (choice !== undefined || field.choices === undefined) return choice ?? value.TEXTDATA;
      const allowed = field.choices.map((one) => choiceText(field, one, look)).join(' or ');
      throw new Error(`${field.label} must be ${allowed}, not "${value.TEXTDATA}"`);
    }
    case 'flag': {
      const flag = typeof value.TEXTDATA === 'string' ? flagOf(value.TEXTDATA) : undefined;
      if (flag === undefined) throw new Error(`Field ${field.screen} needs TEXTDATA "+" or "-"`);
      return flag;
    }
    case 'number':
      if (look.isStrict) requireMembers(field, value.NUMERICDATA, numberMembers);
      return readNumber(field, value.NUMERICDATA);
    case 'date':
    case 'datetime':
      if (look.isStrict) requireMembers(field, value.DATETIMEDATA, dateMembers);
      return readDay(field, value.DATETIMEDATA, look.yearFormat);
  }
}

const numberMembers = ['VALUE', 'NUMOFDEC', 'SIGN', 'CURRENCY', 'DRCR', 'qualifier'];
const dateMembers = [
  ...['YEAR', 'MONTH', 'DAY', 'HOUR', 'MINUTE', 'SECOND', 'SUBSECOND', 'TIMEZONE', 'qualifier'],
];

function requireMembers(field: Field, data: unknown, members: readonly string[]): void {
  const given = typeof data === 'object' && data !== null ? data : {};
  const missing = members.filter((member) => !(member in given));
  const unknown = Object.keys(given).filter((member) => member !== 'UOM' && !members.includes(member));
  if (missing.length > 0) throw new Error(`Field ${field.screen} needs ${missing.join(', ')}`);
  if (unknown.length > 0) throw new Error(`Field ${field.screen} has unknown ${unknown.join(', ')}`);
}

function readNumber(field: Field, data: unknown): number {
  if (typeof data !== 'object' || data === null) throw new Error(`Field ${field.screen} needs NUMERICDATA`);
  const { VALUE, NUMOFDEC = 0, SIGN = '+' } = data as Record<string, unknown>;
  const digits = typeof VALUE === 'number' || typeof VALUE === 'string' ? String(VALUE) : '';
  const decimals = Number(NUMOFDEC);
  if (!/^\d{1,15}$/.test(digits)) {
    throw new Error(
      `Field ${field.screen}: VALUE must be whole digits without sign or point, scaled by NUMOFDEC`,
    );
  }
  if (!Number.isInteger(decimals) || decimals < 0 || decimals > 10) {
    throw new Error(`Field ${field.screen}: NUMOFDEC must be a whole number from 0 to 10`);
  }
  if (SIGN !== '+' && SIGN !== '-') throw new Error(`Field ${field.screen}: SIGN must be "+" or "-"`);
  const cents =
    decimals <= 2 ? Number(digits) * 10 ** (2 - decimals) : Math.round(Number(digits) / 10 ** (decimals - 2));
  return cents === 0 ? 0 : (SIGN === '-' ? -cents : cents) / 100;
}

function readDay(field: Field, data: unknown, yearFormat: YearFormat): number {
  if (typeof data !== 'object' || data === null) throw new Error(`Field ${field.screen} needs DATETIMEDATA`);
  const { YEAR, MONTH, DAY, TIMEZONE } = data as Record<string, unknown>;
  let year = Number(YEAR);
  if (yearFormat === 'milliseconds') {
    const start = year;
    year = new Date(start + (offsetOf(TIMEZONE) ?? 0)).getUTCFullYear();
    if (start !== yearStart(year, TIMEZONE)) year = NaN;
  }
  const day = utcDay(year, Number(MONTH), Number(DAY));
  if (day === undefined) {
    const expected =
      yearFormat === 'milliseconds' ? 'milliseconds of 1 January in its TIMEZONE' : 'a plain year';
    throw new Error(
      `Field ${field.screen} is not a valid date (YEAR is ${expected}, MONTH 1 to 12, DAY 1 to 31)`,
    );
  }
  return day;
}
