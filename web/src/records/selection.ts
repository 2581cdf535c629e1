import type { PfaSelectionInput } from '../api/generated/graphql.ts';
import { filterOf, selectionOf, type Filter } from '../filter/filter.ts';

/** Selected records: a set of ids, or all that match the filter except some. */
export interface Selection {
  readonly kind: 'these' | 'allBut';
  readonly ids: ReadonlySet<string>;
}

export const nothing: Selection = { kind: 'these', ids: new Set() };
export const everything: Selection = { kind: 'allBut', ids: new Set() };

export const isSelected = ({ kind, ids }: Selection, id: string): boolean =>
  ids.has(id) === (kind === 'these');

/** Returns the selection with or without these records. */
export function withRecords(selection: Selection, records: readonly string[], isIn: boolean): Selection {
  const ids = new Set(selection.ids);
  const named = isIn === (selection.kind === 'these');
  for (const id of records) {
    if (named) ids.add(id);
    else ids.delete(id);
  }
  return { kind: selection.kind, ids };
}

export const toggle = (selection: Selection, id: string): Selection =>
  withRecords(selection, [id], !isSelected(selection, id));

/** True if all records are selected, including those not loaded. */
export const isEverything = ({ kind, ids }: Selection): boolean => kind === 'allBut' && ids.size === 0;

/** Number of selected records in a list of the given length. */
export const sizeOf = ({ kind, ids }: Selection, total: number): number =>
  kind === 'these' ? ids.size : Math.max(total - ids.size, 0);

/** State of the checkbox in the heading. */
export function extentOf(selection: Selection, total: number): 'none' | 'some' | 'all' {
  const size = sizeOf(selection, total);
  return size === 0 ? 'none' : size === total ? 'all' : 'some';
}

/** Returns the selection for the API. */
export function inputOf({ kind, ids }: Selection, filter: Filter): PfaSelectionInput {
  if (kind === 'these') return { recordIds: [...ids] };
  if (ids.size === 0) return selectionOf(filter);
  const without = { not: { pfaId: { in: [...ids] } } };
  const narrowed = filterOf(filter);
  return {
    filter: Object.keys(narrowed).length > 0 ? { and: [narrowed, without] } : without,
    ...(filter.q ? { search: filter.q } : {}),
  };
}
