/**
 * `POST /griddata`: lists of records, a page at a time, in both answer shapes.
 *
 * Decided here, where the format leaves it open:
 * - Positions count rows from 0: CURSOR_POSITION is how many rows to skip, CURRENTCURSORPOSITION gives it back,
 *   NEXTCURSORPOSITION (HEAD_DATA) is where the next page begins: 0 at the end, absent when the page is empty.
 * - RECORDS is the number of rows on this page. More than 10,000 rows a page are refused.
 * - ADDON_FILTER is ANDed with all of MULTIADDON_FILTERS. Those are taken by SEQNUM; JOINER stands between its filter and
 *   the next one (the last one's means nothing); AND binds tighter than OR.
 * - Text compares by code point, with case. An empty value equals '' and nothing else, and is neither below nor above
 *   anything; sorted, it comes last (first when DESC). Equal rows follow each other by id.
 * - `pfs_f_intlastupdated` compares and sorts by whole minutes, as it is shown. BEGINS and CONTAINS look at what is shown.
 */
import { z } from 'zod';
import { Alert, listOf, type Answer } from './answer.ts';
import { fieldOf, fields, type Field, type Row, type Value } from './fields.ts';
import type { IdRange, OrganizationStore, Store, StoredRecord } from './store.ts';
import type { Texts } from './texts.ts';
import { compareText, compareValues, type Display } from './values.ts';

const gridName = 'CUPFAG';
const gridId = '100541';
const maxRows = 10_000;
const maxInValues = 500;
const operators = ['=', '!=', '<', '>', '<=', '>=', 'BEGINS', 'CONTAINS', 'IN'] as const;
type Operator = (typeof operators)[number];

/** A row of a page; a fault may have it say something else in one field. */
export interface PageRow {
  readonly record: StoredRecord;
  readonly garbled?: { readonly index: number; readonly text: string };
}

/** A page before it is written out: faults change it here. */
export interface Page {
  rows: PageRow[];
  position: number;
  more: boolean;
  /** What METADATA.RECORDS says. */
  records: number;
  /** How a fault has all rows look. */
  reshaped?: Reshaped;
}

/** Another look of every row. */
export interface Reshaped {
  /** What the field is called; undefined where the column is missing. */
  name(field: Field): string | undefined;
  text(field: Field, value: Value): string;
}

const text = z.union([z.string(), z.number()]).transform(String);
const requestSchema = z.object({
  GRID: z.object({
    GRID_NAME: z.string(),
    GRID_ID: text,
    NUMBER_OF_ROWS_FIRST_RETURNED: z.coerce.number().int().min(1).default(100),
    CURSOR_POSITION: z.coerce.number().int().min(0).default(0),
  }),
  GRID_TYPE: z.object({ TYPE: z.literal('LIST') }).optional(),
  ADDON_SORT: z.object({ ALIAS_NAME: z.string(), TYPE: z.enum(['ASC', 'DESC']).default('ASC') }).nullish(),
  ADDON_FILTER: z.unknown().optional(),
  MULTIADDON_FILTERS: z.object({ MADDON_FILTER: z.unknown().optional() }).nullish(),
  REQUEST_TYPE: z.enum(['LIST.DATA_ONLY.STORED', 'LIST.HEAD_DATA.STORED']),
});
const filterSchema = z.object({
  ALIAS_NAME: z.string(),
  OPERATOR: z.enum(operators),
  VALUE: text.nullish().transform((value) => value ?? ''),
  JOINER: z.enum(['AND', 'OR']).default('AND'),
  SEQNUM: z.coerce.number().default(0),
});

interface Filter {
  readonly field: Field;
  readonly operator: Operator;
  readonly value: string;
  readonly joiner: 'AND' | 'OR';
  readonly test: (value: Value) => boolean;
}

interface GridRequest {
  readonly head: boolean;
  readonly limit: number;
  readonly position: number;
  readonly sort: Field;
  readonly descending: boolean;
  /** All of these must hold. */
  readonly all: readonly Filter[];
  /** And all of one of these groups, when there are any. */
  readonly anyOf: readonly (readonly Filter[])[];
}

/** Parses with zod; what is wrong becomes an ErrorAlert. */
function parsed<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new Alert('INVALID_REQUEST', `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not valid'}`);
}

function knownField(alias: string): Field {
  const field = fieldOf(alias);
  if (field?.alias !== alias) throw new Alert('UNKNOWN_FIELD', `Field ${alias} is not in grid ${gridName}`);
  return field;
}

function operand(field: Field, value: string, display: Display): Value {
  try {
    return display.parse(field, value);
  } catch (error) {
    throw new Alert('INVALID_VALUE', `Filter on ${field.alias}: ${(error as Error).message}`);
  }
}

