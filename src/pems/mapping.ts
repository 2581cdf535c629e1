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

/** What kind of value a key of a record holds: text, ISO date, money (exact decimal), or flag (boolean). */
export type FieldKind = 'text' | 'date' | 'money' | 'flag';

/** One key of a record's data, as the database describes it. */
export interface RecordField {
  key: string;
  kind: FieldKind;
  /** Of text, in characters: longer ones are a problem. */
  maxLength?: number | null;
  /** Of money: amounts must be smaller, whatever their sign. */
  maxAmount?: number | null;
  /** Of a date, as ISO text: earlier ones are implausible, and read all the same. */
  earliest?: string | null;
  /** Of a date, as ISO text: later ones are implausible, and read all the same. */
  latest?: string | null;
  /** Of money: larger amounts are implausible, and read all the same. */
  largest?: number | null;
  /** Of text: the only values that it may have. */
  allowed?: readonly string[] | null;
  /** Of a flag or of text with allowed values: how PEMS writes them, the first to be written first. */
  choices?: readonly Choice[];
}

/** Where PEMS holds a key: the first of the aliases that is not blank counts ("X, else Y"). */
export interface GridMapping {
  /** A field's key, or one of `pfaId`, `organization`, `version`, `versionBy`. */
  key: string;
  gridAliases: string[];
}

/** One value of a row that cannot be taken. */
export interface FieldProblem {
  /** The key, or the name in `data` where no key belongs to the column. */
  key: string;
  /** The column that holds the value, where one does. */
  alias?: string;
  /** What PEMS holds, at most 1,000 characters of it; characters that PostgreSQL cannot store are replaced. */
  value: string;
  /** A sentence that names what was given and what is allowed. */
  message: string;
  /** What the value says about the settings of the connection: it can be read only with another one. */
  proves?: Proof;
}

/** One row of the grid as a record. With a problem of id or organization the record is to be refused as a whole. */
export interface MappedRecord {
  /** Exactly as PEMS holds it, spaces included; `null` when blank, which is a problem. */
  pfaId: string | null;
  /** As `pfaId`. It may be another organization than the one asked for. */
  organization: string | null;
  /**
   * JSON text of an object: money as number tokens with all their digits, flags as booleans, dates as ISO text.
   * Missing values are left out, and so are those with a problem.
   */
  data: string;
  /** When PEMS changed the record last: `2026-04-02 14:30`, local time of PEMS. `null` when it does not say. */
  version: string | null;
  /** Who changed it last. */
  versionBy: string | null;
  problems: FieldProblem[];
  /**
   * Keys of `data`, `version` and `versionBy` that the row does not tell: a column that the grid had before is missing, or
   * its value cannot be read. Unknown is not empty.
   */
  unknown: readonly string[];
  /** Keys with a value outside of what may be drafted. */
  implausible: readonly string[];
}

export interface RecordMapper {
  /**
   * Returns what maps the rows of a page with these aliases. `told` are those that the page has values for, empty ones
   * included; by default all of them.
   *
   * @throws VanguardError `PEMS_COLUMN_MISSING` when the id or the organization is not among them
   */
  forAliases(aliases: readonly string[], told?: readonly string[]): (row: GridRow) => MappedRecord;
  /** In which spellings fields with choices were read so far. */
  spellings(): (ReadSpelling & { key: string })[];
}

export interface RecordMapperOptions {
  fields: readonly RecordField[];
  mappings: readonly GridMapping[];
  dateOrder: DateOrder;
  /** Names of months in dates. Default: English. */
  months?: MonthNames;
  /** Aliases that the grid had in earlier runs, in lower case. Missing ones make their keys unknown. */
  seenAliases?: readonly string[];
}

const SPECIAL_KEYS = ['pfaId', 'organization', 'version', 'versionBy'];

/** Put before an alias that no mapping names and that is also the key of a field, so that it cannot pass for it. */
const UNKNOWN_PREFIX = 'pems.';

/**
 * Turns rows of the grid into records, by the mapping that the database holds.
 *
 * - The keys `pfaId`, `organization`, `version` and `versionBy` come out on their own; they are also in `data` only
 *   where `fields` names them.
 * - An alias that no mapping names is kept in `data` under its own name, as the text that PEMS gave, unless empty.
 *   Where that name is also a field's key it becomes `pems.<alias>`: it must not be taken for the field.
 * - An alias that a mapping names only after `else` is known, so it is not kept beside the first: while the forecast
 *   holds a category, the plan's is not in `data`. To keep it, give it a key of its own, as the plan's values have: an
 *   alias may be mapped to several keys.
 * - A first alias that holds something unreadable is a problem; the second does not stand in for it.
 * - An alias that the grid had in earlier runs and that a page lacks makes the key unknown, and the next alias does not
 *   stand in for it. An alias that the grid never had is passed over.
 *
 * @throws VanguardError `PEMS_MAPPING_INVALID` when the mapping does not fit the fields
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
  /** The name in `data` of a column that no mapping names. */
  const unmappedName = (alias: string): string =>
    fields.has(alias) || SPECIAL_KEYS.includes(alias) ? UNKNOWN_PREFIX + alias : alias;
  const unmappedSeen = [...seen].filter((alias) => !known.has(alias));

  const forAliases: RecordMapper['forAliases'] = (aliases, told = aliases) => {
    const toldAliases = new Set(told);
    /** Where the key stands, in the order of its aliases; LOST for a column that the page lacks. */
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
    /** What no row of the page tells. */
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

/** The choices of a field; null for one that takes other values, too. */
export function choicesOf({ key, kind, allowed, choices = [] }: RecordField): Choices | null {
  if (kind === 'flag') {
    const spellings = [...new Set(choices.map(({ spelling }) => spelling))];
    return choices.length > 0 ? createChoices(key, ['true', 'false'], choices, spellings) : null;
  }
  return kind === 'text' && allowed ? createChoices(key, allowed, choices) : null;
}

/** Adds a problem; one problem a key is enough. */
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

/** So many characters of a value that cannot be taken are kept. */
const MOST_SHOWN = 1_000;

/** Where a key stands in a row. */
interface Column {
  key: string;
  places: readonly number[];
}

/** The place of a column that the page lacks. */
const LOST = -1;
/** What a lost column holds, and one with a value that cannot be read. */
const UNKNOWN = Symbol('unknown');

/** Reads the first text that is not blank; null where there is none. */
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

/** From the text of PEMS to what is made of it. */
export type Reader = (text: string) => Parsed<string>;

/** The JSON token of a text. What is not escaped in it, PostgreSQL can hold. */
function readText(text: string): Parsed<string> {
  const token = JSON.stringify(text);
  const problem = token.length === text.length + 2 ? null : storageProblem(text);
  return problem === null ? { ok: true, value: token } : { ok: false, problem };
}

/** Of a token, the member of a JSON object. */
function memberReader(key: string, read: Reader): Reader {
  const prefix = `${JSON.stringify(key)}:`;
  return (text) => withToken(read(text), (token) => prefix + token);
}

/** From the text of PEMS to the JSON token of its value. */
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
