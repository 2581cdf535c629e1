/**
 * Masks responses of PEMS so that a customer can share them. Every value becomes another value of the same shape, from
 * which the original cannot be recovered.
 *
 * - Each letter or digit becomes another of the same class; punctuation, length and control characters stay. Equal
 *   values stay equal, and common prefixes stay common, so that ids and organizations still match.
 * - A date stays a date in the same notation. A day or month up to 12 stays up to 12, a day above 12 stays above, and
 *   the year changes by a few years. So the order of day and month stays visible.
 * - Zeros in a number stay. The same amount has the same mask as text and as digits with a scale.
 * - Flags (`+`, `-`, `true`, `Y`, `1` ...) and the choices `RENTAL`, `PURCHASE`, `BEO`, `PROJECT` keep their spelling:
 *   they reveal nothing about a record, and the recording must show their form.
 * - Names of fields, columns, grids and screens stay. Words of alerts that explain a refusal stay.
 */
import { createHmac, randomBytes } from 'node:crypto';

/** Replaces values with masks. One masker gives equal values equal masks; another masker gives different ones. */
export interface Masker {
  /** Masks a value as text, e.g. an id or a cell of a grid. */
  text: (value: string) => string;
  /** Masks the parsed JSON of a request or a response. */
  json: (value: unknown) => unknown;
  /** Masks text that is not JSON, e.g. a sign-in page. */
  plain: (value: string) => string;
}

type Json = Readonly<Record<string, unknown>>;

/** Values that stay unchanged, in any case. */
const keptValues = new Set([
  ...['', '+', '-', 'true', 'false', '1', '0', '-1', 'y', 'n', 'yes', 'no', '*'],
  ...['rental', 'purchase', 'beo', 'project'],
]);

/** Words of alerts that explain a refusal. */
const keptWords = new Set(
  (
    'a an and another any are be been before being by can cannot continue could date do does duplicate edited enter ' +
    'entered exist exists expired failed field fields for found function grid has have in insufficient invalid is it ' +
    'license locked login modified changed updated must no not of on one open or organization out password privileges ' +
    'process protected record records required requested rights screen security server service session since tenant ' +
    'that the this time timed to too unauthorized unknown use used user username valid value want was web with you your ' +
    'authorized authorised authorization authorisation authentication access account currently credentials disabled'
  ).split(' '),
);

/** Members whose values belong to the form of a response. */
const keptMembers = new Set(
  (
    'aliasnum n MORERECORDPRESENT RECORDS CURRENTCURSORPOSITION NEXTCURSORPOSITION NUMBER_OF_ROWS_FIRST_RETURNED ' +
    'CURSOR_POSITION LOCALIZE_RESULT TYPE REQUEST_TYPE OPERATOR JOINER SEQNUM NUMOFDEC SIGN DRCR qualifier CURRENCY ' +
    'USERDEFINEDSERVICEACTION'
  ).split(' '),
);
/** Members that name fields, columns, grids and screens. */
const nameMembers = new Set(
  (
    'FIELDNAME ALIAS_NAME USERDEFINEDSCREENFIELDNAME USERDEFINEDSCREENNAME GRID_NAME GRID_ID GRIDNAME ' +
    'GRIDID'
  ).split(' '),
);
/** Texts that these members may hold; any other text is masked. */
const keptForm = /^[A-Z_. ]{0,30}$|^[<>=!+-]{0,2}$|^\d{1,9}$|^(?:true|false)$/;
/** Pattern of the names in PEMS; any other text may be a value. */
const nameForm = /^[A-Za-z_][\w.]{0,60}$|^\d{1,9}$/;
const alertMembers = new Set(['ErrorAlert', 'ConfirmationAlert', 'InformationAlert', 'WarningAlert']);

/** Month names: the screen has numbers instead, and both must get the same mask. */
const monthNames = [
  ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'],
  ['JAN', 'FEB', 'MRZ', 'APR', 'MAI', 'JUN', 'JUL', 'AUG', 'SEP', 'OKT', 'NOV', 'DEZ'],
];

