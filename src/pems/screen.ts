/**
 * The user-defined screen of PEMS, which reads and writes one record: requests and responses.
 *
 * Assumptions about PEMS: null data of its kind empties a field (for text, `""`), and an amount is sent as whole digits
 * scaled by NUMOFDEC. Unknown members are ignored.
 */
import type { CheckedConnection } from './connection.ts';
import { isObject, list, malformed, object } from './grid.ts';
import { isBlank, parseNumber, parseTimestamp, storageProblem } from './values.ts';

/** Notation of YEAR in a date of a tenant: milliseconds since 1970 of 1 January (UTC), or the plain year. */
export type YearFormat = 'milliseconds' | 'plain';

/** A value that can be written to a field of the screen. */
export type WritableValue =
  /** An empty text empties the field. */
  | { type: 'text'; value: string }
  /** An exact decimal that is also a JSON number, e.g. `1234.5`; `null` for no value. */
  | { type: 'number'; value: string | null }
  /** `2026-04-02 14:30`, as in PEMS, without a zone; `null` for no value. */
  | { type: 'date'; value: string | null };

/** A value of a field of the screen. */
export type ScreenValue = WritableValue | { type: 'unreadable'; problem: string };

/** Token of the version of a record, kept in the form that PEMS sent, because PEMS expects the same form back. */
export type RecordId = number | string;

/** A record on the screen. */
export interface ScreenRecord {
  recordId: RecordId;
  /** Keyed by the name of the field in capitals, because PEMS spells names in any case. */
  values: ReadonlyMap<string, ScreenValue>;
  /** Time of the last change in PEMS, `2026-04-02 14:30` as in the grid; `null` if absent. */
  updatedAt: string | null;
  /** User who changed the record last. */
  updatedBy: string | null;
}

/** Identity of a record. */
export interface RecordIdentity {
  organization: string;
  id: string;
}

/** Changes to write, and the version of the record that was read. */
export interface RecordChange {
  recordId: RecordId;
  values: ReadonlyMap<string, WritableValue>;
}

/** Body of `POST /userdefinedscreenservices`. */
export interface ScreenRequest {
  USERDEFINEDSCREENNAME: string;
  USERDEFINEDSERVICEACTION: 'GET' | 'UPDATE';
  recordid?: RecordId;
  USERDEFINEDSCREENFIELDVALUELIST: {
    USERDEFINEDSCREENFIELDVALUEPAIR: {
      USERDEFINEDSCREENFIELDNAME: string;
      USERDEFINEDSCREENFIELDVALUE: WireValue;
    }[];
  };
}

type WireValue =
  | { TEXTDATA: string }
  | {
      NUMERICDATA: {
        VALUE: number;
        NUMOFDEC: number;
        SIGN: '+' | '-';
        CURRENCY: 'USD';
        DRCR: 'D';
        qualifier: 'OTHER';
      } | null;
    }
  | { DATETIMEDATA: Record<string, number | string> | null };

/** Maximum number of digits of VALUE in PEMS, all of which are exact in JavaScript. */
const MAX_DIGITS = 15;

/**
 * Returns the request that reads a record, or writes the given change. A write sends only the changed fields, the two
 * identifying fields and the `recordid` that was read.
 *
 * @returns `null` if the protocol cannot carry a value
 */
export function screenRequest(
  { screen, yearFormat }: Pick<CheckedConnection, 'screen' | 'yearFormat'>,
  { organization, id }: RecordIdentity,
  change?: RecordChange,
): ScreenRequest | null {
  const pairs = [
    { name: screen.idField, value: { TEXTDATA: id } as WireValue | null },
    { name: screen.organizationField, value: { TEXTDATA: organization } },
    ...[...(change?.values ?? [])].map(([name, value]) => ({ name, value: wireValue(value, yearFormat) })),
  ];
  const request: ScreenRequest = {
    USERDEFINEDSCREENNAME: screen.name,
    USERDEFINEDSERVICEACTION: change === undefined ? 'GET' : 'UPDATE',
    USERDEFINEDSCREENFIELDVALUELIST: { USERDEFINEDSCREENFIELDVALUEPAIR: [] },
  };
  if (change !== undefined) request.recordid = change.recordId;
  for (const { name, value } of pairs) {
    if (value === null) return null;
    request.USERDEFINEDSCREENFIELDVALUELIST.USERDEFINEDSCREENFIELDVALUEPAIR.push({
      USERDEFINEDSCREENFIELDNAME: name,
      USERDEFINEDSCREENFIELDVALUE: value,
    });
  }
  return request;
}

