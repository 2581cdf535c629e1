/**
 * Findings about a tenant from one page of a grid and one record of the screen: columns, notations, and mismatches with
 * the connection or the mapping. Pure: performs no reads.
 */
import { VanguardError } from '../errors.ts';
import type { GridRow } from './grid.ts';
import type { RecordField, RecordMapper } from './mapping.ts';
import { monthNames, monthOf } from './month-names.ts';
import type { ScreenRecord } from './screen.ts';
import type { ScreenMapper } from './screen-mapping.ts';
import { isBlank, type DateOrder } from './values.ts';

/** A key in the current mapping. */
export interface InspectedField extends Pick<RecordField, 'key'> {
  /** `identity`, `version`, or a kind of value. */
  kind: string;
  gridAliases: readonly string[];
  screenField: string | null;
  /** The allowed values, if the key is a choice. */
  allowed?: readonly string[] | null;
}

export interface InspectionInput {
  organization: string;
  dateOrder: DateOrder;
  /** The language of month names in the connection; default English. */
  monthLanguage?: string | null;
  fields: readonly InspectedField[];
  grid: RecordMapper;
  screen: ScreenMapper;
  /** The response of the grid. */
  page: { aliases: readonly string[]; rows: readonly GridRow[] };
  /**
   * The first record of the organization on the screen; `null` if the screen does not have it. Absent if it was not
   * requested.
   */
  record?: ScreenRecord | VanguardError | null;
}

/** Properties that the values of one column share. */
export type ColumnKind = 'date' | 'number' | 'flag' | 'text' | 'empty';

export interface InspectedColumn {
  alias: string;
  /** The keys that read the column; empty if no mapping names it. */
  keys: string[];
  kind: ColumnKind;
  /** Number of rows with a value. */
  filled: number;
  /** Up to three distinct values. */
  samples: string[];
}

export interface Finding {
  code: FindingCode;
  /** The connection is usable if no finding is an `error`. */
  level: 'error' | 'warning' | 'note';
  message: string;
  /** The suggested action. */
  next: string;
}

export type FindingCode =
  | 'NO_ROWS'
  | 'OTHER_ORGANIZATIONS'
  | 'COLUMN_MISSING'
  | 'COLUMN_UNMAPPED'
  | 'VALUE_UNREADABLE'
  | 'DATE_ORDER'
  | 'MONTH_NAMES'
  | 'NUMBER_FORMAT'
  | 'SCREEN_FAILED'
  | 'SCREEN_RECORD_MISSING'
  | 'SCREEN_FIELD_MISSING'
  | 'SCREEN_DIFFERS';

/** Number of occurrences of a notation, with an example. */
export interface Notation {
  notation: string;
  count: number;
  example: string;
}

export interface Inspection {
  organization: string;
  rows: number;
  /** Rows of other organizations, by code: a prefix filter returns them as well. */
  otherOrganizations: Record<string, number>;
  columns: InspectedColumn[];
  /** Keys for which the grid has no column. */
  missing: { key: string; aliases: string[]; candidates: string[] }[];
  dates: Notation[];
  /** Order of day and month in numeric dates. `undecided`: no number is above 12. */
  dateOrder: { connection: DateOrder; found: DateOrder | 'both' | 'undecided' | 'none' };
  numbers: Notation[];
  flags: Notation[];
  /** The spellings of the values of each choice in PEMS. */
  choices: { key: string; spellings: Notation[] }[];
  /** The first record on the screen; absent if the screen was not requested. */
  screen?: {
    answers: boolean;
    id: string;
    updatedBy: string | null;
    /** Keys that have the same value in grid and screen, and those that differ. */
    equal: string[];
    different: { key: string; grid: string; screen: string }[];
    /** Fields of the mapping that the screen lacks. */
    missingFields: { key: string; field: string }[];
    error?: { code: string; message: string };
  };
  findings: Finding[];
}

