import type { GridPage } from '../../src/pems/grid.ts';
import type { MappedRecord, RecordMapper } from '../../src/pems/mapping.ts';

/** A row of PEMS by alias. */
export type Row = Record<string, string>;

/** Handmade responses of PEMS. */
export type Shape = (rows: Readonly<Row>[], more: boolean) => unknown;

/** Returns the rows of a page, each by alias. */
export function byAlias({ aliases, rows }: Pick<GridPage, 'aliases' | 'rows'>): Row[] {
  return rows.map((row) =>
    Object.fromEntries(
      aliases.flatMap((alias, place) => (row[place] === undefined ? [] : [[alias, row[place]]])),
    ),
  );
}

/** Converts a row by alias. */
export function mapRow(mapper: RecordMapper, row: Readonly<Row>): MappedRecord {
  return mapper.forAliases(Object.keys(row))(Object.values(row));
}

/** The shape DATA_ONLY. A list with one entry is that entry alone, as in PEMS. */
export const dataOnly: Shape = (rows, more) => {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const numbers = new Map(names.map((name, index) => [name, index + 1]));
  const grid: Record<string, unknown> = {
    METADATA: { CURRENTCURSORPOSITION: 0, MORERECORDPRESENT: more ? '+' : '-', RECORDS: rows.length },
  };
  if (rows.length > 0) {
    grid.FIELDS = { FIELD: alone(names.map((name, index) => ({ aliasnum: index + 1, name }))) };
    grid.DATA = {
      ROW: alone(
        rows.map((row, index) => ({
          id: String(index),
          D: alone(
            Object.entries(row).map(([name, value]) => ({ n: numbers.get(name), value: value || null })),
          ),
        })),
      ),
    };
  }
  return { Result: { ResultData: { GRID: grid } } };
};

/** The shape HEAD_DATA. */
export const headData: Shape = (rows, more) => ({
  Result: {
    ResultData: {
      DATARECORD: alone(
        rows.map((row) => ({
          DATAFIELD: alone(
            Object.entries(row).map(([name, value]) => ({
              FIELDNAME: name.toUpperCase(),
              FIELDLABEL: name,
              FIELDVALUE: value,
            })),
          ),
        })),
      ),
      CURRENTCURSORPOSITION: 0,
      NEXTCURSORPOSITION: more ? rows.length + 1 : 0,
    },
  },
});

function alone<T>(items: T[]): T | T[] {
  const [only] = items;
  return items.length === 1 && only !== undefined ? only : items;
}
