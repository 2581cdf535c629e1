/**
 * `POST /griddata`: lists of records, page by page, in both response shapes.
 *
 * Decisions where the format is open:
 * - Positions count rows from 0. CURSOR_POSITION is the number of rows to skip, and CURRENTCURSORPOSITION repeats it.
 *   NEXTCURSORPOSITION (HEAD_DATA) is the start of the next page: 0 at the end, absent if the page is empty.
 * - RECORDS is the number of rows on this page. Requests for more than 10,000 rows are refused.
 * - ADDON_FILTER is ANDed with all of MULTIADDON_FILTERS. These are ordered by SEQNUM; JOINER connects a filter with
 *   the next one (the last JOINER has no effect); AND binds tighter than OR.
 * - Text compares by code point and is case-sensitive. An empty value equals only '' and is neither less nor greater
 *   than any value; it sorts last (first with DESC). Rows with equal values are ordered by id.
 * - `pfs_f_intlastupdated` compares and sorts by whole minutes, as shown. BEGINS, ENDS, CONTAINS and NOTCONTAINS test
 *   the shown text.
 * - HEAD_ONLY returns only the columns, and needs no position or filter.
 */
import { z } from 'zod';
import { Alert, alerts, listOf, type Answer } from './answer.ts';
import type { Dialect } from './dialects.ts';
import { fieldOf, fields, type Field, type Row, type Value } from './fields.ts';
import type { IdRange, OrganizationStore, Store, StoredRecord } from './store.ts';
import type { Texts } from './texts.ts';
import { compareText, compareValues, type Display } from './values.ts';

const gridName = 'CUPFAG';
const gridId = '100541';
const maxRows = 10_000;
const maxInValues = 500;
const operators = [
  ...(['=', '!=', '<', '>', '<=', '>=', '=<', '=>', 'IN', 'IS EMPTY', 'NOT EMPTY'] as const),
  ...(['BEGINS', 'ENDS', 'CONTAINS', 'NOTCONTAINS'] as const),
];
type Operator = (typeof operators)[number];

/** A row of a page; a fault may replace the text of one field. */
export interface PageRow {
  readonly record: StoredRecord;
  readonly garbled?: { readonly index: number; readonly text: string };
}

/** A page before it is written; faults modify it here. */
export interface Page {
  rows: PageRow[];
  position: number;
  more: boolean;
  /** Value of METADATA.RECORDS. */
  records: number;
  /** Form of all rows under a fault. */
  reshaped?: Reshaped;
}

