import { formatDate, formatDateToEdit } from '../format/dates.ts';
import {
  centsOf,
  formatCount,
  formatDecimalToEdit,
  formatDifference,
  formatMoney,
  type Decimal,
} from '../format/numbers.ts';
import { readAmount } from '../format/readAmount.ts';
import { readDate } from '../format/readDate.ts';
import { readFlag } from '../format/readFlag.ts';
import type { Reading } from '../format/reading.ts';
import { asValue, type Value } from './value.ts';
import type { ColumnDefinition } from './columns.ts';
import type { Row } from './row.ts';

/** Rules of the API for a field: whether and within which limits users may edit it. */
export interface Field {
  key: string;
  kind: string;
  description: string;
  allowedValues: (string | null)[] | null;
  isEditable: boolean;
  editableWhenActualized: boolean;
  /** For dates: the first and last valid day. */
  earliest?: string | null;
  latest?: string | null;
  /** For amounts in USD: the largest valid amount. */
  largest?: string | null;
  /** For texts: the maximum number of characters. */
  maxLength?: number | null;
}

export const valueOf = (row: Row, { key }: Pick<ColumnDefinition, 'key'>): Value =>
  key === 'status' ? null : asValue(row[key]);

const isAmount = (value: string) => /^-?\d+(\.\d+)?$/.test(value);

/** Formats a value for display. Returns an invalid date or amount unchanged. */
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

/** Formats a value for an editor. */
export function formatToEdit({ kind }: Pick<ColumnDefinition, 'kind'>, value: Value): string {
  if (value === null) return '';
  if (typeof value === 'boolean') return String(value);
  if (kind === 'date') return formatDateToEdit(value);
  if (kind === 'money' && isAmount(value)) return formatDecimalToEdit(value);
  return value;
}

/**
 * Reads the text that a user types or pastes into a field; cells, pasted blocks and forms all use it. An empty text
 * means no value. Choices ignore case. The server checks the field's limits again.
 */
export function readValue(
  { kind }: Pick<ColumnDefinition, 'kind'>,
  text: string,
  field?: Field,
): Reading<Value> {
  const written = text.trim();
  if (written === '') return { value: null };
  switch (kind) {
    case 'date':
      return within(readDate(written), (day) => dayProblem(day, field));
    case 'money':
      return within(readAmount(written), (amount) => amountProblem(amount, field));
    case 'flag':
      return readFlag(written);
    case 'difference':
    case 'id':
    case 'status':
    case 'text': {
      const choices = field?.allowedValues?.filter((one) => one !== null);
      if (!choices)
        return within({ value: written }, ({ length }) =>
          length > (field?.maxLength ?? Infinity)
            ? `Enter at most ${formatCount(field?.maxLength ?? 0)} characters.`
            : undefined,
        );
      const choice = choices.find((one) => one.toLowerCase() === written.toLowerCase());
      return choice === undefined ? { problem: `Choose ${formatChoices(choices)}.` } : { value: choice };
    }
  }
}

/** Returns the reading, or a problem with its value. */
function within<T>(reading: Reading<T>, problemOf: (value: T) => string | undefined): Reading<T> {
  if ('problem' in reading) return reading;
  const problem = problemOf(reading.value);
  return problem === undefined ? reading : { problem };
}

function dayProblem(day: string, { earliest, latest }: Partial<Field> = {}): string | undefined {
  if (earliest && day < earliest) return `Enter a date on or after ${formatDate(earliest)}.`;
  if (latest && day > latest) return `Enter a date on or before ${formatDate(latest)}.`;
  return undefined;
}

function amountProblem(amount: Decimal, { largest }: Partial<Field> = {}): string | undefined {
  if (centsOf(amount) < 0n) return 'Enter an amount of 0 or more.';
  if (largest && centsOf(amount) > centsOf(largest))
    return `Enter an amount of at most ${formatMoney(largest)}.`;
  return undefined;
}

const formatChoices = (choices: readonly string[]) =>
  new Intl.ListFormat('en', { type: 'disjunction' }).format(choices);

/** Returns whether a cell may be edited, and if not, the reason. */
export function editability(
  field: Field | undefined,
  row: Row,
  canEdit: boolean,
): { isEditable: boolean; reason?: string } {
  if (!canEdit) return { isEditable: false, reason: 'View only' };
  if (!field) return { isEditable: false, reason: 'This value is calculated.' };
  if (!field.isEditable) return { isEditable: false, reason: 'This value is set in PEMS.' };
  if (field.editableWhenActualized && !row.isActualized)
    return { isEditable: false, reason: 'You can edit this once the record is on site.' };
  if (row.removedAt !== null) return { isEditable: false, reason: 'This record was removed from PEMS.' };
  return { isEditable: true };
}

const baseOf = (row: Row) => row.base as Record<string, unknown> | null;
export const isDrafted = (row: Row, key: string): boolean => {
  const base = baseOf(row);
  return base !== null && key in base;
};
export const baseValue = (row: Row, key: string): Value => asValue(baseOf(row)?.[key]);
