import { dayIn, isElsewhereMidnight, type DayCollector } from './days.ts';
import type { ImportProblem } from './import.ts';
import { bare, placeOf } from './names.ts';
import { jsonMembers, jsonNumber, type JsonMember } from './json.ts';
import type { CanonicalValue } from './values.ts';

/** Conversion of a column of the prototype: a row of app_private.legacy_column, with the constraints of its target. */
export interface LegacyColumn {
  name: string;
  /** Names of the column in other versions of the prototype. */
  aliases: string[];
  kind: string;
  /** A column here, `data.KEY` of a record, or the name of a credential; null: the column is not imported. */
  target: string | null;
  /** The referenced table. */
  parent: string | null;
  isRequired: boolean;
  /** An invalid value is omitted, and the row is imported without it. */
  mayBeLeftOut: boolean;
  /** For a key of a record: whether a draft may change it. */
  isEditable: boolean;
  /** For a key of a record: its allowed values, in any case. */
  allowedValues: string[] | null;
  maxLength: number | null;
  maxAmount: number | null;
}

/** A row of the temporary table legacy_plan; `refs`, `content`, `data` and `secrets` are JSON. */
export interface ConvertedRow {
  /** The state of the row, if it is fixed. */
  state?: 'kept';
  legacyId: string | null;
  refs: string;
  content: string;
  /** The keys of a record; null in other tables. */
  data: string | null;
  secrets: string;
  problems: (Omit<ImportProblem, 'table' | 'line' | 'id'> & { isLeftOut?: true })[];
}

/** How to read the days of the database. */
export interface DayOptions {
  /** The zone in which days begin at midnight; undefined: UTC, and other midnights are refused. */
  timeZone?: string | undefined;
  /** Receives the moment of every day. */
  collector?: DayCollector | undefined;
}

/** Returns the row here that has this legacy id in a table. */
export type FindParent = (
  table: string,
  legacyId: string,
) => { key: unknown; legacyId: string } | 'cannot be migrated' | undefined;

/** Returns a converted value as JSON; undefined if it cannot be converted. */
type Convert = (value: Exclude<CanonicalValue, null>) => string | undefined;

/** Conversions by kind. Null and empty text mean no value in every kind. */
const kinds: Record<
  string,
  {
    convert: Convert;
    expected: string;
    refuse?: (value: Exclude<CanonicalValue, null>) => string | undefined;
  }
> = {
  text: {
    convert: textOf,
    expected: 'is no text that can be kept: bytes, invalid characters or U+0000',
  },
  // Normalized, because keyboards produce different forms of one name.
  name: {
    convert: (value) => textOf(value)?.normalize('NFC'),
    expected: 'is no text that can be kept: bytes, invalid characters or U+0000',
  },
  usage: { convert: (value) => quote(usageOf(value)), expected: 'is no text' },
  // The database reads it, because only the database knows which JSON it can store.
  json: { convert: textOf, expected: 'is no text that can be kept: bytes, invalid characters or U+0000' },
  reference: { convert: textOf, expected: 'is no id' },
  secret: { convert: textOf, expected: 'is no text' },
  password: {
    convert: (value) =>
      typeof value === 'string' && /^\$2[abxy]\$\d\d\$[./A-Za-z0-9]{53}$/.test(value)
        ? JSON.stringify(value)
        : undefined,
    expected: 'is no bcrypt hash',
  },
  flag: {
    convert: (value) => {
      const text = typeof value === 'object' && 'real' in value ? value.real : value;
      if (text === 1 || text === '1' || text === 'true') return 'true';
      return text === 0 || text === '0' || text === 'false' ? 'false' : undefined;
    },
    expected: 'is neither true (1) nor false (0)',
  },
  number: {
    convert: (value) => {
      if (typeof value === 'number') return String(value);
      if (typeof value === 'string') return undefined;
      if ('integer' in value) return value.integer;
      if ('decimal' in value) return jsonNumber(value.decimal);
      // The shortest decimal that identifies the number.
      return 'real' in value && Number.isFinite(Number(value.real)) ? value.real : undefined;
    },
    expected: 'is no finite number',
  },
  integer: {
    convert: (value) => {
      const number =
        typeof value === 'object' && 'decimal' in value && /^-?\d+(\.0+)?$/.test(value.decimal)
          ? Number(value.decimal)
          : value;
      return typeof number === 'number' && Math.abs(number) < 2 ** 31 ? String(number) : undefined;
    },
    expected: 'is no whole number of 32 bits',
  },
  // `2026-04-02T08:30:00Z`
  time: {
    convert: (value) => quote(momentOf(value)),
    expected: noTime(),
    refuse: (value) => (numberOf(value) === 0 ? undefined : otherReading(value)),
  },
  // PEMS versions have a resolution of one minute.
  minute: {
    convert: (value) => quote(momentOf(value)?.slice(0, 16)?.concat(':00Z')),
    expected: noTime(),
    refuse: otherReading,
  },
  // Prisma stores a day as midnight in UTC.
  day: { convert: (value) => quote(dayOf(value)), expected: noTime(), refuse: otherReading },
};