const clock = String.raw`(?:([ T]+)(\d\d?)(:)(\d\d)(?:(:)(\d\d)(\.\d+)?)?( *[AaPp][Mm])?)?`;
const namedDate = new RegExp(String.raw`^(\d\d?)([-./ ])(\p{L}{3,9}\.?)([-./ ])(\d{4})${clock}$`, 'u');
const isoDate = new RegExp(String.raw`^(\d{4})([-./])(\d\d?)\2(\d\d?)${clock}$`);
const numberDate = new RegExp(String.raw`^(\d\d?)([-./])(\d\d?)\2(\d{4})${clock}$`);
const number = /^[+-]?(?:\d+|\d{1,3}(?:[., ]\d{3})+)?(?:[.,]\d+)?$/;

const lower = 'abcdefghijklmnopqrstuvwxyz';
const digits = '0123456789';
/** Classes of characters that replace each other. A character belongs to the first class that contains it. */
const classes: readonly (readonly [form: RegExp, members: readonly string[]])[] = [
  [/\d/, [...digits]],
  [/[a-z]/, [...lower]],
  [/[A-Z]/, [...lower.toUpperCase()]],
  [/\p{Ll}/u, [...'äöüéèñçøå']],
  [/\p{Lu}/u, [...'ÄÖÜÉÈÑÇØÅ']],
  [/\p{L}/u, [...'的一是不了人我在有他这中大来上']],
  [/\p{N}/u, [...digits]],
  [/\p{Extended_Pictographic}/u, ['😀', '🔧', '🌊', '🌳', '📦']],
];

