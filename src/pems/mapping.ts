import { VanguardError } from '../errors.ts';
import { createChoices, type Choice, type Choices, type ReadSpelling } from './choices.ts';
import type { GridRow } from './grid.ts';
import { englishMonths, type MonthNames } from './month-names.ts';
import {
  isBlank,
  makeStorable,
  parseDate,
  parseFlag,
  parseNumber,
  parseText,
  parseTimestamp,
  storageProblem,
} from './values.ts';
import type { DateOrder, Parsed, Proof } from './values.ts';

/** Kind of the values of a key: text, ISO date, money (exact decimal), or flag (boolean). */
export type FieldKind = 'text' | 'date' | 'money' | 'flag';

/** One key of a record's data, as the database defines it. */
export interface RecordField {
  key: string;
  kind: FieldKind;
  /** Maximum length of a text, in characters; longer text is a problem. */
  maxLength?: number | null;
  /** Limit of money: absolute amounts must be smaller. */
  maxAmount?: number | null;
  /** Earliest plausible date, as ISO text; earlier dates are still read. */
  earliest?: string | null;
  /** Latest plausible date, as ISO text; later dates are still read. */
  latest?: string | null;
  /** Largest plausible amount of money; larger amounts are still read. */
  largest?: number | null;
  /** Allowed values of a text. */
  allowed?: readonly string[] | null;
  /** Spellings in PEMS of a flag or of a text with allowed values, the preferred one first. */
  choices?: readonly Choice[];
}

/** Source of a key in PEMS: the first of the aliases that is not blank counts ("X, else Y"). */
export interface GridMapping {
  /** Key of a field, or one of `pfaId`, `organization`, `version`, `versionBy`. */
  key: string;
  gridAliases: string[];
}

/** One invalid value of a row. */
export interface FieldProblem {
  /** The key, or the name in `data` if the column belongs to no key. */
  key: string;
  /** The column of the value, if any. */
  alias?: string;
  /** The text of PEMS, at most 1,000 characters of it; characters that PostgreSQL cannot store are replaced. */
  value: string;
  /** A sentence that states the value and the allowed values. */
  message: string;
  /** The setting of the connection that would make the value readable. */
  proves?: Proof;
}

/**
 * One row of the grid as a record. The caller must refuse the whole record if the id or the organization has a problem.
 */
export interface MappedRecord {
  /** The id exactly as in PEMS, including spaces; `null` if blank, which is a problem. */
  pfaId: string | null;
  /** As `pfaId`. It may differ from the requested organization. */
  organization: string | null;
  /**
   * JSON text of an object: money as number tokens with all digits, flags as booleans, dates as ISO text. Omits missing
   * values, and values with a problem.
   */
  data: string;
  /** Time of the last change in PEMS: `2026-04-02 14:30`, local time of PEMS. `null` if unknown. */
  version: string | null;
  /** User who changed the record last. */
  versionBy: string | null;
  problems: FieldProblem[];
  /**
   * Keys of `data`, `version` and `versionBy` that are unknown in the row: a column of earlier runs is missing, or its
   * value is unreadable. Unknown differs from empty.
   */
  unknown: readonly string[];
  /** Keys whose value a draft could not hold. */
  implausible: readonly string[];
}

export interface RecordMapper {
  /**
   * Returns a function that maps the rows of a page with these aliases. `told` are the aliases with values on the page,
   * including empty ones; default: all.
   *
   * @throws VanguardError `PEMS_COLUMN_MISSING` if the id or the organization is not among them
   */
  forAliases(aliases: readonly string[], told?: readonly string[]): (row: GridRow) => MappedRecord;
  /** The spellings of choices read so far, by field. */
  spellings(): (ReadSpelling & { key: string })[];
}

export interface RecordMapperOptions {
  fields: readonly RecordField[];
  mappings: readonly GridMapping[];
  dateOrder: DateOrder;
  /** Month names in dates. Default: English. */
  months?: MonthNames;
  /** Aliases of the grid in earlier runs, in lower case. A missing alias makes its keys unknown. */
  seenAliases?: readonly string[];
}