function noTime(): string {
  return 'is no time: milliseconds since 1970, or YYYY-MM-DD HH:MM:SS, of the years 1 to 9999';
}

/** Returns the current name for the usage of a connection in the first schema. */
function usageOf(value: Exclude<CanonicalValue, null>): string | undefined {
  if (typeof value !== 'string' || value.includes('\0')) return undefined;
  const word = value.trim().toUpperCase().replaceAll(/[\s-]/g, '_');
  const first: Record<string, string> = {
    ...{ PFA: 'PEMS_PFA_READ', PFA_READ: 'PEMS_PFA_READ', PFA_WRITE: 'PEMS_PFA_WRITE' },
    ...{ ASSETS: 'PEMS_ASSETS', ASSET_MASTER: 'PEMS_ASSETS', CLASSES: 'PEMS_CLASSES' },
    ...{ CLASSIFICATIONS: 'PEMS_CLASSES', ORGANIZATIONS: 'PEMS_ORGANIZATIONS' },
  };
  const known = first[word.replace(/^PEMS_/, '')];
  return known ?? (/^(PEMS|AI)_/.test(word) ? word : value);
}

const numberOf = (value: Exclude<CanonicalValue, null>) => {
  if (typeof value === 'number') return value;
  if (typeof value === 'string') return /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : Number.NaN;
  return Number('real' in value ? value.real : 'integer' in value ? value.integer : Number.NaN);
};

/** Other readings of an implausible number of milliseconds: name, and conversion to milliseconds since 1970. */
const readings: [reading: string, toMilliseconds: (value: number) => number][] = [
  ['seconds since 1970', (value) => value * 1000],
  ['microseconds since 1970', (value) => value / 1000],
  ['nanoseconds since 1970', (value) => value / 1_000_000],
  ['a Julian day', (value) => (value - 2_440_587.5) * 86_400_000],
  ['days since 1970', (value) => value * 86_400_000],
  ['a day of a spreadsheet', (value) => (value - 25_569) * 86_400_000],
  [
    'YYYYMMDD',
    (value) =>
      Date.parse(/^\d{8}$/.test(String(value)) ? String(value).replace(/^(....)(..)(..)$/, '$1-$2-$3') : ''),
  ],
];
/** Projects of the prototype lie in these years. */
const isPlausible = (milliseconds: number) =>
  milliseconds >= Date.UTC(1980, 0) && milliseconds < Date.UTC(2150, 0);

/** Returns why a number is probably not milliseconds since 1970, with a plausible reading. */
function otherReading(value: Exclude<CanonicalValue, null>): string | undefined {
  const number = numberOf(value);
  if (Number.isNaN(number)) return undefined;
  if (number === 0)
    return 'is 1970-01-01 as milliseconds since 1970: a zero that stands for no day, which is NULL';
  // Days from 1900 on, except the range that every other reading produces.
  if (typeof value === 'number' && Math.abs(number) >= 10_000_000_000 && number < Date.UTC(2300, 0))
    return undefined;
  const fitting = readings.find(([, toMilliseconds]) => isPlausible(toMilliseconds(number)));
  if (!fitting) return undefined;
  const [reading, toMilliseconds] = fitting;
  const asMilliseconds = momentOf(number)?.slice(0, 10) ?? 'no time';
  return `is ${asMilliseconds} as milliseconds since 1970, which is implausible; as ${reading} it is ${new Date(toMilliseconds(number)).toISOString().slice(0, 10)}`;
}

const quote = (text: string | undefined) => text && `"${text}"`;

function textOf(value: Exclude<CanonicalValue, null>): string | undefined {
  if (typeof value === 'number') return `"${value}"`;
  if (typeof value === 'string') return value.includes('\0') ? undefined : JSON.stringify(value);
  if ('real' in value) return `"${value.real}"`;
  if ('decimal' in value) return `"${value.decimal}"`;
  return 'integer' in value ? `"${value.integer}"` : undefined;
}

