import { formatValue } from './cells.ts';
import { allColumns, findColumn, type ColumnDefinition } from './columns.ts';
import { asValue } from './value.ts';
import classes from './FieldValue.module.css';

/** Values by key, as in drafts, commits and the history. */
export type Values = Readonly<Record<string, unknown>>;

/** Returns a JSON field of the API as values by key; empty if it is no object. */
export const asValues = (value: unknown): Values =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Values) : {};

/** Returns the label and kind of a key; an unknown key of PEMS has its own name as label. */
export const fieldOf = (key: string): Pick<ColumnDefinition, 'label' | 'kind'> =>
  findColumn(key) ?? { label: key, kind: 'text' };

const columnOrder: readonly string[] = allColumns.map(({ key }) => key);

/** Keys in the order of the columns, then all others. */
export function sortedKeys(values: Values): string[] {
  const place = (key: string) => {
    const at = columnOrder.indexOf(key);
    return at < 0 ? columnOrder.length : at;
  };
  return Object.keys(values).sort((a, b) => place(a) - place(b) || a.localeCompare(b));
}

/** A value of a record, formatted by its kind. */
export function FieldValue({ field, value }: { field: string; value: unknown }) {
  const text = formatValue(fieldOf(field), asValue(value));
  return text === '' ? <span className={classes.empty}>empty</span> : <>{text}</>;
}

/** An old and a new value. */
export function FieldChange({ field, from, to }: { field: string; from: unknown; to: unknown }) {
  return (
    <span className={classes.change}>
      <span className={classes.label}>{fieldOf(field).label}</span>{' '}
      <del className={classes.old}>
        <span className="visually-hidden">from </span>
        <FieldValue field={field} value={from} />
      </del>{' '}
      <span aria-hidden className={classes.arrow}>
        →
      </span>{' '}
      <ins className={classes.new}>
        <span className="visually-hidden">to </span>
        <FieldValue field={field} value={to} />
      </ins>
    </span>
  );
}