/** @param key a new key for each recording, never stored; fixed in tests */
export function createMasker(key: Buffer = randomBytes(32)): Masker {
  const seeds = new Map<string, Buffer>();
  /** Returns bytes that cannot be guessed without the key. */
  const secretOf = (what: string): Buffer => {
    let seed = seeds.get(what);
    if (seed === undefined) {
      seed = createHmac('sha256', key).update(what).digest();
      if (seeds.size < 200_000) seeds.set(what, seed);
    }
    return seed;
  };
  /** Maps each member of the list to another one, one to one: Sattolo's shuffle leaves no member in place. */
  const swap = (members: readonly string[], member: string, context: string): string => {
    const order = [...members];
    const seed = secretOf(context);
    for (let i = order.length - 1; i > 0; i -= 1) {
      const j = seed.readUInt16BE((i * 2) % 30) % i;
      [order[i], order[j]] = [order[j] ?? '', order[i] ?? ''];
    }
    const place = members.indexOf(member);
    return (
      order[place < 0 ? secretOf(`${context}${member}`).readUInt16BE(0) % order.length : place] ?? member
    );
  };
  /** Returns a different whole number from `first` to `last`. */
  const among = (first: number, last: number, value: number, context: string): number => {
    const members = Array.from({ length: last - first + 1 }, (_, index) => String(first + index));
    return Number(swap(members, String(value), context));
  };

  /** The mask of a digit depends on the digits before it, so that common prefixes stay common. Zeros stay unchanged. */
  const digitsOf = (text: string): string => {
    let before = '';
    return text.replace(/[1-9]|0/g, (digit) => {
      const masked = digit === '0' ? '0' : swap([...digits.slice(1)], digit, `number ${before}`);
      before += digit;
      return masked;
    });
  };
  const numberOf = (text: string): string => {
    const leading = /^[+-]?[0., ]*/.exec(text)?.[0] ?? '';
    return leading + digitsOf(text.slice(leading.length));
  };

  const words = (text: string): string => {
    let before = '';
    let masked = '';
    for (const character of text) {
      const members = classes.find(([form]) => form.test(character))?.[1];
      masked += members === undefined ? character : swap(members, character, `text ${before}`);
      before += character;
    }
    return masked;
  };

  const years = (secretOf('years').readUInt8(0) % 6) + 2;
  const yearOf = (year: number): number => year + (secretOf('years').readUInt8(1) % 2 === 0 ? years : -years);
  /** Masks a day or a month: a number up to 12 may be either. */
  const dayOf = (day: number): number =>
    day >= 1 && day <= 12
      ? among(1, 12, day, 'day')
      : day <= 31 && day > 12
        ? among(13, 28, ((day - 13) % 16) + 13, 'day')
        : day;
  const hourOf = (hour: number): number => {
    const half = hour % 12;
    return half === 0 ? hour : hour - half + among(1, 11, half, 'hour');
  };
  const minuteOf = (minute: number): number =>
    minute >= 1 && minute <= 59 ? among(1, 59, minute, 'minute') : minute;
  const padded = (masked: number, given: string): string => String(masked).padStart(given.length, '0');

  const clockOf = (parts: readonly (string | undefined)[]): string => {
    const [gap, hour, colon, minute, second, seconds, fraction, half] = parts;
    if (gap === undefined || hour === undefined || minute === undefined) return '';
    const time = `${gap}${padded(hourOf(Number(hour)), hour)}${colon ?? ':'}${padded(minuteOf(Number(minute)), minute)}`;
    const more = seconds === undefined ? '' : `${second ?? ':'}${padded(minuteOf(Number(seconds)), seconds)}`;
    return `${time}${more}${fraction === undefined ? '' : digitsOf(fraction)}${half ?? ''}`;
  };
  const monthOf = (name: string): string => {
    const bare = name.replace(/\.$/, '');
    const language = monthNames.find((names) => names.includes(bare.toUpperCase()));
    if (language === undefined) return name;
    const masked = language[dayOf(language.indexOf(bare.toUpperCase()) + 1) - 1] ?? bare;
    const isCapital = bare === bare.toUpperCase();
    const spelled = isCapital ? masked : `${masked.charAt(0)}${masked.slice(1).toLowerCase()}`;
    return spelled + name.slice(bare.length);
  };
  const dateOf = (text: string): string | null => {
    const day = (part = ''): string => padded(dayOf(Number(part)), part);
    const year = (part = ''): string => padded(yearOf(Number(part)), part);
    const named = namedDate.exec(text);
    if (named !== null) {
      const [, d, one = '', month = '', two = '', y, ...time] = named;
      return `${day(d)}${one}${monthOf(month)}${two}${year(y)}${clockOf(time)}`;
    }
    const iso = isoDate.exec(text);
    if (iso !== null) {
      const [, y, sign = '', m, d, ...time] = iso;
      return `${year(y)}${sign}${day(m)}${sign}${day(d)}${clockOf(time)}`;
    }
    const numbers = numberDate.exec(text);
    if (numbers === null) return null;
    const [, a, sign = '', b, y, ...time] = numbers;
    return `${day(a)}${sign}${day(b)}${sign}${year(y)}${clockOf(time)}`;
  };

  const maskText = (value: string): string => {
    if (keptValues.has(value.trim().toLowerCase())) return value;
    const date = dateOf(value.trim());
    if (date !== null) return value.replace(value.trim(), () => date);
    return number.test(value.trim()) ? numberOf(value) : words(value);
  };
  const maskNumber = (value: number): number => {
    if (!Number.isFinite(value) || keptValues.has(String(value))) return value;
    const text = String(value);
    return /^-?\d+(\.\d+)?$/.test(text) ? Number(numberOf(text)) : Number(digitsOf(text));
  };

  /** Masks an alert: the known words that explain the refusal stay. */
  const sentence = (text: string): string =>
    text.replace(/[\p{L}\p{N}][\p{L}\p{N}\p{M}_]*/gu, (word) =>
      word.split('_').every((part) => keptWords.has(part.toLowerCase())) ? word : words(word),
    );

  /** Masks YEAR, MONTH and the rest of a typed date like the same date in a grid. */
  const dateTime = (data: Json): Json => {
    const part = (mask: (value: number) => number) => (value: unknown) =>
      typeof value === 'number'
        ? mask(value)
        : typeof value === 'string' && /^\d+$/.test(value)
          ? String(mask(Number(value)))
          : other('', value);
    const masks: Readonly<Record<string, (value: unknown) => unknown>> = {
      YEAR: part((year) => (year >= 1 && year <= 9999 ? yearOf(year) : instantOf(year))),
      MONTH: part(dayOf),
      DAY: part(dayOf),
      HOUR: part(hourOf),
      MINUTE: part(minuteOf),
      SECOND: part(minuteOf),
      SUBSECOND: part(maskNumber),
    };
    return mapObject(data, (key, value) =>
      key === 'TIMEZONE' && /^[+-]\d\d:?\d\d$/.test(String(value))
        ? value
        : (masks[key]?.(value) ?? other(key, value)),
    );
  };
  /**
   * Masks milliseconds: a midnight around 1 January stays one, any other instant becomes another one of the same year.
   */
  const instantOf = (milliseconds: number): number => {
    const hour = 3_600_000;
    const year = new Date(milliseconds + 14 * hour).getUTCFullYear();
    const begins = Date.UTC(year, 0, 1);
    const moved = Date.UTC(yearOf(year), 0, 1);
    if (Math.abs(milliseconds - begins) <= 14 * hour && milliseconds % (hour / 4) === 0)
      return moved + (milliseconds - begins);
    const within = secretOf(`instant ${milliseconds}`).readUInt32BE(0) % (300 * 24 * hour);
    return moved + 20 * 24 * hour + (within - (within % 1000)) + (milliseconds % 1000);
  };
  /** Masks digits with a scale like the same amount in a grid. */
  const amount = (data: Json): Json => {
    const scale = Number(data.NUMOFDEC ?? 0);
    return mapObject(data, (key, value) => {
      if (key !== 'VALUE') return other(key, value);
      const text = String(value);
      if (!/^-?\d+$/.test(text)) return other(key, value);
      // The scale distinguishes numeric flags from amounts such as 1.
      const isKept = scale === 0 && keptValues.has(text);
      const masked = isKept ? text : numberOf(text);
      return typeof value === 'number' ? Number(masked) : masked;
    });
  };

  const mapObject = (object: Json, mask: (key: string, value: unknown, parent: Json) => unknown): Json =>
    Object.fromEntries(
      Object.entries(object).map(([key, value]) => [
        nameForm.test(key) ? key : words(key),
        mask(key, value, object),
      ]),
    );

  const inAlert = (value: unknown): unknown => {
    if (typeof value === 'string') return sentence(value);
    if (Array.isArray(value)) return value.map(inAlert);
    return isJson(value) ? mapObject(value, (_, one) => inAlert(one)) : value;
  };

  const other = (key: string, value: unknown, parent: Json = {}): unknown => {
    if (Array.isArray(value)) return value.map((one) => other(key, one, parent));
    if (alertMembers.has(key)) return inAlert(value);
    if (key === 'DATETIMEDATA' || /^DATE(UPDATED|CREATED)$/.test(key)) {
      if (isJson(value)) return dateTime(value);
    } else if (key === 'NUMERICDATA' && isJson(value)) return amount(value);
    if (isJson(value)) return mapObject(value, other);
    if (keptMembers.has(key) && (typeof value !== 'string' || keptForm.test(value))) return value;
    // An object with the number of a column describes that column.
    const isName = nameMembers.has(key) || (key === 'name' && parent.aliasnum !== undefined);
    if (typeof value === 'string') return isName && nameForm.test(value) ? value : maskText(value);
    return typeof value === 'number' && !isName ? maskNumber(value) : value;
  };

  return { text: maskText, json: (value) => other('', value), plain: words };
}

function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