/** Examines the responses of a tenant. */
export function inspect(input: InspectionInput): Inspection {
  const { organization, fields, page, dateOrder } = input;
  const findings: Finding[] = [];
  const columns = columnsOf(page, fields);
  const others = otherOrganizations(input);
  const missing = missingKeys(columns, fields);
  const { dates, order } = datesOf(columns, page);
  const numbers = numbersOf(columns, fields, page);
  const flags = notationsOf(cellsOf(columns, page, 'flag'), (text) => text.trim());
  const choices = choicesOf(columns, fields, page);
  const mapped = mapRows(input);
  const screen = screenOf(input, mapped);

  const find = (level: Finding['level'], code: FindingCode, message: string, next: string): void =>
    void findings.push({ code, level, message, next });
  const own = page.rows.length - Object.values(others).reduce((sum, count) => sum + count, 0);
  if (page.rows.length === 0) {
    find(
      'error',
      'NO_ROWS',
      `PEMS has no row for an organization whose code begins with ${organization}.`,
      'Compare the code with PEMS, letter case included. Check that the user of the connection may see its records, and with which organization it logs in.',
    );
  } else if (own === 0) {
    const codes = Object.keys(others).join(', ');
    find(
      'error',
      'OTHER_ORGANIZATIONS',
      `PEMS has only rows of other organizations: ${codes}.`,
      `Compare the code with PEMS: ${organization} has none of the rows. Check that the mapping of "organization" names the right column.`,
    );
  }
  for (const { key, aliases, candidates } of page.rows.length > 0 || columns.length > 0 ? missing : []) {
    const isVital = key === 'pfaId' || key === 'organization';
    const [best] = candidates;
    find(
      isVital ? 'error' : 'warning',
      'COLUMN_MISSING',
      `No column for ${key}: the grid lacks ${aliases.join(' and ')}.`,
      best === undefined
        ? 'Add the column to the grid in PEMS, or change the mapping. Without it the key stays empty.'
        : `Perhaps it is ${candidates.join(' or ')}. To map it: ${mappingStatement(key, best)}`,
    );
  }
  const unmapped = columns.filter(({ keys, filled }) => keys.length === 0 && filled > 0);
  if (unmapped.length > 0)
    find(
      'note',
      'COLUMN_UNMAPPED',
      `No mapping names ${unmapped.map(({ alias }) => alias).join(', ')}.`,
      'Nothing to do: their values are kept under the names of the columns. Map one to give it a key.',
    );
  for (const { key, value, message, count } of mapped.problems)
    find(
      'warning',
      'VALUE_UNREADABLE',
      `${key} cannot be read in ${count} of ${own} rows, e.g. ${JSON.stringify(value)}: ${message}`,
      'Correct the mapping if the column holds something else, or the value in PEMS.',
    );
  if (order !== 'none' && order !== 'undecided' && order !== dateOrder)
    find(
      order === 'both' ? 'warning' : 'error',
      'DATE_ORDER',
      order === 'both'
        ? 'Some dates have the day first, others the month.'
        : `Dates have the ${order === 'DMY' ? 'day' : 'month'} first; the connection says ${dateOrder}.`,
      order === 'both'
        ? 'Ask those who run PEMS which columns are texts instead of dates.'
        : `Enter the connection again with --date-order ${order}.`,
    );
  if (order === 'undecided')
    find(
      'note',
      'DATE_ORDER',
      `No date has a day above 12, so the order of day and month is not proved. The connection says ${dateOrder}.`,
      'Compare one date with PEMS, or see whether grid and screen agree.',
    );
  const { unread, languages } = monthsOf(input, columns);
  if (unread.length > 0)
    find(
      'error',
      'MONTH_NAMES',
      `Months have names that the connection does not know: ${unread.join(', ')}.`,
      languages.length > 0
        ? `Enter the connection again with --month-language ${languages.join(' or ')}.`
        : 'Set the language of the login in PEMS to English.',
    );
  if (numbers.some(({ notation }) => notation === 'decimal comma'))
    find(
      'error',
      'NUMBER_FORMAT',
      'Numbers have a decimal comma.',
      'Set the number format of the login in PEMS to a decimal point. Numbers with a comma are refused, never guessed.',
    );
  findings.push(...screenFindings(screen, input));
  return {
    organization,
    rows: page.rows.length,
    otherOrganizations: others,
    columns,
    missing,
    dates,
    dateOrder: { connection: dateOrder, found: order },
    numbers,
    flags,
    choices,
    ...(screen && { screen }),
    findings,
  };
}

/** Returns the statement that maps a key to a column, for all organizations. */
function mappingStatement(key: string, alias: string): string {
  const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;
  return `update app_public.pfa_field_mappings set grid_aliases = array[${quoted(alias)}] where key = ${quoted(key)} and organization_id is null;`;
}

function columnsOf(
  { aliases, rows }: InspectionInput['page'],
  fields: readonly InspectedField[],
): InspectedColumn[] {
  return aliases.map((alias, place) => {
    const texts = rows.map((row) => row[place] ?? '').filter((text) => !isBlank(text));
    return {
      alias,
      keys: fields
        .filter(({ gridAliases }) => gridAliases.some((name) => name.toLowerCase() === alias))
        .map(({ key }) => key),
      kind: kindOf(texts),
      filled: texts.length,
      samples: [...new Set(texts)].slice(0, 3),
    };
  });
}