/** Returns whether the protocol can carry the value exactly. */
export function isWritable(value: WritableValue): boolean {
  return wireValue(value, 'plain') !== null;
}

/**
 * Reads a response, which must be about the requested record: another record would be mistaken for a change. A value in
 * an unknown form is `unreadable`, and the other values are still read.
 *
 * @param answer the parsed JSON of a response without an `ErrorAlert`
 * @throws VanguardError `PEMS_MALFORMED_ANSWER` with the place, never with the content
 */
export function parseScreenAnswer(
  answer: unknown,
  { screen }: Pick<CheckedConnection, 'screen'>,
  { organization, id }: RecordIdentity,
): ScreenRecord {
  const result = object(object(answer, 'The answer').Result, 'Result');
  const service = object(object(result.ResultData, 'Result.ResultData').UserDefinedScreenService, SERVICE);
  const values = new Map<string, ScreenValue>();
  const pairs = list(object(service.USERDEFINEDSCREENFIELDVALUELIST, LIST).USERDEFINEDSCREENFIELDVALUEPAIR);
  for (const [index, item] of pairs.entries()) {
    const where = `${LIST}.USERDEFINEDSCREENFIELDVALUEPAIR[${index}]`;
    const pair = object(item, where);
    const name = pair.USERDEFINEDSCREENFIELDNAME;
    if (typeof name !== 'string' || name === '')
      throw malformed(`${where}.USERDEFINEDSCREENFIELDNAME`, 'is not text');
    const key = name.toUpperCase();
    if (values.has(key)) throw malformed(where, 'is a field that the record already has');
    values.set(key, screenValue(pair.USERDEFINEDSCREENFIELDVALUE));
  }
  for (const [field, asked] of [
    [screen.idField, id],
    [screen.organizationField, organization],
  ] as const) {
    const held = values.get(field.toUpperCase());
    if (held?.type !== 'text' || held.value !== asked)
      throw malformed(SERVICE, 'is not the requested record');
  }
  return {
    recordId: recordIdOf(service.recordid),
    values,
    updatedAt: updatedAtOf(service.DATEUPDATED),
    updatedBy: updatedByOf(service.UPDATEDBY),
  };
}

const SERVICE = 'Result.ResultData.UserDefinedScreenService';
const LIST = `${SERVICE}.USERDEFINEDSCREENFIELDVALUELIST`;

function recordIdOf(recordId: unknown): RecordId {
  if (typeof recordId === 'number' && Number.isSafeInteger(recordId)) return recordId;
  if (typeof recordId === 'string' && !isBlank(recordId) && storageProblem(recordId) === null)
    return recordId;
  throw malformed(`${SERVICE}.recordid`, 'is neither text nor a whole number');
}

function updatedAtOf(data: unknown): string | null {
  if (data === undefined || data === null) return null;
  const updated = dateValue(data);
  if (updated.type === 'date') return updated.value;
  throw malformed(`${SERVICE}.DATEUPDATED`, 'is not a date');
}

/** Reads a name, or an object `{ USERCODE, DESCRIPTION }`, whose code identifies the user. */
function updatedByOf(user: unknown): string | null {
  const code = isObject(user) ? user.USERCODE : user;
  if (code === undefined || code === null) return null;
  const text = typeof code === 'number' ? String(code) : code;
  if (typeof text !== 'string' || storageProblem(text) !== null)
    throw malformed(`${SERVICE}.UPDATEDBY`, 'is neither text nor an object with a USERCODE');
  return isBlank(text) ? null : text;
}

const kinds = ['TEXTDATA', 'NUMERICDATA', 'DATETIMEDATA'] as const;

/**
 * PEMS writes an empty value as a field without a value, or with null or empty kinds of data. Unknown members are
 * ignored.
 */