const SPECIAL_KEYS = ['pfaId', 'organization', 'version', 'versionBy'];

/** Prefix of an unmapped alias that equals the key of a field, to keep the two apart. */
const UNKNOWN_PREFIX = 'pems.';

/**
 * Turns rows of the grid into records, by the mapping of the database.
 *
 * - The keys `pfaId`, `organization`, `version` and `versionBy` are properties of their own; `data` contains them only
 *   if `fields` names them.
 * - `data` keeps the value of an unmapped alias under the alias, as the text of PEMS, unless it is empty. If the alias
 *   equals a field's key, it becomes `pems.<alias>`, so that it cannot be mistaken for the field.
 * - An alias that a mapping names only after `else` counts as mapped: `data` does not hold the plan's category while
 *   the forecast has one. To keep it, map it to a key of its own too: an alias may have several keys.
 * - An unreadable value of the first alias is a problem; the next alias does not replace it.
 * - An alias of earlier runs that a page lacks makes the key unknown, and the next alias does not replace it. An alias
 *   that the grid never had is skipped.
 *
 * @throws VanguardError `PEMS_MAPPING_INVALID` if the mapping does not fit the fields
 */
export function createRecordMapper(options: RecordMapperOptions): RecordMapper {
  const { dateOrder, months = englishMonths } = options;
  const fields = new Map(options.fields.map((field) => [field.key, field]));
  const choices = new Map(
    options.fields.flatMap((field) => {
      const of = choicesOf(field);
      return of === null ? [] : [[field.key, of] as const];
    }),
  );
  const sources = aliasesByKey(options.mappings, fields);
  const columns = [...fields]
    .filter(([key]) => sources.has(key))
    .map(([key, field]) => ({
      key,
      read: memberReader(key, tokenReader(field, dateOrder, months, choices.get(key))),
    }));
  const readVersion: Reader = (text) => parseTimestamp(text, dateOrder, months);
  const known = new Set([...sources.values()].flat());
  const unknownColumns = new Map<string, Reader>();

  const unknownColumn = (alias: string): Reader => {
    let read = unknownColumns.get(alias);
    if (read === undefined) {
      const name = storageProblem(alias);
      const textReader = (text: string): Parsed<string> =>
        name === null ? readText(text) : { ok: false, problem: name };
      read = memberReader(unmappedName(alias), textReader);
      unknownColumns.set(alias, read);
    }
    return read;
  };

  const seen = new Set(options.seenAliases);
  /** Returns the name in `data` of an unmapped column. */
  const unmappedName = (alias: string): string =>
    fields.has(alias) || SPECIAL_KEYS.includes(alias) ? UNKNOWN_PREFIX + alias : alias;
  const unmappedSeen = [...seen].filter((alias) => !known.has(alias));

  const forAliases: RecordMapper['forAliases'] = (aliases, told = aliases) => {
    const toldAliases = new Set(told);
    /** Returns the places of a key, in the order of its aliases; LOST for a column that the page lacks. */
    const places = (key: string): number[] =>
      (sources.get(key) ?? []).flatMap((alias) =>
        toldAliases.has(alias) ? [aliases.indexOf(alias)] : seen.has(alias) ? [LOST] : [],
      );
    for (const key of ['pfaId', 'organization']) {
      if (!places(key).some((place) => place !== LOST)) throw columnMissing(key, sources.get(key) ?? []);
    }
    const special = (key: string): Column => ({ key, places: places(key) });
    const [idColumn, organizationColumn] = [special('pfaId'), special('organization')];
    const [versionColumn, versionByColumn] = [special('version'), special('versionBy')];
    const members = columns
      .map(({ key, read }) => ({ key, read, places: places(key) }))
      .filter((column) => column.places.length > 0);
    const others = aliases
      .map((alias, place) => ({ alias, place }))
      .filter(({ alias }) => !known.has(alias))
      .map(({ alias, place }) => ({ alias, place, read: unknownColumn(alias) }));
    /** Returns the keys that no row of the page contains. */
    const lost = unmappedSeen.filter((alias) => !toldAliases.has(alias)).map(unmappedName);

    return (row) => {
      const problems: FieldProblem[] = [];
      let unknown = lost;
      const implausible: string[] = [];
      const notTold = (key: string): void => {
        if (unknown === lost) unknown = [...lost];
        unknown.push(key);
      };
      const read = (column: Column, reader: Reader): string | null => {
        const value = take(problems, implausible, column, row, aliases, reader);
        if (value !== UNKNOWN) return value;
        notTold(column.key);
        return null;
      };
      const identify = (column: Column, name: string): string | null => {
        const value = take(problems, implausible, column, row, aliases, parseText);
        if (value !== UNKNOWN && value !== null) return value;
        refuse(problems, column.key, undefined, '', `PEMS gave a row without an ${name}.`);
        return null;
      };
      const pfaId = identify(idColumn, 'id');
      const organization = identify(organizationColumn, 'organization');
      const version = read(versionColumn, readVersion);
      const versionBy = read(versionByColumn, parseText);

      let data = '';
      for (const column of members) {
        const member = read(column, column.read);
        if (member !== null) data += data === '' ? member : `,${member}`;
      }
      for (const { alias, place, read } of others) {
        const text = row[place];
        if (text === undefined || text === '') continue;
        const member = read(text);
        if (!member.ok) {
          refuse(problems, unmappedName(alias), alias, text, member.problem);
          notTold(makeStorable(unmappedName(alias)));
        } else if (member.value !== null) data += data === '' ? member.value : `,${member.value}`;
      }
      return { pfaId, organization, data: `{${data}}`, version, versionBy, problems, unknown, implausible };
    };
  };
  return {
    forAliases,
    spellings: () =>
      [...choices].flatMap(([key, of]) => of.spellings().map((spelling) => ({ ...spelling, key }))),
  };
}