const clock = String.raw`(?:[ T]+(\d\d?):(\d\d)(?::\d\d(?:\.\d+)?)?(?: *[AaPp][Mm])?)?`;
const forms = {
  named: new RegExp(String.raw`^\d\d?-(\p{L}{3,9}\.?)-\d{4}${clock}$`, 'u'),
  iso: new RegExp(String.raw`^\d{4}-\d\d-\d\d${clock}$`),
  numbers: new RegExp(String.raw`^(\d\d?)([-/.])(\d\d?)\2\d{4}${clock}$`),
  number: /^[+-]?(?:\d{1,3}(?:[., ]\d{3})+|\d+)?(?:[.,]\d+)?$/,
  flag: /^(?:[+-]|-?1|0|true|false|y|n|yes|no)$/i,
} as const;
const english = /^(?:JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)$/i;

function kindOf(texts: readonly string[]): ColumnKind {
  const all = (form: RegExp): boolean => texts.every((text) => form.test(text.trim()));
  if (texts.length === 0) return 'empty';
  if (all(forms.flag)) return 'flag';
  if (texts.every((text) => notationOfDate(text) !== undefined)) return 'date';
  return all(forms.number) ? 'number' : 'text';
}

/** Languages to try if the connection does not know a month name. */
const tried = [
  'de',
  'fr',
  'es',
  'pt',
  'it',
  'nl',
  'da',
  'nb',
  'sv',
  'fi',
  'pl',
  'cs',
  'hu',
  'ro',
  'tr',
  'ru',
  'en',
];

/** Returns the month names that the connection cannot read, and the languages that know all names of the page. */
function monthsOf(
  { page, monthLanguage }: InspectionInput,
  columns: readonly InspectedColumn[],
): { unread: string[]; languages: string[] } {
  const names = new Set(
    cellsOf(columns, page, 'date').flatMap((text) => forms.named.exec(text.trim())?.[1] ?? []),
  );
  const unknownIn = (language: string): string[] => {
    const months = monthNames(language);
    return [...names].filter((name) => months === null || monthOf(months, name) === undefined);
  };
  const unread = unknownIn(monthLanguage ?? 'en');
  if (unread.length === 0) return { unread, languages: [] };
  return { unread, languages: tried.filter((language) => unknownIn(language).length === 0).slice(0, 3) };
}

function choicesOf(
  columns: readonly InspectedColumn[],
  fields: readonly InspectedField[],
  { rows }: InspectionInput['page'],
): Inspection['choices'] {
  return fields
    .filter(({ allowed }) => (allowed ?? []).length > 0)
    .map(({ key }) => ({
      key,
      spellings: notationsOf(
        columns.flatMap(({ keys }, place) =>
          keys.includes(key) ? rows.map((row) => row[place] ?? '').filter((text) => !isBlank(text)) : [],
        ),
        (text) => text.trim(),
      ),
    }));
}

/** Returns the notation of a date; undefined for other text. */
function notationOfDate(given: string): string | undefined {
  const text = given.trim();
  const time = /\d:\d\d/.test(text) ? ` ${/[AP]M$/i.test(text) ? 'hh:mm AM' : 'HH:MM'}` : '';
  const [, name] = forms.named.exec(text) ?? [];
  if (name !== undefined) return `${english.test(name) ? 'DD-MON-YYYY' : `DD-month-YYYY`}${time}`;
  if (forms.iso.test(text)) return `YYYY-MM-DD${time}`;
  const [, , sign = ''] = forms.numbers.exec(text) ?? [];
  return sign === '' ? undefined : `NN${sign}NN${sign}YYYY${time}`;
}

function cellsOf(
  columns: readonly InspectedColumn[],
  { rows }: InspectionInput['page'],
  kind: ColumnKind,
): string[] {
  return columns.flatMap((column, place) =>
    column.kind === kind ? rows.map((row) => row[place] ?? '').filter((text) => !isBlank(text)) : [],
  );
}

function notationsOf(texts: readonly string[], notationOf: (text: string) => string | undefined): Notation[] {
  const found = new Map<string, Notation>();
  for (const text of texts) {
    const notation = notationOf(text);
    if (notation === undefined) continue;
    const known = found.get(notation);
    if (known) known.count += 1;
    else found.set(notation, { notation, count: 1, example: text });
  }
  return [...found.values()].sort((a, b) => b.count - a.count);
}