const [year1, year10000] = [-62_135_596_800_000, 253_402_300_800_000];

/**
 * Returns a moment in UTC, `YYYY-MM-DDTHH:MM:SS[.fff]Z`, of milliseconds since 1970 or of text; text without a zone is
 * in UTC.
 */
function momentOf(value: Exclude<CanonicalValue, null>): string | undefined {
  if (typeof value === 'string') return momentOfText(value);
  const milliseconds =
    typeof value === 'number' ? value : 'real' in value ? Math.round(Number(value.real)) : Number.NaN;
  return milliseconds >= year1 && milliseconds < year10000 ? new Date(milliseconds).toISOString() : undefined;
}

/** Cache: each record has six days, and few days are distinct. */
const days = new Map<number, string>();

function dayOf(value: Exclude<CanonicalValue, null>): string | undefined {
  if (typeof value !== 'number') return momentOf(value)?.slice(0, 10);
  const number = Math.floor(value / 86_400_000);
  const known = days.get(number);
  if (known !== undefined) return known;
  const day = momentOf(value)?.slice(0, 10);
  if (day !== undefined && days.size < 100_000) days.set(number, day);
  return day;
}

const moment =
  /^(\d{4}-\d\d-\d\d)(?:[ T]((?:[01]\d|2[0-3]):[0-5]\d)(?:(:[0-5]\d)(\.\d{1,9})?)? ?(Z|UTC|[+-](?:0\d|1[0-4]):?[0-5]\d)?)?$/;

function momentOfText(text: string): string | undefined {
  const [matched, day, minutes = '00:00', seconds = ':00', fraction = '', zone = 'Z'] =
    moment.exec(text) ?? [];
  if (matched === undefined) return undefined;
  const at = new Date(`${day}T${minutes}${seconds}Z`);
  // Date would turn the invalid 30 February into 2 March.
  if (Number.isNaN(at.getTime()) || at.toISOString().slice(0, 10) !== day) return undefined;
  const [, sign, hours, more] = /^([+-])(\d\d):?(\d\d)$/.exec(zone) ?? [];
  if (sign) at.setTime(at.getTime() - Number(`${sign}1`) * (Number(hours) * 60 + Number(more)) * 60_000);
  const inYears = at.getTime() >= year1 && at.getTime() < year10000;
  // Keeps the digits that exceed the resolution of Date.
  return inYears ? `${at.toISOString().slice(0, 19)}${fraction}Z` : undefined;
}

/** Returns a function that reads a day in the time zone: the day, or its problem. */
export function dayReader({ timeZone, collector }: DayOptions) {
  const local = timeZone === undefined ? undefined : dayIn(timeZone);
  const known = new Map<number, string>();
  return (value: Exclude<CanonicalValue, null>): { day: string } | { problem: string } | undefined => {
    // A day without a time is the same in every zone.
    if (typeof value === 'string' && /^\d{4}-\d\d-\d\d$/.test(value)) return undefined;
    const text = momentOf(value);
    if (text === undefined) return undefined;
    const at = Date.parse(text);
    collector?.add(at);
    if (local) {
      const day = known.get(at) ?? local(at);
      if (known.size < 100_000) known.set(at, day);
      return { day };
    }
    return isElsewhereMidnight(at)
      ? { problem: `is ${text.slice(11, 16)} in UTC and not midnight, so its day depends on a time zone` }
      : undefined;
  };
}

/** An edit that its author did not submit. */
interface Edit {
  keys: ReadonlySet<string>;
  user: string | undefined;
  problems: { column: string; value: CanonicalValue; problem: string }[];
}

/** Returns the keys of a record that a draft may change, by the bare names of the columns and of the keys. */
export const editableKeys = (legacyColumns: readonly LegacyColumn[]): Map<string, string> =>
  new Map(
    legacyColumns
      .filter(({ target, isEditable }) => isEditable && target?.startsWith('data.'))
      .flatMap(({ name, target }) => [
        [bare(name), target!.slice(5)] as const,
        [bare(target!.slice(5)), target!.slice(5)] as const,
      ]),
  );