function screenValue(value: unknown): ScreenValue {
  if (value === undefined || value === null) return none;
  if (!isObject(value)) return unreadable('holds a value that is not an object');
  const filled = kinds.filter(
    (kind) => value[kind] !== undefined && value[kind] !== null && value[kind] !== '',
  );
  if (filled.length > 1) return unreadable(`holds ${filled.join(' and ')} at once`);
  const [kind] = filled;
  if (kind === 'TEXTDATA') return textValue(value.TEXTDATA);
  if (kind === 'NUMERICDATA') return numberValue(value.NUMERICDATA);
  if (kind === 'DATETIMEDATA') return dateValue(value.DATETIMEDATA);
  return Object.keys(value).every((name) => isOneOf(kinds, name) || (value[name] ?? null) === null)
    ? none
    : unreadable('holds an unknown kind of data');
}

/** The value is empty for every kind of field. */
const none: ScreenValue = { type: 'text', value: '' };

const isOneOf = (names: readonly string[], name: string): boolean => names.includes(name);

function textValue(data: unknown): ScreenValue {
  if (typeof data === 'string') return { type: 'text', value: data };
  if (typeof data === 'boolean' || (typeof data === 'number' && Number.isSafeInteger(data)))
    return { type: 'text', value: String(data) };
  return unreadable('has TEXTDATA that is not text');
}

function unreadable(what: string): ScreenValue {
  return { type: 'unreadable', problem: `The field ${what}.` };
}

/**
 * Refuses numbers that JavaScript rounded or may have rounded: VALUE with a fraction, or with more than about 15
 * digits.
 */
function numberValue(data: unknown): ScreenValue {
  if (!isObject(data)) return unreadable('has NUMERICDATA that is not an object');
  const { VALUE, NUMOFDEC } = data;
  if (VALUE === undefined || VALUE === null || VALUE === '') return { type: 'number', value: null };
  const digits = wholeDigits(typeof VALUE === 'number' ? Math.abs(VALUE) : VALUE);
  const decimals = Number(wholeDigits(NUMOFDEC ?? 0) ?? NaN);
  if (digits === null || !(decimals <= 10))
    return unreadable('has a VALUE or NUMOFDEC that is not a whole number');
  const isNegative = typeof VALUE === 'number' && VALUE < 0;
  const SIGN = (data.SIGN ?? '') === '' ? (isNegative ? '-' : '+') : data.SIGN;
  if ((SIGN !== '+' && SIGN !== '-') || (isNegative && SIGN === '+'))
    return unreadable('has a SIGN that is neither "+" nor "-", or contradicts its VALUE');
  const padded = digits.padStart(decimals + 1, '0');
  const point = padded.length - decimals;
  const amount = parseNumber(`${SIGN}${padded.slice(0, point)}${decimals ? '.' : ''}${padded.slice(point)}`);
  return amount.ok
    ? { type: 'number', value: amount.value }
    : { type: 'unreadable', problem: amount.problem };
}

/** MONTH, DAY and time count as written: a day is the day that users see. TIMEZONE only decides the year of YEAR. */
function dateValue(data: unknown): ScreenValue {
  if (!isObject(data)) return unreadable('has DATETIMEDATA that is not an object');
  if ([data.YEAR, data.MONTH, data.DAY].every((part) => part === undefined || part === null))
    return { type: 'date', value: null };
  const year = calendarYear(data.YEAR, data.TIMEZONE);
  const parts = [data.MONTH, data.DAY, data.HOUR ?? 0, data.MINUTE ?? 0].map(
    (part) => wholeDigits(part)?.padStart(2, '0') ?? '',
  );
  if (year === null || parts.some((part) => part.length !== 2))
    return unreadable('has an invalid part of DATETIMEDATA');
  const [month, day, hour, minute] = parts;
  const moment = parseTimestamp(`${year}-${month}-${day} ${hour}:${minute}`, 'MDY');
  return moment.ok ? { type: 'date', value: moment.value } : { type: 'unreadable', problem: moment.problem };
}

const HOUR_MS = 3_600_000;
/** Maximum offset of a zone from UTC. */
const WIDEST_OFFSET_MS = 14 * HOUR_MS;
/** Offsets from UTC are multiples of a quarter of an hour. */
const QUARTER_MS = HOUR_MS / 4;

