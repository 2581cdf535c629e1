import type { Reading } from '../../format/reading.ts';
import {
  editability,
  formatToEdit,
  formatValue,
  readValue,
  valueOf,
  type Field,
} from '../../records/cells.ts';
import { whyNotSaved, type EditQueue, type NewEdit } from '../../records/edits.ts';
import { isSame, type Value } from '../../records/value.ts';
import type { Column, ColumnDefinition } from '../../records/columns.ts';
import type { Row } from '../../records/row.ts';
import { asTextCell, fromTextCell, parseBlock, writeBlock } from './clipboard.ts';
import type { LeftOut, Pasted } from './PasteReport.tsx';
import type { RecordList } from './recordList.ts';

/** Maximum number of records that one paste changes. */
const most = 5000;

interface Target {
  list: RecordList;
  columns: readonly Column[];
  fields: ReadonlyMap<string, Field>;
  edits: EditQueue;
  canEdit: boolean;
}

export interface PasteOptions {
  /** The selected rows, if the paste starts in one of them; a block that fits is repeated to fill them. */
  selected?: readonly string[] | undefined;
  /** Aborting discards the values that are not saved yet. */
  signal?: AbortSignal;
  /** Receives the number of processed cells and the total. */
  onProgress?: (decided: number, of: number) => void;
}

/**
 * Pastes a block into the cells to the right of and below the first cell, as one operation that can be undone. A block
 * whose height divides the number of selected rows fills all of them, as in spreadsheets. Cells are checked row by row;
 * invalid ones are skipped and reported, the others are saved.
 */
export async function paste(
  text: string,
  from: { row: number; column: number },
  { list, columns, fields, edits, canEdit }: Target,
  { selected = [], signal, onProgress }: PasteOptions = {},
): Promise<Pasted> {
  const block = parseBlock(text);
  const fills = selected.length > 1 && selected.length % block.length === 0;
  const rows = fills ? selected.map((_, i) => block[i % block.length] ?? []) : block;
  const last = Math.min(from.row + Math.min(rows.length, most), list.total ?? 0) - 1;
  const ids = fills ? selected : await list.idsBetween(from.row, last);

  const pasted: Pasted = { cells: rows.reduce((sum, row) => sum + row.length, 0), unchanged: 0, leftOut: [] };
  const leaveOut = (recordId: string, column: string, value: string, why: string) =>
    pasted.leftOut.push({ recordId, column, value, why } satisfies LeftOut);
  const changes: NewEdit[] = [];
  rows.forEach((values, i) => {
    const id = i < most ? ids[i] : undefined;
    const row = id === undefined ? undefined : list.get(id);
    values.forEach((value, j) => {
      const column = columns[from.column + j];
      const name = column?.label ?? `Column ${j + 1} of the block`;
      if (!row) {
        const why = i >= most ? `At most ${most} rows can be pasted at once.` : 'The list has no more rows.';
        leaveOut(id ?? `Row ${i + 1} of the block`, name, value, why);
        return;
      }
      if (!column) {
        leaveOut(row.pfaId, name, value, 'The list has no more columns.');
        return;
      }
      const field = fields.get(column.key);
      const seen = valueOf(row, column);
      const reading = readCell(column, field, value, seen);
      const read = 'value' in reading ? reading.value : value;
      if (isSame(read, seen)) {
        pasted.unchanged++;
        return;
      }
      const { isEditable, reason } = editability(field, row, canEdit);
      if (!isEditable) leaveOut(row.pfaId, column.label, value, reason ?? 'This cell can’t be edited.');
      else if ('problem' in reading) leaveOut(row.pfaId, column.label, value, reading.problem);
      else
        changes.push({
          ...{ recordId: row.pfaId, key: column.key, value: read, seen, revision: row.revision },
          isAmount: column.kind === 'money',
        });
    });
  });
  if (changes.length === 0) return pasted;

  const left = await edits.submitBlock(changes, {
    ...(signal && { signal }),
    onProgress: (decided) => onProgress?.(decided, changes.length),
  });
  for (const edit of left) {
    const { recordId, key, value } = edit;
    const column = columns.find((one) => one.key === key);
    const shown = column ? formatValue(column, value) : String(value);
    leaveOut(recordId, column?.label ?? key, shown, whyNotSaved(edit));
  }
  edits.drop(...left);
  return pasted;
}

/** Text cells are escaped if a spreadsheet would calculate them. */
const isText = ({ kind }: Pick<ColumnDefinition, 'kind'>) =>
  kind === 'text' || kind === 'id' || kind === 'status';

/** The same value in another notation is no change. */
function readCell(column: Column, field: Field | undefined, written: string, seen: Value): Reading<Value> {
  if (written === formatValue(column, seen)) return { value: seen };
  return readValue(column, isText(column) ? fromTextCell(written) : written, field);
}

/** Returns rows as a block of displayed values that this app can read again and that spreadsheets accept as values. */
export const copyOf = (rows: readonly Row[], columns: readonly Column[]): string =>
  writeBlock(
    rows.map((row) =>
      columns.map((column) => {
        const text = formatToEdit(column, valueOf(row, column));
        return isText(column) ? asTextCell(text) : text;
      }),
    ),
  );
