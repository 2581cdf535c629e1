/**
 * The user-defined screen of PEMS, on which one record is read and written: what is sent, and what comes back.
 *
 * Assumed of PEMS: a field is emptied with the data of its kind being null, text with `""`; an amount is sent as whole
 * digits that NUMOFDEC scales. Members that are not known are ignored.
 */
import type { CheckedConnection } from './connection.ts';
import { isObject, list, malformed, object } from './grid.ts';
import { isBlank, parseNumber, parseTimestamp, storageProblem } from './values.ts';

/** How a tenant writes YEAR of a date: milliseconds since 1970 of 1 January (UTC), or the plain year. */
export type YearFormat = 'milliseconds' | 'plain';

/** A value as it can be written to a field of the screen. */
export type WritableValue =
  /** Empty for none. */
  | { type: 'text'; value: string }
  /** An exact decimal that is also a JSON number, e.g. `1234.5`; `null` for none. */
  | { type: 'number'; value: string | null }
  /** `2026-04-02 14:30`, as PEMS holds it, in no stated zone; `null` for none. */
  | { type: 'date'; value: string | null };

/** A value as a field of the screen holds it. */
export type ScreenValue = WritableValue | { type: 'unreadable'; problem: string };

/** What PEMS tells versions of a record apart by; as it gave it, because it wants it back so. */
export type RecordId = number | string;

/** One record as the screen shows it. */
export interface ScreenRecord {
  recordId: RecordId;
  /** By the name of the field, in capitals: PEMS spells names in any case. */
  values: ReadonlyMap<string, ScreenValue>;
  /** When PEMS changed it last, `2026-04-02 14:30` as in the grid; `null` when it does not say. */
  updatedAt: string | null;
  /** Who changed it last. */
  updatedBy: string | null;
}

/** Which record. */
export interface RecordIdentity {
  organization: string;
  id: string;
}

/** What is to be changed, over the version of the record that was read. */
export interface RecordChange {
  recordId: RecordId;
  values: ReadonlyMap<string, WritableValue>;
}

/** The body of `POST /userdefinedscreenservices`. */
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

/** PEMS reads VALUE as a number of at most so many digits; all of them are exact in JavaScript, too. */
const MAX_DIGITS = 15;

/**
 * The request that reads a record, or with a change the one that writes it: only the fields to be changed are sent,
 * with the two that identify the record and the `recordid` that was read.
 *
 * @returns `null` where a value does not fit the wire
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

/** Whether the wire can carry the value exactly. */
export function isWritable(value: WritableValue): boolean {
  return wireValue(value, 'plain') !== null;
}

/**
 * Reads an answer, which must be about the record that was asked for: another one's would be taken for a change of it.
 * A value of an unknown form is `unreadable` and does not keep the others from being read.
 *
 * @param answer the parsed JSON of an answer without an `ErrorAlert`
 * @throws VanguardError `PEMS_MALFORMED_ANSWER`, naming the place and never what stands there
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
      throw malformed(`${where}.USERDEFINEDSCREENFIELDNAME`, 'is no text');
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
      throw malformed(SERVICE, 'is not the record that was asked for');
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
  throw malformed(`${SERVICE}.DATEUPDATED`, 'is no date');
}

/** A name, or an object `{ USERCODE, DESCRIPTION }`, of which the code tells users apart. */
function updatedByOf(user: unknown): string | null {
  const code = isObject(user) ? user.USERCODE : user;
  if (code === undefined || code === null) return null;
  const text = typeof code === 'number' ? String(code) : code;
  if (typeof text !== 'string' || storageProblem(text) !== null)
    throw malformed(`${SERVICE}.UPDATEDBY`, 'is neither text nor an object with a USERCODE');
  return isBlank(text) ? null : text;
}

const kinds = ['TEXTDATA', 'NUMERICDATA', 'DATETIMEDATA'] as const;