/**
 * Returns the year of YEAR in four digits. YEAR is a plain year, or the milliseconds since 1970 of any instant in the
 * year. Systems write 1 January at midnight in UTC or in their zone, or the instant of the last change.
 *
 * A midnight in UTC belongs to its own year. A full quarter of an hour within 14 hours of a 1 January is a midnight of
 * some zone, and means the beginning year. Any other instant belongs to the year that TIMEZONE gives it.
 */
function calendarYear(value: unknown, timezone: unknown): string | null {
  const number = typeof value === 'string' && /^-?\d{1,15}$/.test(value) ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isSafeInteger(number)) return null;
  if (number >= 1 && number <= 9999) return fourDigits(number);
  const year = yearOf(number);
  const isMidnightSomewhere = number % QUARTER_MS === 0;
  const isLate = isMidnightSomewhere && yearOf(number + WIDEST_OFFSET_MS) > year;
  const isEarly = isMidnightSomewhere && yearOf(number - WIDEST_OFFSET_MS) < year;
  const meant = isLate ? year + 1 : isEarly ? year : yearOf(number + offsetOf(timezone));
  return meant >= 1 && meant <= 9999 ? fourDigits(meant) : null;
}

const yearOf = (milliseconds: number): number => new Date(milliseconds).getUTCFullYear();

/** Returns `-0500` or `-05:00` in milliseconds; 0 without an offset. */
function offsetOf(timezone: unknown): number {
  const [, sign, hours, minutes] = /^([+-])(\d\d):?(\d\d)$/.exec(String(timezone).trim()) ?? [];
  const offset = (Number(hours ?? 0) * 60 + Number(minutes ?? 0)) * 60_000;
  return sign === '-' ? -offset : offset;
}

function fourDigits(year: number): string {
  return String(year).padStart(4, '0');
}

function firstOfJanuary(year: string): number {
  return Date.parse(`${year}-01-01T00:00:00Z`);
}

/** Returns the digits of an exact whole number that is not negative, given as a number or as text. */
function wholeDigits(value: unknown): string | null {
  if (typeof value === 'number') return Number.isSafeInteger(value) && value >= 0 ? String(value) : null;
  return typeof value === 'string' && /^\d{1,30}$/.test(value) ? value : null;
}

/** Returns `null` if the amount does not fit. */
function wireValue(value: WritableValue, yearFormat: YearFormat): WireValue | null {
  switch (value.type) {
    case 'text':
      return { TEXTDATA: value.value };
    case 'number':
      return value.value === null ? { NUMERICDATA: null } : numericData(value.value);
    case 'date':
      return value.value === null ? { DATETIMEDATA: null } : dateTimeData(value.value, yearFormat);
  }
}

/** Writes at least two decimals, as PEMS does for money. */
function numericData(amount: string): WireValue | null {
  const match = /^(-?)(\d+)(?:\.(\d{1,10}))?$/.exec(amount);
  if (match === null) return null;
  const [, sign = '', whole = '', fraction = ''] = match;
  const decimals = fraction.padEnd(2, '0');
  const digits = (whole + decimals).replace(/^0+(?=\d)/, '');
  if (digits.length > MAX_DIGITS) return null;
  return {
    NUMERICDATA: {
      ...{ VALUE: Number(digits), NUMOFDEC: decimals.length, SIGN: sign === '-' ? '-' : '+' },
      ...{ CURRENCY: 'USD', DRCR: 'D', qualifier: 'OTHER' },
    },
  };
}

function dateTimeData(moment: string, yearFormat: YearFormat): WireValue | null {
  const match = /^(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d)$/.exec(moment);
  if (match === null || !parseTimestamp(moment, 'MDY').ok) return null;
  const [, year = '', month, day, hour, minute] = match;
  return {
    DATETIMEDATA: {
      YEAR: yearFormat === 'milliseconds' ? firstOfJanuary(year) : Number(year),
      MONTH: Number(month),
      DAY: Number(day),
      HOUR: Number(hour),
      MINUTE: Number(minute),
      SECOND: 0,
      SUBSECOND: 0,
      TIMEZONE: '+0000',
      qualifier: 'OTHER',
    },
  };
}
