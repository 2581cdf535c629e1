import type { ImportProblem } from './import.ts';
import type { CanonicalValue } from './values.ts';

/** How a column of the prototype moves in: a row of app_private.legacy_column, with what its place here demands. */
export interface LegacyColumn {
  name: string;
  kind: string;
  /** A column here, `data.KEY` of a record, or the name of a credential; null: it goes nowhere. */
  target: string | null;
  /** The table that a reference points at. */
  parent: string | null;
  isRequired: boolean;
  maxLength: number | null;
  maxAmount: number | null;
}

/** A row as it goes into app_private's legacy_plan; each of the last four as JSON. */
export interface ConvertedRow {
  legacyId: string | null;
  refs: string;
  content: string;
  /** The keys of a record; null for other tables. */
  data: string | null;
  secrets: string;
  problems: Omit<ImportProblem, 'table' | 'line' | 'id'>[];
}

/** The row here that a legacy id of a table stands for. */
export type FindParent = (
  table: string,
  legacyId: string,
) => { key: unknown } | 'cannot be migrated' | undefined;

/** What a value becomes, as JSON; undefined where it does not convert. */
type Convert = (value: Exclude<CanonicalValue, null>) => string | undefined;

/** How values are converted, by kind. Null and empty text are nothing, whatever the kind. */
const kinds: Record<string, { convert: Convert; expected: string }> = {
  text: {
    convert: textOf,
    expected: 'is no text that can be kept: bytes, invalid characters or U+0000',
  },
  // Read by the database, which knows what it can keep.
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
      // The shortest decimal that names it.
      return 'real' in value && Number.isFinite(Number(value.real)) ? value.real : undefined;
    },
    expected: 'is no finite number',
  },
  integer: {
    convert: (value) => (typeof value === 'number' && Math.abs(value) < 2 ** 31 ? String(value) : undefined),
    expected: 'is no whole number of 32 bits',
  },
  // `2026-04-02T08:30:00Z`
  time: { convert: (value) => quote(momentOf(value)), expected: noTime() },
  // Versions of PEMS are to the minute.
  minute: { convert: (value) => quote(momentOf(value)?.slice(0, 16)?.concat(':00Z')), expected: noTime() },
  // Prisma writes a day as its midnight in UTC.
  day: { convert: (value) => quote(dayOf(value)), expected: noTime() },
};

function noTime(): string {
  return 'is no time: milliseconds since 1970, or YYYY-MM-DD HH:MM:SS, of the years 1 to 9999';
}

const quote = (text: string | undefined) => text && `"${text}"`;

function textOf(value: Exclude<CanonicalValue, null>): string | undefined {
  if (typeof value === 'number') return `"${value}"`;
  if (typeof value === 'string') return value.includes('\0') ? undefined : JSON.stringify(value);
  if ('real' in value) return `"${value.real}"`;
  return 'integer' in value ? `"${value.integer}"` : undefined;
}

const [year1, year10000] = [-62_135_596_800_000, 253_402_300_800_000];

/** A moment in UTC, `YYYY-MM-DDTHH:MM:SS[.fff]Z`: of milliseconds since 1970, or of text, which without a zone is in UTC. */
function momentOf(value: Exclude<CanonicalValue, null>): string | undefined {
  if (typeof value === 'string') return momentOfText(value);
  const milliseconds =
    typeof value === 'number' ? value : 'real' in value ? Math.round(Number(value.real)) : Number.NaN;
  return milliseconds >= year1 && milliseconds < year10000 ? new Date(milliseconds).toISOString() : undefined;
}

/** Records have few different days, and each has six. */
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
  // 30 February is no day, though Date would make 2 March of it.
  if (Number.isNaN(at.getTime()) || at.toISOString().slice(0, 10) !== day) return undefined;
  const [, sign, hours, more] = /^([+-])(\d\d):?(\d\d)$/.exec(zone) ?? [];
  if (sign) at.setTime(at.getTime() - Number(`${sign}1`) * (Number(hours) * 60 + Number(more)) * 60_000);
  const inYears = at.getTime() >= year1 && at.getTime() < year10000;
  // Digits that Date has no room for are kept.
  return inYears ? `${at.toISOString().slice(0, 19)}${fraction}Z` : undefined;
}

/**
 * Converts the rows of a table. `columns` are those that the table has, in their order.
 */
export function converter(
  columns: readonly { name: string }[],
  legacyColumns: readonly LegacyColumn[],
  findParent: FindParent,
): (row: readonly CanonicalValue[]) => ConvertedRow {
  const place = (name: string) => columns.findIndex((column) => column.name === name);
  const steps = legacyColumns
    .filter(({ kind }) => kind !== 'none')
    .map((column) => {
      const target = column.target ?? '';
      const isData = target.startsWith('data.');
      const member = `${JSON.stringify(isData ? target.slice(5) : target)}:`;
      return { ...column, ...kinds[column.kind]!, place: place(column.name), isData, member };
    });
  const isRecord = steps.some(({ isData }) => isData);
  const idPlace = place('id');

  return (row) => {
    const problems: ConvertedRow['problems'] = [];
    let [refs, content, data, secrets] = ['', '', '', ''];
    for (const step of steps) {
      const { name: column, kind, member } = step;
      const value = row[step.place] ?? null;
      const refuse = (problem: string) =>
        problems.push({
          column,
          value: kind === 'secret' || kind === 'password' ? '(hidden)' : shown(value),
          problem,
        });
      if (value === null || value === '') {
        if (step.isRequired) refuse('is missing');
        continue;
      }
      const converted = step.convert(value);
      if (converted === undefined) {
        refuse(step.expected);
      } else if (kind === 'reference') {
        refs += `,${member}${converted}`;
        const found = findParent(step.parent!, JSON.parse(converted) as string);
        if (found === undefined) refuse(`points at no row of ${step.parent}`);
        else if (found === 'cannot be migrated')
          refuse(`points at a row of ${step.parent} that cannot be migrated`);
        else content += `,${member}${JSON.stringify(found.key)}`;
      } else if (kind === 'secret' || kind === 'password') {
        secrets += `,${member}${converted}`;
      } else {
        if (
          step.maxLength !== null &&
          typeof value === 'string' &&
          value.length > step.maxLength &&
          [...value].length > step.maxLength
        )
          refuse(`is longer than ${step.maxLength} characters`);
        if (step.maxAmount !== null && !(Number(converted) >= 0 && Number(converted) < step.maxAmount))
          refuse('is negative, or too large for an amount');
        if (step.isData) data += `,${member}${converted}`;
        else content += `,${member}${converted}`;
        if (step.target === 'pfa_id') data += `,"pfaId":${converted}`;
      }
    }
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

const object = (members: string) => `{${members.slice(1)}}`;

/** A value in a list of problems. */
function shown(value: CanonicalValue): unknown {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  if (text.length > 200) return `${text.slice(0, 200).toWellFormed()}...`;
  // U+0000 cannot be stored, also not as a part of what is wrong.
  return typeof value === 'string' ? value.replaceAll('\0', '\u2400') : value;
}
