import { VanguardError } from '../errors.ts';
import type { CheckedConnection } from './connection.ts';
import { isBlank, makeStorable } from './values.ts';

/**
 * One row of a grid: texts as PEMS shows them, in the order of the page's aliases. A text is empty for no value, and
 * undefined if the row lacks the field. Not an object by alias: a million objects would be slow and large.
 */
export type GridRow = (string | undefined)[];

/** The content of one response. */
export interface GridPage {
  /** Aliases of the texts of a row, in lower case, in the order of PEMS. */
  aliases: string[];
  rows: GridRow[];
  /** Whether PEMS reports further rows. */
  more: boolean;
  /** Kinds of data by alias, in the words of PEMS, if the header contains them. */
  types?: ReadonlyMap<string, string>;
}

/** The requested rows of the grid. */
export interface GridQuery {
  organization: string;
  /** Only rows whose id follows this one in the order of PEMS; `null`: from the start. */
  after: string | null;
  /** Only rows changed at or after this time, in the tenant's format of filters; `null`: all. */
  changedSince: string | null;
  /** Only rows of these ids; if there are several, `mustStandAlone` is false for each. */
  ids?: readonly string[];
  /** Number of rows to return, at most 10,000. */
  rows: number;
}

/** Maximum number of values of IN. */
export const MAX_IN_VALUES = 500;

/**
 * Returns whether an id cannot be combined with others in a filter: IN separates ids by commas, and PEMS drops adjacent
 * spaces.
 */
export function mustStandAlone(id: string): boolean {
  return id.includes(',') || id === '' || id.trim() !== id;
}

interface Filter {
  ALIAS_NAME: string;
  OPERATOR: string;
  VALUE: string;
}

/** Body of `POST /griddata`. */
export interface GridRequest {
  GRID: {
    GRID_NAME: string;
    GRID_ID: string;
    NUMBER_OF_ROWS_FIRST_RETURNED: number;
    CURSOR_POSITION: number;
    /** `false`: PEMS writes dates, numbers and choices as stored, not in the language of the login. */
    LOCALIZE_RESULT: 'false';
  };
  GRID_TYPE: { TYPE: 'LIST' };
  ADDON_SORT: { ALIAS_NAME: string; TYPE: 'ASC' };
  ADDON_FILTER: Filter;
  MULTIADDON_FILTERS?: { MADDON_FILTER: (Filter & { JOINER: 'AND'; SEQNUM: number })[] };
  REQUEST_TYPE: string;
}

/**
 * Returns the request for one page. Continues after the last id, with the cursor at 0: an offset would skip rows after
 * the deletion of an earlier row. `BEGINS` also returns organizations whose code only begins with this one.
 */
export function gridRequest(
  connection: Pick<CheckedConnection, 'grid' | 'requestType'>,
  query: GridQuery,
): GridRequest {
  const { grid } = connection;
  const filters: Filter[] = [];
  if (query.ids !== undefined) {
    const OPERATOR = query.ids.length === 1 ? '=' : 'IN';
    filters.push({ ALIAS_NAME: grid.idAlias, OPERATOR, VALUE: query.ids.join(',') });
  }
  if (query.after !== null) filters.push({ ALIAS_NAME: grid.idAlias, OPERATOR: '>', VALUE: query.after });
  if (query.changedSince !== null) {
    filters.push({ ALIAS_NAME: grid.versionAlias, OPERATOR: '>=', VALUE: query.changedSince });
  }
  const request: GridRequest = {
    GRID: {
      GRID_NAME: grid.name,
      GRID_ID: grid.id,
      NUMBER_OF_ROWS_FIRST_RETURNED: query.rows,
      CURSOR_POSITION: 0,
      LOCALIZE_RESULT: 'false',
    },
    GRID_TYPE: { TYPE: 'LIST' },
    ADDON_SORT: { ALIAS_NAME: grid.idAlias, TYPE: 'ASC' },
    ADDON_FILTER: { ALIAS_NAME: grid.organizationAlias, OPERATOR: 'BEGINS', VALUE: query.organization },
    REQUEST_TYPE: connection.requestType,
  };
  if (filters.length > 0) {
    request.MULTIADDON_FILTERS = {
      MADDON_FILTER: filters.map((filter, index) => ({ ...filter, JOINER: 'AND', SEQNUM: index + 1 })),
    };
  }
  return request;
}