function datesOf(
  columns: readonly InspectedColumn[],
  page: InspectionInput['page'],
): { dates: Notation[]; order: Inspection['dateOrder']['found'] } {
  const texts = cellsOf(columns, page, 'date');
  const parts = texts.flatMap((text) => {
    const [, first, , second] = forms.numbers.exec(text.trim()) ?? [];
    return first === undefined ? [] : [{ first: Number(first), second: Number(second) }];
  });
  const [dayFirst, monthFirst] = [
    parts.some(({ first }) => first > 12),
    parts.some(({ second }) => second > 12),
  ];
  const order =
    parts.length === 0
      ? 'none'
      : dayFirst && monthFirst
        ? 'both'
        : dayFirst
          ? 'DMY'
          : monthFirst
            ? 'MDY'
            : 'undecided';
  return { dates: notationsOf(texts, notationOfDate), order };
}

/** Returns the notations of numbers in columns that are not mapped to a text. */
function numbersOf(
  columns: readonly InspectedColumn[],
  fields: readonly InspectedField[],
  page: InspectionInput['page'],
): Notation[] {
  const kinds = new Map(fields.map(({ key, kind }) => [key, kind]));
  const numeric = columns.map((column) => ({
    ...column,
    kind: column.keys.every((key) => kinds.get(key) === 'money') ? column.kind : ('text' as const),
  }));
  return notationsOf(cellsOf(numeric, page, 'number'), (given) => {
    const text = given.trim();
    if (/,\d{3}\.\d|^[^,]*\.\d{1,2}$|,\d{3},/.test(text)) return 'decimal point';
    if (/\.\d{3},\d|^[^.]*,\d{1,2}$|\.\d{3}\./.test(text)) return 'decimal comma';
    return /[.,]/.test(text) ? 'undecided' : 'whole';
  });
}

function otherOrganizations({ organization, fields, page }: InspectionInput): Record<string, number> {
  const { aliases, rows } = page;
  const names = fields.find(({ key }) => key === 'organization')?.gridAliases ?? [];
  const place = names.map((name) => aliases.indexOf(name.toLowerCase())).find((at) => at >= 0);
  const others: Record<string, number> = {};
  for (const row of place === undefined ? [] : rows) {
    const code = row[place ?? -1] ?? '';
    if (code !== organization) others[code] = (others[code] ?? 0) + 1;
  }
  return others;
}

function missingKeys(
  columns: readonly InspectedColumn[],
  fields: readonly InspectedField[],
): Inspection['missing'] {
  const present = new Set(columns.map(({ alias }) => alias));
  return fields
    .filter(
      ({ gridAliases }) =>
        gridAliases.length > 0 && !gridAliases.some((name) => present.has(name.toLowerCase())),
    )
    .map((field) => ({
      key: field.key,
      aliases: [...field.gridAliases],
      candidates: candidatesFor(field, columns),
    }));
}

/** Returns up to three unmapped columns whose values and name suggest the key. */
function candidatesFor(
  { key, kind, gridAliases }: InspectedField,
  columns: readonly InspectedColumn[],
): string[] {
  const fitting: Readonly<Record<string, ColumnKind>> = {
    money: 'number',
    date: 'date',
    flag: 'flag',
    version: 'date',
  };
  const wordsOf = (name: string): string[] =>
    name
      .replace(/([A-Z])/g, ' $1')
      .toLowerCase()
      .split(/[\W_]+/);
  const wanted = new Set([key, ...gridAliases].flatMap(wordsOf).filter((word) => word.length > 2));
  const likeness = (alias: string): number =>
    [...wanted].filter((word) => alias.includes(word.slice(0, 4)) && word !== 'pfs' && word !== 'pfa').length;
  return columns
    .filter((column) => column.keys.length === 0 && /^[a-z]\w*$/.test(column.alias))
    .filter((column) => column.kind === 'empty' || column.kind === (fitting[kind] ?? 'text'))
    .map(({ alias }) => ({ alias, score: likeness(alias) }))
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score)
    .slice(0, 3)
    .map(({ alias }) => alias);
}

interface MappedRows {
  problems: { key: string; value: string; message: string; count: number }[];
  /** Returns the record of the organization that was read first. */
  first?: { id: string; data: Record<string, unknown> };
}

