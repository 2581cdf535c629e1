// Blocks of cells as spreadsheets copy them: lines of values between tabs, where a value with a tab, a line break or a
// quote is quoted.

/** Matches a value and its end. A closing quote before the end of the value is part of the value. */
const cell = /(?:"((?:[^"]|"")*)"(?=[\t\r\n]|$)|([^\t\r\n]*))(\t|\r\n|\r|\n|$)/y;

/** Returns the rows of a block. The line break at the end of a spreadsheet's block adds no row. */
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

/** Writes rows as a block. */
export const writeBlock = (rows: readonly (readonly string[])[]): string =>
  rows
    .map((row) =>
      row.map((value) => (/["\t\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value)).join('\t'),
    )
    .join('\r\n');

/** The characters with which spreadsheets begin a formula, also in full width, and the apostrophe that marks text. */
const formula = /^['=+\-@\t\r\uFF1D\uFF0B\uFF0D\uFF20]/;

/** Escapes text for a spreadsheet: an apostrophe marks text that it would otherwise calculate or run. */
export const asTextCell = (text: string): string => (formula.test(text) ? `'${text}` : text);

/** Removes the escaping of `asTextCell`. */
export const fromTextCell = (cell: string): string =>
  cell.startsWith("'") && formula.test(cell.slice(1)) ? cell.slice(1) : cell;