/** One alert of PEMS, in its own words. */
export interface PemsAlert {
  name: string;
  message: string;
}

/** Returns the alerts of a response; empty if there are none. */
export const errorAlerts = (answer: unknown): PemsAlert[] => alertsIn(answer, 'ErrorAlert');

/** Returns the questions of a response. PEMS waits for a reply to them, so it has done nothing. */
export const confirmationAlerts = (answer: unknown): PemsAlert[] => alertsIn(answer, 'ConfirmationAlert');

/** A single entry may be an object instead of an array; a name may be a number. */
const alertsIn = (answer: unknown, member: 'ErrorAlert' | 'ConfirmationAlert'): PemsAlert[] =>
  list(isObject(answer) ? answer[member] : null).map((one) => ({
    name: isObject(one) ? wordsOf(one.Name) : '',
    message: isObject(one) ? wordsOf(one.Message) : wordsOf(one),
  }));

const wordsOf = (text: unknown): string =>
  typeof text === 'string' ? text : typeof text === 'number' ? String(text) : '';

/**
 * Reads a response of either shape, which its content reveals. Ignores unknown members; throws on an unreadable row,
 * because a missing record would count as removed.
 *
 * @param answer the parsed JSON of a response without an `ErrorAlert`
 * @param header the names of the columns, for responses that contain only their numbers
 * @returns `null` if the rows have only numbers and no header is given: request the header
 * @throws VanguardError `PEMS_MALFORMED_ANSWER` with the place, never with the content
 */
export function parseGridAnswer(answer: unknown, header?: GridHeader): GridPage | null {
  const result = object(object(answer, 'The answer').Result, 'Result');
  const data = object(result.ResultData, 'Result.ResultData');
  if (data.GRID !== undefined) return parseDataOnly(object(data.GRID, GRID), header);
  if (data.DATARECORD !== undefined || data.CURRENTCURSORPOSITION !== undefined) return parseHeadData(data);
  throw malformed('Result.ResultData', 'holds neither GRID nor DATARECORD');
}

/**
 * Cuts a page that is not the last one, so that the next request can continue after `last`. The page may end between
 * the rows of one id, which `RIO` and `RIO2` may share, or which may be a duplicate. The next page therefore returns
 * all rows of the last id. Keeps rows without an id, because no request could return them again.
 *
 * @returns `last` is `null` if the page holds a single id, or none
 */
export function cutAtLastId(
  { aliases, rows }: Pick<GridPage, 'aliases' | 'rows'>,
  idAlias: string,
): { rows: GridRow[]; last: string | null } {
  const at = aliases.indexOf(idAlias);
  const idOf = (index: number): string => rows[index]?.[at] ?? '';
  let end = rows.length - 1;
  while (end >= 0 && isBlank(idOf(end))) end -= 1;
  const cutId = idOf(end);
  while (end >= 0 && (isBlank(idOf(end)) || idOf(end) === cutId)) end -= 1;
  if (end < 0) return { rows: [], last: null };
  const blankAfter = rows.slice(end + 1).filter((row) => isBlank(row[at] ?? ''));
  return { rows: [...rows.slice(0, end + 1), ...blankAfter], last: idOf(end) };
}

/** A response whose form differs from that of PEMS. */
export function malformed(where: string, what: string): VanguardError {
  return new VanguardError(
    'PEMS_MALFORMED_ANSWER',
    `PEMS gave an answer that cannot be read: ${where} ${what}.`,
    {
      hint: 'Check that the base URL, the grid and the screen of the connection are those of PEMS; if they are, PEMS has changed.',
      details: { where },
    },
  );
}

