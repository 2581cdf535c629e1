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

/** As many records as one paste changes. */
const most = 5000;

interface Target {
  list: RecordList;
  columns: readonly Column[];
  fields: ReadonlyMap<string, Field>;
  edits: EditQueue;
  canEdit: boolean;
}

export interface PasteOptions {
  /** The rows that are selected, if the paste begins in one of them: a block that fits into them fills them. */
  selected?: readonly string[] | undefined;
  /** Takes back what is not saved yet. */
  signal?: AbortSignal;
  /** Hears how many of how many cells are decided. */
  onProgress?: (decided: number, of: number) => void;
}

/**
 * Puts a block of a spreadsheet into the cells from this one on to the right and down, in one step that can be undone. A
 * block whose rows fit into the selected ones fills all of them, as spreadsheets do. Rows are judged one by one: what
 * cannot be put where it would go is left out and told, cell by cell; the rest is saved.
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

/** Cells of text are escaped where a spreadsheet would calculate them. */
const isText = ({ kind }: Pick<ColumnDefinition, 'kind'>) =>
  kind === 'text' || kind === 'id' || kind === 'status';

/** The same in another way of writing, as a copied cell has it, is no change. */
function readCell(column: Column, field: Field | undefined, written: string, seen: Value): Reading<Value> {
  if (written === formatValue(column, seen)) return { value: seen };
  return readValue(column, isText(column) ? fromTextCell(written) : written, field);
}

/** Rows as a block: what is shown, in a way that is read again, and that a spreadsheet takes for values. */
export const copyOf = (rows: readonly Row[], columns: readonly Column[]): string =>
  writeBlock(
    rows.map((row) =>
      columns.map((column) => {
        const text = formatToEdit(column, valueOf(row, column));
        return isText(column) ? asTextCell(text) : text;
      }),
    ),
  );