/** Returns the choices of a field; null if the field also takes other values. */
export function choicesOf({ key, kind, allowed, choices = [] }: RecordField): Choices | null {
  if (kind === 'flag') {
    const spellings = [...new Set(choices.map(({ spelling }) => spelling))];
    return choices.length > 0 ? createChoices(key, ['true', 'false'], choices, spellings) : null;
  }
  return kind === 'text' && allowed ? createChoices(key, allowed, choices) : null;
}

/** Adds a problem, at most one per key. */
function refuse(
  problems: FieldProblem[],
  key: string,
  alias: string | undefined,
  value: string,
  message: string,
  proves?: Proof,
): void {
  if (problems.some((problem) => problem.key === key)) return;
  problems.push({
    key: makeStorable(key),
    ...(alias !== undefined && { alias: makeStorable(alias) }),
    value: makeStorable(value.length > MOST_SHOWN ? `${value.slice(0, MOST_SHOWN)}…` : value),
    message,
    ...(proves !== undefined && { proves }),
  });
}

/** Maximum number of characters of an invalid value to keep. */
const MOST_SHOWN = 1_000;

/** Place of a key in a row. */
interface Column {
  key: string;
  places: readonly number[];
}

/** Place of a column that the page lacks. */
const LOST = -1;
/** Marks the value of a missing column, and an unreadable value. */
const UNKNOWN = Symbol('unknown');

/** Reads the first text that is not blank; null if there is none. */
function take(
  problems: FieldProblem[],
  implausible: string[],
  { key, places }: Column,
  row: GridRow,
  aliases: readonly string[],
  read: Reader,
): string | null | typeof UNKNOWN {
  for (const place of places) {
    if (place === LOST) return UNKNOWN;
    const text = row[place];
    if (text === undefined || isBlank(text)) continue;
    const parsed = read(text);
    if (parsed.ok) {
      if (parsed.isImplausible) implausible.push(key);
      return parsed.value;
    }
    refuse(problems, key, aliases[place], text, parsed.problem, parsed.proves);
    return UNKNOWN;
  }
  return null;
}