/** PEMS writes none as a field without a value, or with kinds of data that are null or empty; unknown members are ignored. */
function screenValue(value: unknown): ScreenValue {
  if (value === undefined || value === null) return none;
  if (!isObject(value)) return unreadable('holds a value that is no object');
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
    : unreadable('holds a kind of data that is not known');
}

/** No value, whatever the kind of the field. */
const none: ScreenValue = { type: 'text', value: '' };

const isOneOf = (names: readonly string[], name: string): boolean => names.includes(name);

function textValue(data: unknown): ScreenValue {
  if (typeof data === 'string') return { type: 'text', value: data };
  if (typeof data === 'boolean' || (typeof data === 'number' && Number.isSafeInteger(data)))
    return { type: 'text', value: String(data) };
  return unreadable('has TEXTDATA that is no text');
}

function unreadable(what: string): ScreenValue {
  return { type: 'unreadable', problem: `The field ${what}.` };
}

/** Refused is what JavaScript has rounded, or might have: VALUE with a fraction, or of more than 15 digits or so. */
function numberValue(data: unknown): ScreenValue {
  if (!isObject(data)) return unreadable('has NUMERICDATA that is no object');
  const { VALUE, NUMOFDEC } = data;
  if (VALUE === undefined || VALUE === null || VALUE === '') return { type: 'number', value: null };
  const digits = wholeDigits(typeof VALUE === 'number' ? Math.abs(VALUE) : VALUE);
  const decimals = Number(wholeDigits(NUMOFDEC ?? 0) ?? NaN);
  if (digits === null || !(decimals <= 10))
    return unreadable('has a VALUE or NUMOFDEC that is no whole number');
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

/** MONTH, DAY and time as they stand: a day is the day that a person sees. TIMEZONE tells only which year YEAR means. */
function dateValue(data: unknown): ScreenValue {
  if (!isObject(data)) return unreadable('has DATETIMEDATA that is no object');
  if ([data.YEAR, data.MONTH, data.DAY].every((part) => part === undefined || part === null))
    return { type: 'date', value: null };
  const year = calendarYear(data.YEAR, data.TIMEZONE);
  const parts = [data.MONTH, data.DAY, data.HOUR ?? 0, data.MINUTE ?? 0].map(
    (part) => wholeDigits(part)?.padStart(2, '0') ?? '',
  );
  if (year === null || parts.some((part) => part.length !== 2))
    return unreadable('has a part of DATETIMEDATA that is none');
  const [month, day, hour, minute] = parts;
  const moment = parseTimestamp(`${year}-${month}-${day} ${hour}:${minute}`, 'MDY');
  return moment.ok ? { type: 'date', value: moment.value } : { type: 'unreadable', problem: moment.problem };
}

const HOUR_MS = 3_600_000;
/** No zone is further from UTC. */
const WIDEST_OFFSET_MS = 14 * HOUR_MS;
/** Zones differ from UTC by whole quarters of an hour. */
const QUARTER_MS = HOUR_MS / 4;

/**
 * The year that YEAR means, in four digits: a plain year, or milliseconds since 1970 of any instant in that year. Systems
 * write 1 January at midnight of UTC, of their own zone, or the instant of the last change.
 *
 * A midnight in UTC is that of its year. A full quarter of an hour in the 14 hours around a 1 January is a midnight of
 * some zone, and means the year that begins. Any other instant lies in the year that TIMEZONE gives it.
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

/** `-0500` or `-05:00` in milliseconds; 0 where no offset is stated. */
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

/** The digits of a whole number that is not negative and is held exactly, given as a number or as text. */
function wholeDigits(value: unknown): string | null {
  if (typeof value === 'number') return Number.isSafeInteger(value) && value >= 0 ? String(value) : null;
  return typeof value === 'string' && /^\d{1,30}$/.test(value) ? value : null;
}

/** `null` where it does not fit. */
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

/** With two decimals at least, as PEMS itself gives money. */
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
