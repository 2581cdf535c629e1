import {
  editability,
  formatToEdit,
  formatValue,
  readValue,
  valueOf,
  type Field,
} from '../../records/cells.ts';
import { parseBlock, writeBlock } from './clipboard.ts';
import type { Column } from '../../records/columns.ts';
import type { Row } from '../../records/row.ts';
import type { Reading } from '../../format/reading.ts';
import { isSame, whyNotSaved, type EditQueue, type NewEdit, type Value } from '../../records/edits.ts';
import type { LeftOut, Pasted } from './PasteReport.tsx';
import type { RecordList } from './recordList.ts';

/** As many records as are saved at once. */
const most = 5000;

interface Target {
  list: RecordList;
  columns: readonly Column[];
  fields: ReadonlyMap<string, Field>;
  edits: EditQueue;
  canEdit: boolean;
}

/**
 * Puts a block of a spreadsheet into the cells from this one on to the right and down, in one step that can be undone.
 * What cannot be put where it would go is left out and told, cell by cell; the rest is saved.
 */
export async function paste(
  text: string,
  from: { row: number; column: number },
  { list, columns, fields, edits, canEdit }: Target,
): Promise<Pasted> {
  const block = parseBlock(text);
  const cells = block.reduce((sum, row) => sum + row.length, 0);
  const pasted: Pasted = { cells, unchanged: 0, leftOut: [] };
  const leaveOut = (recordId: string, column: string, value: string, why: string) =>
    pasted.leftOut.push({ recordId, column, value, why } satisfies LeftOut);

  const rows = block.slice(0, most);
  const last = Math.min(from.row + rows.length, list.total ?? 0) - 1;
  const ids = await list.idsBetween(from.row, last);
  const changes: NewEdit[] = [];
  block.forEach((values, i) => {
    const id = ids[i];
    const row = id === undefined ? undefined : list.get(id);
    values.forEach((value, j) => {
      const column = columns[from.column + j];
      const name = column?.label ?? `${j + 1}. of the block`;
      if (!row) {
        const why = i >= most ? `A block has at most ${most} rows.` : 'The list has no more rows.';
        leaveOut(`Row ${i + 1} of the block`, name, value, why);
        return;
      }
      if (!column) {
        leaveOut(row.pfaId, name, value, 'There are no more columns.');
        return;
      }
      const seen = valueOf(row, column);
      // The same in another way of writing, as a copied cell has it, is no change.
      const field = fields.get(column.key);
      const reading: Reading<Value> =
        value === formatValue(column, seen)
          ? { value: seen }
          : readValue(column, value, field?.allowedValues);
      const parsed = 'value' in reading ? reading.value : value;
      if (isSame(parsed, seen)) {
        pasted.unchanged++;
        return;
      }
      const { isEditable, reason } = editability(field, row, canEdit);
      if (!isEditable) leaveOut(row.pfaId, column.label, value, reason ?? 'It cannot be edited.');
      else if ('problem' in reading) leaveOut(row.pfaId, column.label, value, reading.problem);
      else
        changes.push({
          ...{ recordId: row.pfaId, key: column.key, value: parsed, seen, revision: row.revision },
          isAmount: column.kind === 'money',
        });
    });
  });
  if (changes.length === 0) return pasted;

  const refused = await edits.submitBlock(changes);
  for (const edit of refused) {
    const { recordId, key, value } = edit;
    const column = columns.find((one) => one.key === key);
    const shown = column ? formatValue(column, value) : String(value);
    leaveOut(recordId, column?.label ?? key, shown, whyNotSaved(edit));
  }
  edits.drop(...refused);
  return pasted;
}

/** Rows as a block: what is shown, in a way that is read again. */
export const copyOf = (rows: readonly Row[], columns: readonly Column[]): string =>
  writeBlock(rows.map((row) => columns.map((column) => formatToEdit(column, valueOf(row, column)))));