/** Returns a function that reads which keys of a record have an edit, and its author. */
function editReader(
  columns: readonly { name: string }[],
  legacyColumns: readonly LegacyColumn[],
  findParent: FindParent,
): (row: readonly CanonicalValue[]) => Edit {
  const at = (target: string) => {
    const column = legacyColumns.find((column) => column.kind === 'edit' && column.target === target);
    return { name: column?.name ?? '', place: column ? placeOf(columns, column) : -1 };
  };
  const [state, fields, user] = ['draft.state', 'draft.fields', 'draft.user'].map(at) as [
    ReturnType<typeof at>,
    ReturnType<typeof at>,
    ReturnType<typeof at>,
  ];
  const keys = editableKeys(legacyColumns);
  const none: Edit = { keys: new Set(), user: undefined, problems: [] };

  return (row) => {
    const stored = row[state.place] ?? null;
    if (typeof stored !== 'string' || !['modified', 'error'].includes(stored.trim().toLowerCase()))
      return none;
    const problems: Edit['problems'] = [];
    const value = row[fields.place] ?? null;
    const names = namesIn(value);
    if (names === undefined || names.length === 0)
      problems.push({
        ...{ column: fields.name, value },
        problem: `names no fields, though ${state.name} says ${JSON.stringify(stored)}`,
      });
    const edited = new Set<string>();
    for (const name of names ?? []) {
      const key = keys.get(bare(name));
      if (key) edited.add(key);
      else
        problems.push({
          column: fields.name,
          value,
          problem: `names ${JSON.stringify(name)}, which cannot be edited`,
        });
    }
    const author = row[user.place] ?? null;
    const found =
      author === null
        ? undefined
        : findParent('users', typeof author === 'object' ? JSON.stringify(author) : String(author));
    if (typeof found !== 'object')
      problems.push({
        ...{ column: user.name, value: author },
        problem:
          author === null || author === ''
            ? 'is missing: an edit that was not submitted belongs to a user'
            : `is no user${found === undefined ? '' : ' that can be migrated'}, by id or username`,
      });
    return { keys: edited, user: typeof found === 'object' ? found.legacyId : undefined, problems };
  };
}

/** Returns the names in a list, `["forecastEnd"]`, or the names of an object's members. */
function namesIn(value: CanonicalValue): string[] | undefined {
  if (typeof value !== 'string') return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(value);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return undefined;
  }
  if (Array.isArray(parsed)) return parsed.every((name) => typeof name === 'string') ? parsed : undefined;
  return typeof parsed === 'object' && parsed !== null ? Object.keys(parsed) : undefined;
}

/**
 * Returns a function that converts the values of one column, except references and secrets, to JSON, or reports the
 * problem.
 */
export function fieldConverter(column: LegacyColumn, readDay: ReturnType<typeof dayReader>) {
  const kind = kinds[column.kind]!;
  return (value: Exclude<CanonicalValue, null>): { converted: string } | { problem: string } => {
    const implausible = kind.refuse?.(value);
    if (implausible !== undefined) return { problem: implausible };
    const day = column.kind === 'day' ? readDay(value) : undefined;
    if (day && 'problem' in day) return day;
    const converted = day ? `"${day.day}"` : kind.convert(value);
    if (converted === undefined) return { problem: kind.expected };
    if (
      column.maxLength !== null &&
      typeof value === 'string' &&
      value.length > column.maxLength &&
      [...value].length > column.maxLength
    )
      return { problem: `is longer than ${column.maxLength} characters` };
    if (column.maxAmount !== null && !(Number(converted) >= 0 && Number(converted) < column.maxAmount))
      return { problem: 'is negative, or too large for an amount' };
    if (!column.allowedValues) return { converted };
    const allowed = column.allowedValues.find(
      (known) => typeof value === 'string' && known.toLowerCase() === value.trim().toLowerCase(),
    );
    return allowed === undefined
      ? { problem: `is none of ${column.allowedValues.join(', ')}` }
      : { converted: JSON.stringify(allowed) };
  };
}

/**
 * Returns a function that converts the rows of a table. `columns` are the columns of the table, in order. A record may
 * hold its keys as columns, as members of a JSON column, or both; a member takes precedence over a column.
 */