/** Returns the rows of the organization as records, under the current mapping, with at most one problem per key. */
function mapRows({
  organization,
  page,
  grid,
}: Pick<InspectionInput, 'organization' | 'page' | 'grid'>): MappedRows {
  const problems = new Map<string, MappedRows['problems'][number]>();
  let first: MappedRows['first'];
  let map: ReturnType<RecordMapper['forAliases']>;
  try {
    map = grid.forAliases(page.aliases);
  } catch (error) {
    // Without the column of ids or of organizations there are no records; the finding COLUMN_MISSING reports it.
    if (error instanceof VanguardError && error.code === 'PEMS_COLUMN_MISSING') return { problems: [] };
    throw error;
  }
  for (const row of page.rows) {
    const record = map(row);
    if (record.organization !== organization) continue;
    for (const { key, value, message } of record.problems) {
      const known = problems.get(key);
      if (known) known.count += 1;
      else problems.set(key, { key, value, message, count: 1 });
    }
    if (first === undefined && record.pfaId !== null)
      first = { id: record.pfaId, data: JSON.parse(record.data) as Record<string, unknown> };
  }
  return { problems: [...problems.values()], ...(first && { first }) };
}

/** Returns the id of the record to read from the screen: the first record of the organization on the page. */
export function firstId(input: Pick<InspectionInput, 'organization' | 'page' | 'grid'>): string | null {
  return mapRows(input).first?.id ?? null;
}

function screenOf(
  { record, fields, screen }: InspectionInput,
  { first }: MappedRows,
): Inspection['screen'] | undefined {
  if (record === undefined || first === undefined) return undefined;
  const { id } = first;
  const none = { id, updatedBy: null, equal: [], different: [], missingFields: [] };
  if (record === null) return { answers: true, ...none };
  if (record instanceof Error)
    return { answers: false, ...none, error: { code: record.code, message: record.message } };
  const shown = JSON.parse(screen.read(record.values).data) as Record<string, unknown>;
  const compared = fields
    .filter(({ key, kind }) => key in shown && !['identity', 'version'].includes(kind))
    .map(({ key }) => ({ key, grid: textOf(first.data[key]), screen: textOf(shown[key]) }));
  return {
    answers: true,
    id,
    updatedBy: record.updatedBy,
    equal: compared.filter((one) => one.grid === one.screen).map(({ key }) => key),
    different: compared.filter((one) => one.grid !== one.screen),
    missingFields: fields.flatMap(({ key, screenField }) =>
      screenField !== null && !record.values.has(screenField.toUpperCase())
        ? [{ key, field: screenField }]
        : [],
    ),
  };
}

const textOf = (value: unknown): string =>
  value === undefined || value === null ? '' : typeof value === 'string' ? value : JSON.stringify(value);

function screenFindings(screen: Inspection['screen'], { dateOrder, record }: InspectionInput): Finding[] {
  if (screen === undefined) return [];
  const found: Finding[] = [];
  const find = (level: Finding['level'], code: FindingCode, message: string, next: string): void =>
    void found.push({ code, level, message, next });
  if (screen.error)
    find(
      'error',
      'SCREEN_FAILED',
      `The screen did not show the record ${screen.id}: ${screen.error.message}`,
      'Check the name of the screen, and that the user of the connection may open it. Syncs work without it, changes are not written.',
    );
  else if (record === null)
    find(
      'error',
      'SCREEN_RECORD_MISSING',
      `The screen does not know the record ${screen.id}, which the grid shows.`,
      'Check the name of the screen, and that it identifies records by the same id and organization.',
    );
  for (const { key, field } of screen.missingFields)
    find(
      'warning',
      'SCREEN_FIELD_MISSING',
      `The screen has no field ${field}, which ${key} is written to.`,
      `Add the field to the screen in PEMS, or change screen_field of "${key}" in app_public.pfa_field_mappings.`,
    );
  for (const { key, grid, screen: shown } of screen.different)
    find(
      'warning',
      'SCREEN_DIFFERS',
      `Grid and screen show ${key} differently: ${JSON.stringify(grid)} and ${JSON.stringify(shown)}.`,
      swapped(grid) === shown
        ? `Day and month are exchanged. Enter the connection again with --date-order ${dateOrder === 'MDY' ? 'DMY' : 'MDY'}.`
        : 'Correct the column or the field in the mapping, or check that both show the same value in PEMS.',
    );
  return found;
}

/** Returns an ISO date with day and month exchanged. */
const swapped = (date: string): string => date.replace(/^(\d{4})-(\d\d)-(\d\d)$/, '$1-$3-$2');
