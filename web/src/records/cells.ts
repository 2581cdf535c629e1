import { formatDate, formatDateToEdit } from '../format/dates.ts';
import { formatDecimalToEdit, formatDifference, formatMoney } from '../format/numbers.ts';
import { readAmount } from '../format/readAmount.ts';
import { readDate } from '../format/readDate.ts';
import { readFlag } from '../format/readFlag.ts';
import type { Reading } from '../format/reading.ts';
import { asValue, type Value } from './edits.ts';
import type { ColumnDefinition } from './columns.ts';
import type { Row } from './row.ts';

/** What the API says of a key of a record: how it may be edited. */
export interface Field {
  key: string;
  kind: string;
  description: string;
  allowedValues: (string | null)[] | null;
  isEditable: boolean;
  editableWhenActualized: boolean;
}

export const valueOf = (row: Row, { key }: Pick<ColumnDefinition, 'key'>): Value =>
  key === 'status' ? null : asValue(row[key]);

const isAmount = (value: string) => /^-?\d+(\.\d+)?$/.test(value);

/** A value as it is shown. A text that is no date or amount is shown as it is. */
export function formatValue({ kind }: Pick<ColumnDefinition, 'kind'>, value: Value): string {
  if (value === null || value === '') return '';
  if (typeof value === 'boolean') return value ? 'Yes' : 'No';
  switch (kind) {
    case 'date':
      return formatDate(value);
    case 'money':
      return isAmount(value) ? formatMoney(value) : value;
    case 'difference':
      return isAmount(value) ? formatDifference(value) : value;
    case 'flag':
      return value === 'true' ? 'Yes' : value === 'false' ? 'No' : value;
    case 'id':
    case 'status':
    case 'text':
      return value;
  }
}

/** A value as it stands in an editor. */
export function formatToEdit({ kind }: Pick<ColumnDefinition, 'kind'>, value: Value): string {
  if (value === null) return '';
  if (typeof value === 'boolean') return String(value);
  if (kind === 'date') return formatDateToEdit(value);
  if (kind === 'money' && isAmount(value)) return formatDecimalToEdit(value);
  return value;
}

/**
 * Reads what a user types or pastes for a field: the one way for cells, pasted blocks and forms. An empty text is no value.
 * A choice may be written in another case than PEMS writes it.
 */
export function readValue(
  { kind }: Pick<ColumnDefinition, 'kind'>,
  text: string,
  choices: Field['allowedValues'] = null,
): Reading<Value> {
  const written = text.trim();
  if (written === '') return { value: null };
  switch (kind) {
    case 'date':
      return readDate(written);
    case 'money':
      return readAmount(written);
    case 'flag':
      return readFlag(written);
    case 'difference':
    case 'id':
    case 'status':
    case 'text': {
      const inAnyCase = (one: string | null) => one?.toLowerCase() === written.toLowerCase();
      return { value: choices?.find(inAnyCase) ?? written };
    }
  }
}

/** Whether a cell may be edited; otherwise why not. */
export function editability(
  field: Field | undefined,
  row: Row,
  canEdit: boolean,
): { isEditable: boolean; reason?: string } {
  if (!canEdit) return { isEditable: false, reason: 'You may read this organization, not change it.' };
  if (!field) return { isEditable: false, reason: 'This is computed.' };
  if (!field.isEditable) return { isEditable: false, reason: 'PEMS sets this; it cannot be edited.' };
  if (field.editableWhenActualized && !row.isActualized)
    return { isEditable: false, reason: 'This can be edited only once the record is on site.' };
  if (row.removedAt !== null) return { isEditable: false, reason: 'The record is gone from PEMS.' };
  return { isEditable: true };
}

const baseOf = (row: Row) => row.base as Record<string, unknown> | null;
export const isDrafted = (row: Row, key: string): boolean => {
  const base = baseOf(row);
  return base !== null && key in base;
};
export const baseValue = (row: Row, key: string): Value => asValue(baseOf(row)?.[key]);