function columnMissing(key: string, aliases: readonly string[]): VanguardError {
  return new VanguardError(
    'PEMS_COLUMN_MISSING',
    `The grid of PEMS has no column ${aliases.join(' or ')}, which holds the ${key === 'pfaId' ? 'id' : key} of a record.`,
    { hint: 'Add the column to the grid in PEMS, or correct the field mapping.', details: { key, aliases } },
  );
}

function aliasesByKey(
  mappings: readonly GridMapping[],
  fields: ReadonlyMap<string, RecordField>,
): Map<string, string[]> {
  const sources = new Map<string, string[]>();
  for (const { key, gridAliases } of mappings) {
    if (sources.has(key)) throw invalid(`maps the key "${key}" twice`);
    if (!fields.has(key) && !SPECIAL_KEYS.includes(key))
      throw invalid(`maps the key "${key}", which no field has`);
    sources.set(
      key,
      gridAliases.map((alias) => alias.toLowerCase()),
    );
  }
  for (const key of ['pfaId', 'organization']) {
    if (!sources.get(key)?.length) throw invalid(`does not say where PEMS holds "${key}"`);
  }
  return sources;
}

function invalid(what: string): VanguardError {
  return new VanguardError('PEMS_MAPPING_INVALID', `The field mapping of PEMS ${what}.`, {
    hint: 'Correct the field mapping in the settings of the connection.',
  });
}

/** Converts a text of PEMS. */
export type Reader = (text: string) => Parsed<string>;

/** Returns the JSON token of a text. PostgreSQL can store every character that the token does not escape. */
function readText(text: string): Parsed<string> {
  const token = JSON.stringify(text);
  const problem = token.length === text.length + 2 ? null : storageProblem(text);
  return problem === null ? { ok: true, value: token } : { ok: false, problem };
}

/** Returns a member of a JSON object from its token. */
function memberReader(key: string, read: Reader): Reader {
  const prefix = `${JSON.stringify(key)}:`;
  return (text) => withToken(read(text), (token) => prefix + token);
}

/** Converts a text of PEMS to the JSON token of its value. */
export function tokenReader(
  field: RecordField,
  dateOrder: DateOrder,
  months: MonthNames = englishMonths,
  choices: Choices | null | undefined = choicesOf(field),
): Reader {
  const { maxLength, maxAmount, earliest, latest, largest } = field;
  if (choices) {
    const toToken = field.kind === 'flag' ? String : (value: string) => JSON.stringify(value);
    return (text) => withToken(choices.read(text), toToken);
  }
  switch (field.kind) {
    case 'text':
      return (text) =>
        maxLength && text.length > maxLength && [...text].length > maxLength
          ? { ok: false, problem: `The text is longer than ${maxLength} characters.` }
          : readText(text);
    case 'date':
      return (text) => {
        const parsed = parseDate(text, dateOrder, months);
        const token = withToken(parsed, JSON.stringify);
        return parsed.ok &&
          parsed.value !== null &&
          ((earliest && parsed.value < earliest) || (latest && parsed.value > latest))
          ? asImplausible(token)
          : token;
      };
    case 'money':
      return (text) => {
        const parsed = parseNumber(text);
        return maxAmount && parsed.ok && parsed.value !== null && Math.abs(Number(parsed.value)) >= maxAmount
          ? { ok: false, problem: `The amount is too large: ${text}. It must be less than ${maxAmount}.` }
          : largest && parsed.ok && parsed.value !== null && Number(parsed.value) > largest
            ? asImplausible(parsed)
            : parsed;
      };
    case 'flag':
      return (text) => withToken(parseFlag(text), String);
  }
}

function withToken<T>(parsed: Parsed<T>, token: (value: T) => string): Parsed<string> {
  if (!parsed.ok) return parsed;
  const value = parsed.value === null ? null : token(parsed.value);
  return parsed.isImplausible ? { ok: true, value, isImplausible: true } : { ok: true, value };
}

const asImplausible = (parsed: Parsed<string>): Parsed<string> =>
  parsed.ok ? { ...parsed, isImplausible: true } : parsed;