/** What a filter compares: last-updated by the minute, as it is shown. */
const comparable = (field: Field, value: Value): Value =>
  field.kind === 'datetime' && typeof value === 'number' ? value - (value % 60_000) : value;

function filterTest(field: Field, operator: Operator, value: string, display: Display): Filter['test'] {
  const shown = (given: Value): string => display.text(field, given);
  if (operator === 'BEGINS') return (given) => shown(given).startsWith(value);
  if (operator === 'CONTAINS') return (given) => shown(given).includes(value);
  if (operator === 'IN') {
    const values = value.split(',');
    if (values.length > maxInValues) {
      throw new Alert('INVALID_VALUE', `IN takes at most ${maxInValues} values, not ${values.length}`);
    }
    const set = new Set(values.map((one) => operand(field, one.trim(), display)));
    return (given) => set.has(comparable(field, given));
  }
  const bound = operand(field, value, display);
  if (operator === '=') return (given) => comparable(field, given) === bound;
  if (operator === '!=') return (given) => comparable(field, given) !== bound;
  if (field.kind === 'flag') {
    throw new Alert('INVALID_OPERATOR', `Operator ${operator} cannot be used on checkbox ${field.alias}`);
  }
  const holds: Record<typeof operator, (order: number) => boolean> = {
    '<': (order) => order < 0,
    '>': (order) => order > 0,
    '<=': (order) => order <= 0,
    '>=': (order) => order >= 0,
  };
  const accept = holds[operator];
  return (given) =>
    given !== null && bound !== null && accept(compareValues(comparable(field, given), bound));
}

function readFilters(value: unknown, display: Display): Filter[] {
  return listOf(value)
    .map((one) => parsed(filterSchema, one))
    .sort((a, b) => a.SEQNUM - b.SEQNUM)
    .map((given) => {
      const field = knownField(given.ALIAS_NAME);
      return {
        field,
        operator: given.OPERATOR,
        value: given.VALUE,
        joiner: given.JOINER,
        test: filterTest(field, given.OPERATOR, given.VALUE, display),
      };
    });
}

function readRequest(body: unknown, display: Display): GridRequest {
  const request = parsed(requestSchema, body);
  if (request.GRID.GRID_NAME !== gridName || request.GRID.GRID_ID !== gridId) {
    throw new Alert(
      'UNKNOWN_GRID',
      `Grid ${request.GRID.GRID_NAME} (${request.GRID.GRID_ID}) does not exist`,
    );
  }
  const limit = request.GRID.NUMBER_OF_ROWS_FIRST_RETURNED;
  if (limit > maxRows) {
    throw new Alert('TOO_MANY_ROWS', `At most ${maxRows} rows can be returned at once, not ${limit}`);
  }
  const groups: Filter[][] = [];
  let joiner = 'OR';
  for (const filter of readFilters(request.MULTIADDON_FILTERS?.MADDON_FILTER, display)) {
    if (joiner === 'OR') groups.push([]);
    groups.at(-1)?.push(filter);
    joiner = filter.joiner;
  }
  const single = readFilters(request.ADDON_FILTER, display);
  return {
    head: request.REQUEST_TYPE === 'LIST.HEAD_DATA.STORED',
    limit,
    position: request.GRID.CURSOR_POSITION,
    sort: knownField(request.ADDON_SORT?.ALIAS_NAME ?? 'pfs_id'),
    descending: request.ADDON_SORT?.TYPE === 'DESC',
    all: groups.length === 1 ? [...single, ...(groups[0] ?? [])] : single,
    anyOf: groups.length > 1 ? groups : [],
  };
}

/** The range of ids that filters on `pfs_id` leave, and the filters it does not say. */
function rangeOf(filters: readonly Filter[]): { range: IdRange; rest: Filter[] } {
  const before: ((id: string) => boolean)[] = [];
  const notAfter: ((id: string) => boolean)[] = [];
  const rest: Filter[] = [];
  for (const filter of filters) {
    const { value, operator } = filter;
    const below = (id: string): boolean => compareText(id, value) < 0;
    const upTo = (id: string): boolean => compareText(id, value) <= 0;
    if (filter.field.alias !== 'pfs_id' || value === '') rest.push(filter);
    else if (operator === '>') before.push(upTo);
    else if (operator === '>=') before.push(below);
    else if (operator === '<') notAfter.push(below);
    else if (operator === '<=') notAfter.push(upTo);
    else if (operator === 'BEGINS') {
      before.push(below);
      notAfter.push((id) => below(id) || id.startsWith(value));
    } else rest.push(filter);
  }
  return { range: { before, notAfter }, rest };
}

