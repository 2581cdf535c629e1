import { formatDate, formatDateToEdit, parseDate } from '../format/dates.ts';
import { formatDecimalToEdit, formatDifference, formatMoney, parseDecimal } from '../format/numbers.ts';
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

const looksLike = { date: /^\d{4}-\d\d-\d\d$/, amount: /^-?\d+(\.\d+)?$/ };

/** A value as it is shown. What is no date or amount, because the server has not looked at it yet, is shown as it is. */
export function formatValue({ kind }: Pick<ColumnDefinition, 'kind'>, value: Value): string {
  if (value === null || value === '') return '';
  if (typeof value === 'boolean') return value ? 'Yes' : 'No';
  switch (kind) {
    case 'date':
      return looksLike.date.test(value) ? formatDate(value) : value;
    case 'money':
      return looksLike.amount.test(value) ? formatMoney(value) : value;
    case 'difference':
      return looksLike.amount.test(value) ? formatDifference(value) : value;
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
  if (kind === 'date' && looksLike.date.test(value)) return formatDateToEdit(value);
  if (kind === 'money' && looksLike.amount.test(value)) return formatDecimalToEdit(value);
  return value;
}

/** What somebody has written, for the server, which says what is wrong with it; nothing empties. */
export function parseEdited({ kind }: Pick<ColumnDefinition, 'kind'>, text: string): Value {
  const written = text.trim();
  if (written === '') return null;
  if (kind === 'date') return parseDate(written) ?? written;
  if (kind === 'money') return parseDecimal(written) ?? written;
  if (kind === 'flag') return written === 'true' ? true : written === 'false' ? false : written;
  return written;
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