const GRID = 'Result.ResultData.GRID';
const ROWS = `${GRID}.DATA.ROW`;
const FIELDS = `${GRID}.FIELDS`;
const RECORDS = 'Result.ResultData.DATARECORD';

/** The meaning of the column numbers of a grid. */
export interface GridHeader {
  /** In lower case, in the order of PEMS. */
  aliases: string[];
  /** Maps `aliasnum`, as a number and as text, to the position of its alias. */
  places: ReadonlyMap<unknown, number>;
  /** As in a page. */
  types: ReadonlyMap<string, string>;
}

/**
 * Reads the response to a request for the header alone.
 *
 * @throws VanguardError `PEMS_MALFORMED_ANSWER`
 */
export function parseGridHeader(answer: unknown): GridHeader {
  const result = object(object(answer, 'The answer').Result, 'Result');
  const grid = object(object(result.ResultData, 'Result.ResultData').GRID, GRID);
  const header = headerOf(grid.FIELDS);
  if (header.aliases.length === 0) throw malformed(FIELDS, 'names no column');
  return header;
}

function parseDataOnly(grid: Record<string, unknown>, given?: GridHeader): GridPage | null {
  const data = (grid.DATA ?? null) === null ? {} : object(grid.DATA, `${GRID}.DATA`);
  // The terse form holds its rows in R.
  const full = list(data.ROW);
  const rows = full.length > 0 ? full : list(data.R);
  const own = headerOf(grid.FIELDS);
  const header = own.aliases.length > 0 ? own : given;
  const hasCells = (row: unknown): boolean => isObject(row) && list(row.D).length > 0;
  if (header === undefined && rows.some(hasCells)) return null;
  const { aliases, places, types } = header ?? own;
  const metadata = (grid.METADATA ?? null) === null ? {} : object(grid.METADATA, `${GRID}.METADATA`);
  if (rows.length === 0 && Number(metadata.RECORDS ?? 0) > 0)
    throw malformed(`${GRID}.DATA`, 'has no rows, though METADATA.RECORDS counts some');
  return {
    aliases,
    rows: rows.map((item, index) => {
      const row: GridRow = new Array<string | undefined>(aliases.length).fill(undefined);
      const cells = list(object(item, `${ROWS}[${index}]`).D);
      for (let n = 0; n < cells.length; n += 1) {
        const cell = cells[n];
        if (!isObject(cell)) throw malformed(`${ROWS}[${index}].D[${n}]`, 'is no object');
        const place = places.get(cell.n);
        if (place === undefined)
          throw malformed(`${ROWS}[${index}].D[${n}].n`, `is no aliasnum of ${FIELDS}`);
        const problem = setCell(row, place, cell.value);
        if (problem !== null) throw malformed(`${ROWS}[${index}].D[${n}]`, problem);
      }
      return row;
    }),
    more: moreRecords(metadata.MORERECORDPRESENT),
    ...(types.size > 0 && { types }),
  };
}

function headerOf(fields: unknown): GridHeader {
  const aliases: string[] = [];
  const places = new Map<unknown, number>();
  const types = new Map<string, string>();
  if ((fields ?? null) === null) return { aliases, places, types };
  const seen = new Set<string>();
  for (const [index, item] of list(object(fields, FIELDS).FIELD).entries()) {
    const field = object(item, `${FIELDS}.FIELD[${index}]`);
    const number = typeof field.aliasnum === 'number' ? String(field.aliasnum) : field.aliasnum;
    if (typeof number !== 'string' || !/^\d{1,9}$/.test(number)) {
      throw malformed(`${FIELDS}.FIELD[${index}].aliasnum`, 'is no whole number');
    }
    if (typeof field.name !== 'string' || field.name === '') {
      throw malformed(`${FIELDS}.FIELD[${index}].name`, 'is no text');
    }
    const alias = field.name.toLowerCase();
    if (places.has(number) || seen.has(alias)) throw malformed(`${FIELDS}.FIELD[${index}]`, 'is there twice');
    seen.add(alias);
    places.set(number, aliases.length).set(Number(number), aliases.length);
    aliases.push(alias);
    const type = typeOf(field);
    if (type !== null) types.set(alias, type);
  }
  return { aliases, places, types };
}

