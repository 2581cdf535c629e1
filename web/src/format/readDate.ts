import { Temporal } from 'temporal-polyfill';
import { formatDate, formatDateToEdit, type IsoDate } from './dates.ts';
import { perLocale } from './locale.ts';
import { asPlainText, escapeForPattern, type Reading } from './reading.ts';

// Reads a day as users type or paste it: as this app shows it, in any style of the reader's locale, or as ISO 8601,
// Excel, P6 and PEMS write it. The whole text must match. Text with two meanings is refused, and the error names both.

type Part = 'year' | 'month' | 'day';

/** One way to write a date: a pattern with the groups year, month, day and optionally weekday. */
interface Form {
  pattern: RegExp;
  /** Number of each month name, from 1; empty if months are numbers. */
  months: ReadonlyMap<string, number>;
  weekdays: ReadonlyMap<string, number>;
}

const utc = { timeZone: 'UTC', calendar: 'gregory' } as const;
const styles: Intl.DateTimeFormatOptions[] = [
  { dateStyle: 'short' },
  { dateStyle: 'medium' },
  { dateStyle: 'long' },
  { dateStyle: 'full' },
  { year: 'numeric', month: 'numeric', day: 'numeric' },
  { year: 'numeric', month: 'short', day: 'numeric', weekday: 'short' },
];

/** Normalizes a name: case, accents and the full stop of an abbreviation do not matter. */
const fold = (name: string): string =>
  asPlainText(name)
    .normalize('NFD')
    .replace(/[\u0300-\u036F]/g, '')
    .toLowerCase()
    .replace(/\.$/, '');

const partOf = (format: Intl.DateTimeFormat, date: number, type: string): string =>
  fold(format.formatToParts(date).find((part) => part.type === type)?.value ?? '');

/** Maps names to numbers; a name that two numbers share is ambiguous and left out. */
function namesOf(write: (index: number) => string, count: number): Map<string, number> {
  const names = new Map<string, number>();
  const shared = new Set<string>();
  for (let index = 1; index <= count; index++) {
    const name = write(index);
    if (/^\d*$/.test(name)) continue;
    if (names.has(name)) shared.add(name);
    names.set(name, index);
  }
  for (const name of shared) names.delete(name);
  return names;
}

const monthNames = (format: Intl.DateTimeFormat) =>
  namesOf((month) => partOf(format, Date.UTC(2026, month - 1, 15), 'month'), 12);
/** Weekdays as Temporal counts them, where Monday is 1. 5 January 2026 is a Monday. */
const weekdayNames = (format: Intl.DateTimeFormat) =>
  namesOf((day) => partOf(format, Date.UTC(2026, 0, 4 + day), 'weekday'), 7);

const anyOf = (names: Iterable<string>): string =>
  [...names]
    .sort((a, b) => b.length - a.length)
    .map((name) => `${escapeForPattern(name)}\\.?`)
    .join('|');

const numberOf = { year: '\\d{4}|\\d{2}', month: '\\d{1,2}', day: '\\d{1,2}' } as const;

const free = '[ ,\\u060C]';

/** Pattern for the text between two parts: spaces and commas are optional, except between two numbers. */
function literal(text: string, isBetweenNumbers: boolean): string {
  const core = fold(text);
  const stop = /\.\s*$/.test(text) ? '\\.' : '';
  if (/^[,\u060C\s]*$/.test(core)) return stop || (isBetweenNumbers ? `${free}+` : `${free}*`);
  const words = core.split(/[,\u060C\s]+/).map(escapeForPattern);
  return `${free}*${words.join(`${free}*`)}${stop && `${stop}?`}${free}*`;
}

function formOf(locale: string, style: Intl.DateTimeFormatOptions): Form {
  const format = new Intl.DateTimeFormat(locale, { ...utc, ...style });
  const months = monthNames(format);
  const weekdays = weekdayNames(format);
  const isNumber = (part?: Intl.DateTimeFormatPart) =>
    part !== undefined && part.type !== 'literal' && /^\d+$/.test(asPlainText(part.value));
  const parts = format.formatToParts(Date.UTC(2026, 3, 2));
  const pattern = parts
    .map(({ type, value }, i) => {
      if (type === 'year' || type === 'day') return `(?<${type}>${numberOf[type]})`;
      if (type === 'month') return `(?<month>${months.size > 0 ? anyOf(months.keys()) : numberOf.month})`;
      if (type === 'weekday') return `(?<weekday>${anyOf(weekdays.keys())})`;
      // Literal text around the parts, or an era.
      const between = literal(value, isNumber(parts[i - 1]) && isNumber(parts[i + 1]));
      // Users often omit the text after the last part, such as a full stop.
      return i === parts.length - 1 ? `(?:${between})?` : `${between}${/\s$/.test(value) ? ' ?' : ''}`;
    })
    .join('');
  return { pattern: new RegExp(`^${pattern}$`, 'u'), months, weekdays };
}