export function converter(
  columns: readonly { name: string }[],
  legacyColumns: readonly LegacyColumn[],
  findParent: FindParent,
  days: DayOptions = {},
): (row: readonly CanonicalValue[]) => ConvertedRow {
  const readDay = dayReader(days);
  const readEdit = editReader(columns, legacyColumns, findParent);
  const needsId = legacyColumns.some(({ name, kind }) => name === 'id' && kind === 'text');
  const steps = legacyColumns
    .filter(({ kind }) => !['none', 'edit', 'data', 'delta'].includes(kind))
    .map((column) => {
      const target = column.target ?? '';
      const isData = target.startsWith('data.');
      const key = isData ? target.slice(5) : target;
      return {
        ...{ ...column, isData, key, member: `${JSON.stringify(key)}:`, place: placeOf(columns, column) },
        ...{ convert: fieldConverter(column, readDay), names: [column.name, key].map(bare) },
      };
    });
  const isRecord = steps.some(({ isData }) => isData);
  const idPlace = placeOf(columns, { name: 'id' });
  const dataColumn = legacyColumns.find(({ kind }) => kind === 'data');
  const dataPlace = dataColumn ? placeOf(columns, dataColumn) : -1;
  // The prototype's own bookkeeping of a record is not an unknown field of PEMS.
  const known = new Set(
    legacyColumns.flatMap(({ name, aliases, target }) => [name, ...aliases, target ?? ''].map(bare)),
  );
  for (const { names } of steps) for (const name of names) known.add(name);

  return (row) => {
    const problems: ConvertedRow['problems'] = [];
    let [refs, content, data, secrets, draft] = ['', '', '', '', ''];
    const edit = readEdit(row);
    for (const { column, value, problem } of edit.problems)
      problems.push({ column, value: value === null ? null : shown(value), problem });
    if (edit.user !== undefined) refs += `,"draft_user":${JSON.stringify(edit.user)}`;
    let members: Map<string, JsonMember> | undefined;
    const stored = dataPlace < 0 ? null : (row[dataPlace] ?? null);
    if (stored !== null) {
      members = jsonMembers(stored);
      if (!members)
        problems.push({ column: dataColumn!.name, value: shown(stored), problem: 'is no JSON object' });
      for (const [name, { key, json }] of members ?? [])
        if (!known.has(name)) data += `,${JSON.stringify(key)}:${json}`;
    }
    for (const step of steps) {
      const { name: column, kind, member } = step;
      const inside = members && (members.get(step.names[0]!) ?? members.get(step.names[1]!));
      const value = inside ? inside.valueOf(kind) : (row[step.place] ?? null);
      const refuse = (problem: string, what: CanonicalValue | undefined = value) =>
        problems.push({
          column,
          value: kind === 'secret' || kind === 'password' ? '(hidden)' : shown(what ?? null),
          problem,
          ...(step.mayBeLeftOut ? { isLeftOut: true as const } : {}),
        });
      const isEdited = step.isData && edit.keys.has(step.key);
      if (value === undefined) {
        refuse('is a list or an object', inside!.json);
        continue;
      }
      if (needsId && column === 'id' && (value === null || String(shown(value)).trim() === ''))
        refuse('is empty: every row needs an id');
      if (value === null || value === '') {
        if (isEdited) draft += `,${member}null`;
        if (step.isRequired) refuse('is missing');
        continue;
      }
      const result = step.convert(value);
      if ('problem' in result) {
        refuse(result.problem);
        continue;
      }
      const { converted } = result;
      if (kind === 'reference') {
        const legacyId = JSON.parse(converted) as string;
        const found = findParent(step.parent!, legacyId);
        refs += `,${member}${JSON.stringify(typeof found === 'object' ? found.legacyId : legacyId)}`;
        if (found === undefined) refuse(`points at no row of ${step.parent}`);
        else if (found === 'cannot be migrated')
          refuse(`points at a row of ${step.parent} that cannot be migrated`);
        else content += `,${member}${JSON.stringify(found.key)}`;
      } else if (kind === 'secret' || kind === 'password') {
        secrets += `,${member}${converted}`;
      } else {
        if (isEdited) draft += `,${member}${converted}`;
        else if (step.isData) data += `,${member}${converted}`;
        else content += `,${member}${converted}`;
        if (step.target === 'pfa_id') data += `,"pfaId":${converted}`;
      }
    }
    if (draft !== '') content += `,"draft":${object(draft)}`;
    const id = row[idPlace] ?? null;
    return {
      legacyId: id === null ? null : typeof id === 'object' ? JSON.stringify(id) : String(id),
      refs: object(refs),
      content: object(content),
      data: isRecord ? object(data) : null,
      secrets: object(secrets),
      problems,
    };
  };
}

export const object = (members: string) => `{${members.slice(1)}}`;

/** Returns a value for a list of problems. */
export function shown(value: CanonicalValue): unknown {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  if (text.length > 200) return `${text.slice(0, 200).toWellFormed()}...`;
  // PostgreSQL cannot store U+0000, not even within a reported value.
  return typeof value === 'string' ? value.replaceAll('\0', '\u2400') : value;
}
