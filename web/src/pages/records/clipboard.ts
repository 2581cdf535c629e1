// Blocks of cells as spreadsheets put them onto the clipboard: lines of values between tabs, a value with a tab, a line
// break or a quote in quotes.

/** A value, and what ends it. Quotes that do not end where the value does are part of it. */
const cell = /(?:"((?:[^"]|"")*)"(?=[\t\r\n]|$)|([^\t\r\n]*))(\t|\r\n|\r|\n|$)/y;

/** The rows of a block. The line break that spreadsheets put at its end makes no row of its own. */
export function parseBlock(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  cell.lastIndex = 0;
  for (;;) {
    const [, quoted, bare = '', end = ''] = cell.exec(text) ?? [];
    row.push(quoted?.replaceAll('""', '"') ?? bare);
    if (end === '\t') continue;
    rows.push(row);
    if (end === '' || cell.lastIndex === text.length) return rows;
    row = [];
  }
}

/** The other way round. */
export const writeBlock = (rows: readonly (readonly string[])[]): string =>
  rows
    .map((row) =>
      row.map((value) => (/["\t\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value)).join('\t'),
    )
    .join('\r\n');

/** What a spreadsheet takes for a formula, also in full width; and the sign by which one writes a text of it. */
const formula = /^['=+\-@\t\r\uFF1D\uFF0B\uFF0D\uFF20]/;

/** A text for a cell of a spreadsheet: what it would calculate, or run, is marked as text by an apostrophe. */
export const asTextCell = (text: string): string => (formula.test(text) ? `'${text}` : text);

/** The other way round. */
export const fromTextCell = (cell: string): string =>
  cell.startsWith("'") && formula.test(cell.slice(1)) ? cell.slice(1) : cell;