interface Found {
  readonly organization: OrganizationStore;
  readonly id: string;
}

/** The ids of several organizations in one order: the next of each, smallest first. */
function* merged(
  sources: readonly { organization: OrganizationStore; ids: Iterator<string> }[],
  sign: number,
): Generator<Found> {
  const heads = sources.map(({ organization, ids }) => ({ organization, ids, next: ids.next() }));
  for (;;) {
    let first: (typeof heads)[number] | undefined;
    for (const head of heads) {
      if (head.next.done) continue;
      if (!first || sign * compareText(head.next.value, first.next.value as string) < 0) first = head;
    }
    if (!first) return;
    yield { organization: first.organization, id: first.next.value as string };
    first.next = first.ids.next();
  }
}

/** The records that may match, by id: named ones (`=`, IN), or a range of ids of the organizations asked for. */
function candidates(store: Store, request: GridRequest): { found: Iterable<Found>; rest: readonly Filter[] } {
  const ofOrganization = request.all.filter(({ field }) => field.alias === 'pfs_a_org');
  const others = request.all.filter(({ field }) => field.alias !== 'pfs_a_org');
  const organizations = [...store.organizations.values()]
    .filter(({ code }) => ofOrganization.every(({ test }) => test(code)))
    .sort((a, b) => compareText(a.code, b.code));
  const descending = request.descending && request.sort.alias === 'pfs_id';
  const sign = descending ? -1 : 1;

  const named = others.find(
    ({ field, operator }) => field.alias === 'pfs_id' && ['=', 'IN'].includes(operator),
  );
  if (named) {
    const values = named.operator === 'IN' ? named.value.split(',').map((one) => one.trim()) : [named.value];
    const ids = [...new Set(values)].sort((a, b) => sign * compareText(a, b));
    const found = ids.flatMap((id) =>
      organizations.filter((one) => one.get(id)).map((organization) => ({ organization, id })),
    );
    return { found, rest: others };
  }
  const { range, rest } = rangeOf(others);
  const sources = organizations.map((organization) => ({
    organization,
    ids: organization.ids(range, descending),
  }));
  return { found: merged(sources, sign), rest };
}

/** Finds the page a request asks for. */
export function findPage(store: Store, body: unknown, display: Display): { page: Page; head: boolean } {
  const request = readRequest(body, display);
  const { found, rest } = candidates(store, request);
  const holds = (filters: readonly Filter[], row: Row): boolean =>
    filters.every(({ field, test }) => test(row[field.index] ?? null));
  const byId = request.sort.alias === 'pfs_id';
  const filtered = rest.length > 0 || request.anyOf.length > 0;
  const wanted = request.position + request.limit;
  const rows: StoredRecord[] = [];
  const sorted: (Found & { key: Value })[] = [];
  let count = 0;

  for (const { organization, id } of found) {
    // Rows that are skipped unseen need not be computed.
    if (byId && !filtered && count < request.position) {
      count++;
      continue;
    }
    if (byId && !filtered && count >= wanted) {
      count++;
      break;
    }
    const record = organization.get(id);
    if (!record || (rest.length > 0 && !holds(rest, record.row))) continue;
    if (request.anyOf.length > 0 && !request.anyOf.some((group) => holds(group, record.row))) continue;
    count++;
    if (!byId) {
      sorted.push({
        organization,
        id,
        key: comparable(request.sort, record.row[request.sort.index] ?? null),
      });
    } else if (count > wanted) {
      break;
    } else if (count > request.position) {
      rows.push(record);
    }
  }
  if (!byId) {
    const sign = request.descending ? -1 : 1;
    sorted.sort((a, b) => sign * compareValues(a.key, b.key) || compareText(a.id, b.id));
    for (const { organization, id } of sorted.slice(request.position, wanted)) {
      const record = organization.get(id);
      if (record) rows.push(record);
    }
  }
  const page = {
    rows: rows.map((record) => ({ record })),
    position: request.position,
    more: count > wanted,
    records: rows.length,
  };
  return { page, head: request.head };
}

const rowsAPiece = 500;

/** Writes out rows in pieces of some hundred KB: each opened and closed, its fields between. */
function rowPieces(
  rows: readonly PageRow[],
  shape: Shape,
  { display, texts, reshaped }: Writing & Pick<Page, 'reshaped'>,
  open: (number: number) => string,
  close: string,
): Buffer[] {
  const pieces: Buffer[] = [];
  for (let start = 0; start < rows.length; start += rowsAPiece) {
    const end = Math.min(start + rowsAPiece, rows.length);
    const parts: Buffer[] = [];
    let text = '';
    for (let i = start; i < end; i++) {
      const given = rows[i] as PageRow;
      text += (i > 0 ? ',' : '') + open(i);
      const write = (): string => fieldObjects(given, prefixesOf(shape, reshaped), display, reshaped);
      const kept = given.garbled || reshaped ? undefined : texts.of(given.record, shape, write);
      if (kept) {
        parts.push(Buffer.from(text), kept);
        text = '';
      } else text += write();
      text += close;
    }
    pieces.push(Buffer.concat([...parts, Buffer.from(text)]));
  }
  return pieces;
}

