import { VanguardError } from '../errors.ts';
import { isObject, list, malformed, object, parseGridAnswer } from './grid.ts';

/** One row of a list: values by their names in lower case; null for no value. */
export type ListRow = Readonly<Record<string, string | null>>;

/** The content of one response for a list. */
export interface ListPage {
  rows: ListRow[];
  /** The cursor position of the next page; null at the end of the list. */
  next: number | null;
}

export interface ReadListOptions {
  /** The path of the list below the base address, e.g. `categories`. */
  path: string;
  /** The organization's code. */
  organization: string;
  /** Aborts the read immediately, which then rejects with the reason of the signal. */
  signal?: AbortSignal;
}

/** Rows of one request: an entry has a few hundred bytes, so a page stays far below the limit of a response. */
const PAGE_ROWS = 2_000;
/** More rows than any list of categories or equipment has. */
const MOST_ROWS = 200_000;

/**
 * Reads a list page by page. It was read completely only if the iteration ends without an error.
 *
 * @param ask sends the request for one page, and retries it
 * @throws VanguardError (while iterating) what `ask` throws, `PEMS_MALFORMED_ANSWER`, and `PEMS_LIST_TOO_LONG`
 */
export async function* readPages(
  ask: (query: Record<string, string>, parse: (content: unknown) => ListPage) => Promise<ListPage>,
  { organization }: ReadListOptions,
  pageSize: number,
): AsyncGenerator<ListRow[], void, undefined> {
  const rows = Math.min(pageSize, PAGE_ROWS);
  let count = 0;
  for (let position: number | null = 0; position !== null;) {
    const from: number = position;
    const query = { organization, cursorposition: String(from), rows: String(rows) };
    const page: ListPage = await ask(query, (content) => parseListAnswer(content, from, rows));
    count += page.rows.length;
    if (count > MOST_ROWS) {
      throw new VanguardError(
        'PEMS_LIST_TOO_LONG',
        `PEMS sent more than ${MOST_ROWS.toLocaleString('en')} rows of one list; it was not read to its end.`,
        { hint: 'Check the path of the list with `npx vanguard lists settings`.' },
      );
    }
    yield page.rows;
    position = page.next;
  }
}

/**
 * Reads a page of a list in any shape that PEMS uses: plain objects, DATARECORD with DATAFIELD, or a GRID.
 *
 * @param position cursor position of the page
 * @param asked number of requested rows
 * @throws VanguardError `PEMS_MALFORMED_ANSWER` with the place, never with the content
 */
export function parseListAnswer(answer: unknown, position: number, asked: number): ListPage {
  const result = object(object(answer, 'The answer').Result, 'Result');
  const data = object(result.ResultData, 'Result.ResultData');
  const records = list(data.DATARECORD);
  if (data.GRID === undefined && !records.some((one) => isObject(one) && 'DATAFIELD' in one)) {
    if (data.DATARECORD === undefined && data.CURRENTCURSORPOSITION === undefined)
      throw malformed('Result.ResultData', 'holds neither GRID nor DATARECORD');
    const rows = records.map((one, index) => plainRow(object(one, `${RECORDS}[${index}]`)));
    return { rows, next: nextPosition(data, position, rows.length, asked) };
  }
  const page = parseGridAnswer(answer);
  if (page === null) throw malformed('The page', 'has no names of columns');
  const { aliases, more } = page;
  const rows = page.rows.map((row): ListRow => {
    const named: Record<string, string | null> = {};
    for (const [place, alias] of aliases.entries()) if (row[place] !== undefined) named[alias] = row[place];
    return named;
  });
  if (data.GRID === undefined) return { rows, next: nextPosition(data, position, rows.length, asked) };
  if (more && rows.length === 0) throw malformed('The page', 'has no rows, though more are to follow');
  return { rows, next: more ? position + rows.length : null };
}

const RECORDS = 'Result.ResultData.DATARECORD';
const NEXT = 'Result.ResultData.NEXTCURSORPOSITION';

/** A list must advance: a cursor that stands still would be read forever. */
function nextPosition(
  data: Record<string, unknown>,
  position: number,
  count: number,
  asked: number,
): number | null {
  const told = data.NEXTCURSORPOSITION;
  if (told === undefined || told === null || told === '') {
    // Does not trust a full page without an end: entries missing from the list count as removed.
    return count === asked ? position + count : null;
  }
  const next = typeof told === 'number' ? told : typeof told === 'string' ? Number(told) : Number.NaN;
  if (!Number.isSafeInteger(next) || next < 0) throw malformed(NEXT, 'is no whole number');
  if (next === 0) return null;
  if (next <= position) throw malformed(NEXT, 'does not move on');
  if (count === 0) throw malformed('The page', 'has no rows, though more are to follow');
  return next;
}

/**
 * Returns the values of an object and of its nested objects, e.g. of `CLASSID: { CLASSCODE }`; the outermost value of a
 * name counts.
 */
function plainRow(record: Record<string, unknown>): ListRow {
  const row: Record<string, string | null> = {};
  let level = [record];
  while (level.length > 0) {
    const inner: Record<string, unknown>[] = [];
    for (const [name, value] of level.flatMap((one) => Object.entries(one))) {
      const key = name.toLowerCase();
      if (isObject(value)) inner.push(value);
      else if (key in row || Array.isArray(value)) continue;
      else if (value === null) row[key] = null;
      else if (typeof value === 'string') row[key] = value;
      else row[key] = JSON.stringify(value);
    }
    level = inner;
  }
  return row;
}