/** A different form of every row. */
export interface Reshaped {
  /** Returns the name of the field; undefined if the column is missing. */
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
    LOCALIZE_RESULT: text.nullish(),
  }),
  GRID_TYPE: z.object({ TYPE: z.literal('LIST') }).optional(),
  ADDON_SORT: z.object({ ALIAS_NAME: z.string(), TYPE: z.enum(['ASC', 'DESC']).default('ASC') }).nullish(),
  ADDON_FILTER: z.unknown().optional(),
  MULTIADDON_FILTERS: z.object({ MADDON_FILTER: z.unknown().optional() }).nullish(),
  REQUEST_TYPE: z.enum(['LIST.DATA_ONLY.STORED', 'LIST.HEAD_DATA.STORED', 'LIST.HEAD_ONLY.STORED']),
});
/** Members of a request that a strict tenant accepts; it refuses all others. */
const strictSchema = z.strictObject({
  GRID: z.strictObject({
    ...requestSchema.shape.GRID.shape,
    USER_FUNCTION_NAME: z.string().nullish(),
    DATASPY: z.unknown().optional(),
  }),
  GRID_TYPE: z.strictObject({ TYPE: z.literal('LIST') }),
  ADDON_SORT: z.strictObject({ ALIAS_NAME: z.string(), TYPE: z.enum(['ASC', 'DESC']) }).nullish(),
  ADDON_FILTER: z.strictObject({ ALIAS_NAME: z.string(), OPERATOR: z.string(), VALUE: text }).nullish(),
  MULTIADDON_FILTERS: z
    .strictObject({
      MADDON_FILTER: z.array(
        z.strictObject({
          ...{ ALIAS_NAME: z.string(), OPERATOR: z.string(), VALUE: text.optional(), SEQNUM: z.number() },
          JOINER: z.enum(['AND', 'OR']),
        }),
      ),
    })
    .nullish(),
  REQUEST_TYPE: requestSchema.shape.REQUEST_TYPE,
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
  readonly shape: Shape;
  readonly limit: number;
  readonly position: number;
  readonly sort: Field;
  readonly descending: boolean;
  /** All of these must match. */
  readonly all: readonly Filter[];
  /** All filters of at least one of these groups must match, if there are any. */
  readonly anyOf: readonly (readonly Filter[])[];
}

/** Parses with zod; throws an ErrorAlert for invalid values. */
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

/** Returns the value that filters compare: the time of the last update is cut to the minute, as shown. */
const comparable = (field: Field, value: Value): Value =>
  field.kind === 'datetime' && typeof value === 'number' ? value - (value % 60_000) : value;

function filterTest(field: Field, operator: Operator, value: string, display: Display): Filter['test'] {
  const shown = (given: Value): string => display.text(field, given);
  if (operator === 'BEGINS') return (given) => shown(given).startsWith(value);
  if (operator === 'ENDS') return (given) => shown(given).endsWith(value);
  if (operator === 'CONTAINS') return (given) => shown(given).includes(value);
  if (operator === 'NOTCONTAINS') return (given) => !shown(given).includes(value);
  if (operator === 'IS EMPTY') return (given) => shown(given) === '';
  if (operator === 'NOT EMPTY') return (given) => shown(given) !== '';
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
    '=<': (order) => order <= 0,
    '>=': (order) => order >= 0,
    '=>': (order) => order >= 0,
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

const shapes = {
  'LIST.DATA_ONLY.STORED': 'data-only',
  'LIST.HEAD_DATA.STORED': 'head-data',
  'LIST.HEAD_ONLY.STORED': 'head-only',
} as const;

/** Returns whether the request asks for results in the language of the login. */
export function asksLocalized(body: unknown): boolean {
  const request = requestSchema.safeParse(body);
  return request.success && request.data.GRID.LOCALIZE_RESULT?.toLowerCase() !== 'false';
}

/** Returns the organization that a request for records is limited to, if any. */
export function organizationAsked(body: unknown): string | undefined {
  const request = requestSchema.safeParse(body);
  const filter = request.success ? filterSchema.safeParse(request.data.ADDON_FILTER) : undefined;
  return filter?.success && filter.data.ALIAS_NAME === 'pfs_a_org' ? filter.data.VALUE : undefined;
}

function readRequest(body: unknown, display: Display, isStrict: boolean): GridRequest {
  if (isStrict) parsed(strictSchema, body);
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
    shape: shapes[request.REQUEST_TYPE],
    limit,
    position: request.GRID.CURSOR_POSITION,
    sort: knownField(request.ADDON_SORT?.ALIAS_NAME ?? 'pfs_id'),
    descending: request.ADDON_SORT?.TYPE === 'DESC',
    all: groups.length === 1 ? [...single, ...(groups[0] ?? [])] : single,
    anyOf: groups.length > 1 ? groups : [],
  };
}

/** Returns the range of ids that the filters on `pfs_id` select, and the remaining filters. */
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
    else if (operator === '>=' || operator === '=>') before.push(below);
    else if (operator === '<') notAfter.push(below);
    else if (operator === '<=' || operator === '=<') notAfter.push(upTo);
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

/** Merges the ids of several organizations in one order. */
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

/**
 * Returns the records that may match, by id: the named records (`=`, IN), or a range of ids of the requested
 * organizations.
 */
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

/** Finds the requested page. */
export function findPage(
  store: Store,
  body: unknown,
  display: Display,
  isStrict = false,
): { page: Page; shape: Shape } {
  const request = readRequest(body, display, isStrict);
  const { shape } = request;
  if (shape === 'head-only') return { page: { rows: [], position: 0, more: false, records: 0 }, shape };
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
    // Skipped rows need not be computed.
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
  return { page, shape };
}

const rowsAPiece = 500;

/** How to write values, and the cache of written texts. */
export interface Writing {
  readonly dialect: Dialect;
  readonly display: Display;
  readonly texts: Texts;
}

/** Shapes of a response for a grid. */
export type Shape = 'data-only' | 'head-data' | 'head-only';

/** Writes rows in pieces of some hundred KB. */
function rowPieces(
  page: Page,
  shape: Shape,
  { display, texts }: Writing,
  open: (number: number) => string,
  close: string,
): Buffer[] {
  const { rows, reshaped } = page;
  const pieces: Buffer[] = [];
  const opening = prefixesOf(shape, reshaped);
  const { capitalChoices, flags, language, twelveHours, bareNumbers } = display.look;
  const key = [shape, display.format, capitalChoices, flags[0], language, twelveHours, bareNumbers].join(' ');
  for (let start = 0; start < rows.length; start += rowsAPiece) {
    const end = Math.min(start + rowsAPiece, rows.length);
    const parts: Buffer[] = [];
    let text = '';
    for (let i = start; i < end; i++) {
      const given = rows[i] as PageRow;
      text += (i > 0 ? ',' : '') + open(i);
      const write = (): string => fieldObjects(given, opening, display, reshaped);
      const kept = given.garbled || reshaped ? undefined : texts.of(given.record, key, write);
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

/** Writes the fields of a row as JSON objects, each after its prefix; only text can require escaping. */
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
    const token = garbled === undefined && !reshaped ? display.token(field, value) : undefined;
    const json = token ?? JSON.stringify(garbled ?? (reshaped ?? display).text(field, value));
    out += `${out === '' ? '' : ','}${prefixes[field.index] ?? ''}${json}}`;
  }
  return out;
}

type Named = Pick<Reshaped, 'name'>;
const asUsual: Named = { name: ({ alias }) => alias };
/** A renamed column is a different column, so it also has a different number. */
const numberOf = (field: Field, called: string | undefined): number =>
  called === field.alias ? field.aliasnum : field.aliasnum + 1000;

/** Returns the beginning of each field's JSON, in the order of `fields`. */
const prefixesIn = (shape: Shape, { name }: Named): readonly string[] =>
  fields.map((field) =>
    shape === 'data-only'
      ? `{"n":${numberOf(field, name(field))},"value":`
      : `{"FIELDNAME":${JSON.stringify(name(field))},"FIELDLABEL":${JSON.stringify(field.label)},"FIELDVALUE":`,
  );
const usualPrefixes: Readonly<Record<'data-only' | 'head-data', readonly string[]>> = {
  'data-only': prefixesIn('data-only', asUsual),
  'head-data': prefixesIn('head-data', asUsual),
};
const prefixesOf = (shape: Shape, reshaped: Reshaped | undefined): readonly string[] =>
  reshaped || shape === 'head-only' ? prefixesIn(shape, reshaped ?? asUsual) : usualPrefixes[shape];

/** Returns the entries of FIELDS, which map numbers to columns. */
const fieldListOf = ({ name }: Named): string[] =>
  fields.flatMap((field) => {
    const called = name(field);
    if (called === undefined) return [];
    return [JSON.stringify({ aliasnum: numberOf(field, called), name: called, label: field.label })];
  });
const usualFieldList = fieldListOf(asUsual).join(',');

function fieldsMember({ reshaped }: Page): string {
  return `"FIELDS":{"FIELD":[${reshaped ? fieldListOf(reshaped).join(',') : usualFieldList}]}`;
}

/**
 * Returns METADATA of a page in the form of its dialect. In the dialect that omits it, pages with an odd number of rows
 * contain it without values.
 */
function metadataMember(page: Page, { metadata }: Dialect): string[] {
  const { position, more, records } = page;
  const [at, count] = metadata === 'texts' ? [String(position), String(records)] : [position, records];
  const told = {
    CURRENTCURSORPOSITION: at,
    MORERECORDPRESENT: more ? '+' : '-',
    RECORDS: count,
  };
  if (metadata !== 'missing') return [`"METADATA":${JSON.stringify(told)}`];
  const none = { CURRENTCURSORPOSITION: null, MORERECORDPRESENT: null, RECORDS: null };
  return page.rows.length % 2 === 0 ? [] : [`"METADATA":${JSON.stringify(none)}`];
}

function dataOnly(page: Page, writing: Writing): Answer {
  const { dialect } = writing;
  const { rowsIn, unwrapsSingles, bareNumbers } = dialect;
  const open = (i: number): string =>
    bareNumbers ? `{"id":${page.position + i + 1},"D":[` : `{"id":"${page.position + i + 1}","D":[`;
  const rows = rowPieces(page, 'data-only', writing, open, ']}');
  const isUnwrapped = unwrapsSingles && page.rows.length === 1;
  const list = isUnwrapped ? rows : ['[', ...rows, ']'];
  // A page without rows lacks the members that would hold them.
  const empty = dialect.emptyFields === 'own' ? '{}' : 'null';
  const other = rowsIn === 'R' ? '"ROW":null,' : '';
  const data = page.rows.length === 0 ? [empty] : [`{${other}"${rowsIn}":`, ...list, '}'];
  const members = [...metadataMember(page, dialect), ...(dialect.namesColumns ? [fieldsMember(page)] : [])];
  return {
    status: 200,
    body: [
      '{"Result":{"ResultData":{"GRID":{',
      members.map((member) => `${member},`).join(''),
      '"DATA":',
      ...data,
      `}}}${closing(dialect)}}`,
    ],
  };
}

/** Returns the members beside Result. */
const closing = ({ namelessAlerts }: Dialect): string =>
  namelessAlerts ? `,${JSON.stringify(alerts()).slice(1, -1)}` : '';

/** Returns a response with the columns alone. */
function headOnly(page: Page, { dialect }: Writing): Answer {
  const members = [...metadataMember(page, dialect), fieldsMember(page), '"DATA":null'];
  return {
    status: 200,
    body: [`{"Result":{"ResultData":{"GRID":{${members.join(',')}}}}${closing(dialect)}}`],
  };
}

function headData(page: Page, writing: Writing): Answer {
  const next = page.more ? page.position + page.rows.length : 0;
  const positions = {
    CURRENTCURSORPOSITION: page.position,
    ...(page.rows.length === 0 && next === 0 ? {} : { NEXTCURSORPOSITION: next }),
  };
  const rows = rowPieces(page, 'head-data', writing, () => '{"DATAFIELD":[', ']}');
  return {
    status: 200,
    body: [
      '{"Result":{"ResultData":{"DATARECORD":[',
      ...rows,
      `],${JSON.stringify(positions).slice(1, -1)}}}${closing(writing.dialect)}}`,
    ],
  };
}

/** Writes a page in the requested shape. */
export function writePage(page: Page, shape: Shape, writing: Writing): Answer {
  if (shape === 'head-only') return headOnly(page, writing);
  return shape === 'head-data' ? headData(page, writing) : dataOnly(page, writing);
}
