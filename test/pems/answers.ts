import type { GridRow } from '../../src/pems/grid.ts';

/** An answer of PEMS by hand. */
export type Shape = (rows: Readonly<GridRow>[], more: boolean) => unknown;

/** The shape DATA_ONLY; where a list has one entry, that entry stands alone, as PEMS gives it. */
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
