import { formatValue } from './cells.ts';
import { allColumns, findColumn, type ColumnDefinition } from './columns.ts';
import { asValue } from './value.ts';
import classes from './FieldValue.module.css';

/** Values by key, as drafts, commits and the history have them. */
export type Values = Readonly<Record<string, unknown>>;

/** What a JSON field of the API holds where it is an object by key. */
export const asValues = (value: unknown): Values =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Values) : {};

/** How a key is shown; one that PEMS has added has its own name. */
export const fieldOf = (key: string): Pick<ColumnDefinition, 'label' | 'kind'> =>
  findColumn(key) ?? { label: key, kind: 'text' };

const columnOrder: readonly string[] = allColumns.map(({ key }) => key);

/** Keys in the order of the columns, others after them. */
export function sortedKeys(values: Values): string[] {
  const place = (key: string) => {
    const at = columnOrder.indexOf(key);
    return at < 0 ? columnOrder.length : at;
  };
  return Object.keys(values).sort((a, b) => place(a) - place(b) || a.localeCompare(b));
}

/** One value of a record, written by its kind. */
export function FieldValue({ field, value }: { field: string; value: unknown }) {
  const text = formatValue(fieldOf(field), asValue(value));
  return text === '' ? <span className={classes.empty}>empty</span> : <>{text}</>;
}

/** What became of a value. */
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