/** Returns the kind of data of a column; systems use different names for it, and most omit it. */
function typeOf(field: Record<string, unknown>): string | null {
  for (const [name, value] of Object.entries(field)) {
    if (!/^(?:data_?)?type$/i.test(name) || typeof value !== 'string') continue;
    const type = makeStorable(value.trim().slice(0, 50)).toLowerCase();
    if (type !== '') return type;
  }
  return null;
}

/** If PEMS does not say, a page with fewer rows than requested is the last one. */
function moreRecords(more: unknown): boolean {
  if ((more ?? null) === null || more === '-' || more === '') return false;
  if (more === '+') return true;
  throw malformed(`${GRID}.METADATA.MORERECORDPRESENT`, 'is neither "+" nor "-"');
}

function parseHeadData(data: Record<string, unknown>): GridPage {
  const aliases: string[] = [];
  const places = new Map<string, number>();
  /** Returns the position of a field's alias; a row may have a field that no earlier row had. */
  const placeOf = (name: string): number => {
    let place = places.get(name);
    if (place === undefined) {
      const alias = name.toLowerCase();
      place = places.get(alias) ?? aliases.push(alias) - 1;
      places.set(alias, place).set(name, place);
    }
    return place;
  };
  const rows = list(data.DATARECORD).map((item, index) => {
    const row: GridRow = [];
    const fields = list(object(item, `${RECORDS}[${index}]`).DATAFIELD);
    for (let n = 0; n < fields.length; n += 1) {
      const field = fields[n];
      if (!isObject(field)) throw malformed(`${RECORDS}[${index}].DATAFIELD[${n}]`, 'is no object');
      const name = field.FIELDNAME;
      if (typeof name !== 'string' || name === '')
        throw malformed(`${RECORDS}[${index}].DATAFIELD[${n}].FIELDNAME`, 'is no text');
      const problem = setCell(row, placeOf(name), field.FIELDVALUE);
      if (problem !== null) throw malformed(`${RECORDS}[${index}].DATAFIELD[${n}]`, problem);
    }
    return row;
  });
  return { aliases, rows, more: hasNextCursor(data.NEXTCURSORPOSITION) };
}

/** Absent or 0 means the end. */
function hasNextCursor(position: unknown): boolean {
  if (position === undefined || position === null) return false;
  const text = typeof position === 'number' ? String(position) : position;
  if (typeof text === 'string' && /^\d+$/.test(text)) return !/^0+$/.test(text);
  throw malformed('Result.ResultData.NEXTCURSORPOSITION', 'is no whole number');
}

/** Returns the problem of the cell; null if it was accepted. */
function setCell(row: GridRow, place: number, value: unknown): string | null {
  if (row[place] !== undefined) return 'is a field that the row already has';
  if (typeof value === 'string') row[place] = value;
  else if (value === undefined || value === null) row[place] = '';
  else if (typeof value === 'number') {
    // JavaScript has rounded a number that it cannot represent exactly.
    if (Number.isInteger(value) ? !Number.isSafeInteger(value) : String(value).length > 16)
      return 'has a number with too many digits';
    row[place] = String(value);
  } else if (typeof value === 'boolean') row[place] = String(value);
  else return 'has a value that is no text';
  return null;
}

/** PEMS omits an empty list, and writes a list of one entry as that entry. */
export function list(value: unknown): unknown[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : [value];
}

/** Returns the object at this place of the response. */
export function object(value: unknown, where: string): Record<string, unknown> {
  if (!isObject(value)) throw malformed(where, value === undefined ? 'is missing' : 'is no object');
  return value;
}

/** Returns whether a value is a JSON object. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
