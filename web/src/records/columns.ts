import type { PfaRecordOrderBy } from '../api/generated/graphql.ts';
import type { RowKey } from './row.ts';

export type ColumnKind = 'id' | 'status' | 'text' | 'date' | 'money' | 'difference' | 'flag';

export interface ColumnDefinition {
  key: RowKey | 'status';
  label: string;
  kind: ColumnKind;
  width: number;
  /** True if the column is visible by default. */
  isDefault?: true;
  /** The API's name for sorting by it, if it can be sorted. */
  order?: string;
}

export interface Column extends ColumnDefinition {
  /** Distance from the left edge, in pixels. */
  left: number;
}

const column = (
  key: ColumnDefinition['key'],
  label: string,
  kind: ColumnKind,
  width: number,
  more: Partial<ColumnDefinition> = {},
): ColumnDefinition => ({ key, label, kind, width, ...more });

/** All columns, in their default order. */
export const allColumns: readonly ColumnDefinition[] = [
  column('pfaId', 'Record', 'id', 180, { isDefault: true, order: 'PFA_ID' }),
  column('status', 'Status', 'status', 96, { isDefault: true }),
  column('category', 'Category', 'text', 150, { isDefault: true, order: 'CATEGORY' }),
  column('class', 'Class', 'text', 140, { isDefault: true, order: 'CLASS' }),
  column('areaSilo', 'Area', 'text', 86, { isDefault: true, order: 'AREA_SILO' }),
  column('source', 'Source', 'text', 88, { isDefault: true }),
  column('dor', 'DOR', 'text', 84, { isDefault: true }),
  column('forecastStart', 'Forecast start', 'date', 112, { isDefault: true, order: 'FORECAST_START' }),
  column('forecastEnd', 'Forecast end', 'date', 112, { isDefault: true, order: 'FORECAST_END' }),
  column('forecastCost', 'Forecast', 'money', 116, { isDefault: true, order: 'FORECAST_COST_CENTS' }),
  column('variance', 'Variance', 'difference', 126, { isDefault: true }),
  column('monthlyRate', 'Monthly rate', 'money', 110, { isDefault: true }),
  column('purchasePrice', 'Purchase price', 'money', 122, { isDefault: true }),
  column('planCost', 'Plan', 'money', 116, { isDefault: true }),
  column('actualCost', 'Actual', 'money', 132),
  column('originalStart', 'Plan start', 'date', 122),
  column('originalEnd', 'Plan end', 'date', 122),
  column('originalCategory', 'Plan category', 'text', 150),
  column('originalClass', 'Plan class', 'text', 140),
  column('originalSource', 'Plan source', 'text', 112),
  column('originalDor', 'Plan DOR', 'text', 100),
  column('originalMonthlyRate', 'Plan monthly rate', 'money', 144),
  column('originalPurchasePrice', 'Plan purchase price', 'money', 158),
  column('actualStart', 'Actual start', 'date', 122),
  column('actualEnd', 'Actual end', 'date', 122),
  column('manufacturer', 'Manufacturer', 'text', 140),
  column('model', 'Model', 'text', 140),
  column('contract', 'Contract', 'text', 130),
  column('equipment', 'Equipment', 'text', 130),
  column('isActualized', 'On site', 'flag', 90),
  column('isDiscontinued', 'Discontinued', 'flag', 120),
  column('isFundsTransferable', 'Funds transferable', 'flag', 150),
];

const byKey = new Map<string, ColumnDefinition>(allColumns.map((one) => [one.key, one]));
export const findColumn = (key: string): ColumnDefinition | undefined => byKey.get(key);

const narrowest = 60;
const widest = 600;
export const fitWidth = (width: number): number => Math.round(Math.min(Math.max(width, narrowest), widest));

/** Returns the columns that an address names, e.g. `pfaId,category:240`; the id always comes first. */
export function readColumns(text: string | undefined): Column[] {
  const wanted: ColumnDefinition[] = [];
  if (text === undefined) wanted.push(...allColumns.filter(({ isDefault }) => isDefault));
  else
    for (const part of ['pfaId', ...text.split(',')]) {
      const [key = '', width] = part.split(':');
      const found = byKey.get(key);
      if (!found) continue;
      const sized = width && /^\d+$/.test(width) ? { ...found, width: fitWidth(Number(width)) } : found;
      const at = wanted.findIndex((one) => one.key === key);
      if (at < 0) wanted.push(sized);
      else wanted[at] = sized;
    }
  let left = 0;
  return wanted.map((one) => {
    const placed = { ...one, left };
    left += one.width;
    return placed;
  });
}

/** Returns the valid columns of an address; undefined if there are none. */
export const knownColumns = (text: string): string | undefined =>
  text
    .split(',')
    .filter((part) => /^[^:]*(:\d+)?$/.test(part) && byKey.has(part.split(':')[0] ?? ''))
    .join() || undefined;

/** Writes columns for an address; undefined if they are the defaults. */
export function writeColumns(columns: readonly ColumnDefinition[]): string | undefined {
  const write = (list: readonly ColumnDefinition[]) =>
    list.map(({ key, width }) => (width === byKey.get(key)?.width ? key : `${key}:${width}`)).join();
  const text = write(columns);
  return text === write(readColumns(undefined)) ? undefined : text;
}

/** Returns the record fields that the columns need. */
export function fieldsOf(columns: readonly ColumnDefinition[]): Set<string> {
  const fields = new Set<string>(columns.map(({ key }) => key));
  // These fields narrow the suggestions.
  if (fields.has('class')) fields.add('category');
  if (fields.has('model')) fields.add('manufacturer');
  return fields;
}

/** Writes a sort for an address: `forecastEnd` or `forecastEnd.desc`. */
export interface Sort {
  key: string;
  isDescending: boolean;
}

export function readSort(text: string | undefined): Sort {
  const [key = '', direction] = (text ?? '').split('.');
  return byKey.get(key)?.order
    ? { key, isDescending: direction === 'desc' }
    : { key: 'pfaId', isDescending: false };
}

/** True if an address names an existing sort. */
export const isSort = (text: string): boolean =>
  /^[^.]+(\.desc)?$/.test(text) && byKey.get(text.split('.')[0] ?? '')?.order !== undefined;

export const writeSort = ({ key, isDescending }: Sort): string | undefined =>
  key === 'pfaId' && !isDescending ? undefined : `${key}${isDescending ? '.desc' : ''}`;

export const orderOf = ({ key, isDescending }: Sort): PfaRecordOrderBy =>
  `${byKey.get(key)?.order ?? 'PFA_ID'}_${isDescending ? 'DESC' : 'ASC'}` as PfaRecordOrderBy;