/** The fields of a row as JSON objects, each opened by its prefix; only text can need escaping. */
function fieldObjects(
  given: PageRow,
  prefixes: readonly string[],
  display: Display,
  reshaped?: Reshaped,
): string {
  let out = '';
  for (const field of fields) {
    if (reshaped && reshaped.name(field) === undefined) continue;
    const value = given.record.row[field.index] ?? null;
    const garbled = given.garbled?.index === field.index ? given.garbled.text : undefined;
    const shown = garbled ?? (reshaped ?? display).text(field, value);
    const quoted =
      typeof value === 'string' || garbled !== undefined || reshaped ? JSON.stringify(shown) : `"${shown}"`;
    out += `${out === '' ? '' : ','}${prefixes[field.index] ?? ''}${quoted}}`;
  }
  return out;
}

/** Several as a list, a single one as itself: how DATA_ONLY answers. */
const oneOrMany = <T>(count: number, inner: readonly T[]): (T | string)[] =>
  count === 1 ? [...inner] : ['[', ...inner, ']'];

type Shape = 'data-only' | 'head-data';

type Named = Pick<Reshaped, 'name'>;
const asUsual: Named = { name: ({ alias }) => alias };
/** What opens the JSON of each field, in the order of `fields`. */
const prefixesIn = (shape: Shape, { name }: Named): readonly string[] =>
  fields.map((field) =>
    shape === 'data-only'
      ? `{"n":${field.aliasnum},"value":`
      : `{"FIELDNAME":${JSON.stringify(name(field))},"FIELDLABEL":${JSON.stringify(field.label)},"FIELDVALUE":`,
  );
const prefixes: Readonly<Record<Shape, readonly string[]>> = {
  'data-only': prefixesIn('data-only', asUsual),
  'head-data': prefixesIn('head-data', asUsual),
};
const prefixesOf = (shape: Shape, reshaped: Reshaped | undefined): readonly string[] =>
  reshaped ? prefixesIn(shape, reshaped) : prefixes[shape];
const fieldListOf = ({ name }: Named): string[] =>
  fields.flatMap((field) => {
    const called = name(field);
    return called === undefined ? [] : [JSON.stringify({ aliasnum: field.aliasnum, name: called })];
  });
const fieldList = fieldListOf(asUsual);

function dataOnly(page: Page, writing: Writing): Answer {
  const metadata = {
    CURRENTCURSORPOSITION: page.position,
    MORERECORDPRESENT: page.more ? '+' : '-',
    RECORDS: page.records,
  };
  const open = (i: number): string => `{"id":"${page.position + i + 1}","D":[`;
  const rows = rowPieces(page.rows, 'data-only', { ...writing, ...page }, open, ']}');
  // An empty page has no ROW at all.
  const data = page.rows.length === 0 ? ['{}'] : ['{"ROW":', ...oneOrMany(page.rows.length, rows), '}'];
  return {
    status: 200,
    body: [
      `{"Result":{"ResultData":{"GRID":{"METADATA":${JSON.stringify(metadata)},"FIELDS":{"FIELD":`,
      ...oneOrMany(fields.length, [(page.reshaped ? fieldListOf(page.reshaped) : fieldList).join(',')]),
      '},"DATA":',
      ...data,
      '}}}}',
    ],
  };
}

function headData(page: Page, writing: Writing): Answer {
  const next = page.more ? page.position + page.rows.length : 0;
  const positions = {
    CURRENTCURSORPOSITION: page.position,
    ...(page.rows.length === 0 && next === 0 ? {} : { NEXTCURSORPOSITION: next }),
  };
  const rows = rowPieces(page.rows, 'head-data', { ...writing, ...page }, () => '{"DATAFIELD":[', ']}');
  return {
    status: 200,
    body: [
      '{"Result":{"ResultData":{"DATARECORD":[',
      ...rows,
      `],${JSON.stringify(positions).slice(1, -1)}}}}`,
    ],
  };
}

/** How values are shown, and what is kept of what was written before. */
export interface Writing {
  readonly display: Display;
  readonly texts: Texts;
}

/** Writes a page out in the shape that was asked for. */
export function writePage(page: Page, head: boolean, writing: Writing): Answer {
  return head ? headData(page, writing) : dataOnly(page, writing);
}