/** Forms of the locale, and forms that name the month in its language or in English, as Excel, P6 and PEMS do. */
const known = perLocale((locale): Form[] => {
  const months = new Map(
    ['en', locale].flatMap((language) =>
      (['short', 'long'] as const).flatMap((month) => [
        ...monthNames(new Intl.DateTimeFormat(language, { ...utc, month })),
        ...monthNames(new Intl.DateTimeFormat(language, { ...utc, month, day: 'numeric' })),
      ]),
    ),
  );
  // PEMS and P6 write "SEPT" and "SEP".
  if (!months.has('sept')) months.set('sept', 9);
  const part = { ...numberOf, month: anyOf(months.keys()) };
  const named = (...order: Part[]): Form => ({
    pattern: new RegExp(
      `^${order
        .map((name, i) => {
          const isAfterNumber = i > 0 && name !== 'month' && order[i - 1] !== 'month';
          return `${i === 0 ? '' : `[ \\-/.,]${isAfterNumber ? '+' : '*'}`}(?<${name}>${part[name]})`;
        })
        .join('')}$`,
      'u',
    ),
    months,
    weekdays: new Map(),
  });
  return [
    ...styles.map((style) => formOf(locale, style)),
    named('day', 'month', 'year'),
    named('month', 'day', 'year'),
    named('year', 'month', 'day'),
  ];
});

const yearFirst = /^(?<year>\d{4})(?<separator>[-/.])(?<month>\d{1,2})\k<separator>(?<day>\d{1,2})$/;
const numeric = /^(\d{1,2})([-/.])(\d{1,2})\2(\d{4}|\d{2})$/;
/** A time of day does not change the day. P6 marks actual dates with "A" and constraints with "*". */
const time =
  /^(?<date>.*\S)(?: ?T ?|,? )(?<hour>\d{1,2}):(?<minute>[0-5]\d)(?::[0-5]\d(?:[.,]\d+)?)?(?: ?(?<half>[AP])\.?M\.?)?(?<zone> ?(?:Z|UTC|[+-]\d\d:?\d\d))?$/i;

/** Two digits mean the nearest year, from 50 years ago to 49 years ahead. */
function fullYear(text: string): number {
  if (text.length === 4) return Number(text);
  const first = Temporal.Now.plainDateISO().year - 50;
  return first + ((((Number(text) - first) % 100) + 100) % 100);
}

function dayOf(year: string, month: number, day: string): Temporal.PlainDate | undefined {
  try {
    return Temporal.PlainDate.from({ year: fullYear(year), month, day: Number(day) }, { overflow: 'reject' });
  } catch (error) {
    // The calendar has no such day.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

const example = () => formatDateToEdit('2030-12-31');
const problem = (text: string): Reading<IsoDate> => ({
  problem: text === '' ? `Enter a date, such as ${example()}.` : `Enter a valid date, such as ${example()}.`,
});
const noSuchDay = (text: string): Reading<IsoDate> => ({
  problem: `There is no day ${text}. Enter a valid date, such as ${example()}.`,
});

/** Removes a time of day; undefined if the time is invalid or could move the date to another day. */
function withoutTime(text: string): string | undefined {
  const bare = text.replace(/ ?\*$/, '').replace(/(?<=\d) A$/, '');
  const { date, hour = '', minute, half, zone } = time.exec(bare)?.groups ?? {};
  if (date === undefined) return bare;
  const hours = Number(hour);
  if (half ? hours < 1 || hours > 12 : hours > 23) return undefined;
  if (zone && (hours !== 0 || minute !== '00')) return undefined;
  return date.replace(/,$/, '');
}

/** Reads a day. A day of the API (`2026-04-02`) means the same in every locale. */
export function readDate(text: string): Reading<IsoDate> {
  const plain = asPlainText(text);
  const written = withoutTime(plain);
  if (!written) return problem(plain);

  const iso = yearFirst.exec(written)?.groups;
  if (iso) {
    const day = dayOf(iso.year ?? '', Number(iso.month), iso.day ?? '');
    return day ? { value: day.toString() } : noSuchDay(written);
  }

  const folded = fold(written);
  let isForm = false;
  for (const { pattern, months, weekdays } of known()) {
    const { year = '', month = '', day: days = '', weekday } = pattern.exec(folded)?.groups ?? {};
    if (year === '') continue;
    isForm = true;
    const day = dayOf(year, months.get(fold(month)) ?? Number(month), days);
    if (!day || (weekday !== undefined && weekdays.get(fold(weekday)) !== day.dayOfWeek)) continue;
    return { value: day.toString() };
  }
  if (isForm) return noSuchDay(written);

  // Numbers with separators of another locale, whose order is unknown.
  const [, first = '', , second = '', third = ''] = numeric.exec(written) ?? [];
  if (third === '') return problem(written);
  const readings = new Set(
    [
      dayOf(third, Number(second), first),
      dayOf(third, Number(first), second),
      third.length === 2 && first.length === 2 ? dayOf(first, Number(second), third) : undefined,
    ].flatMap((day) => (day ? [day.toString()] : [])),
  );
  const [only, other] = readings;
  if (only === undefined) return noSuchDay(written);
  if (other === undefined) return { value: only };
  return {
    problem: `${written} can mean ${formatDate(only)} or ${formatDate(other)}. Enter it as ${formatDateToEdit(only)} or ${formatDateToEdit(other)}.`,
  };
}
