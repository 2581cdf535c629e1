import { given, keyOf, textThat, type Search } from '../../filter/address.ts';
import { dimensions, validateFilter, type Dimension, type Filter } from '../../filter/filter.ts';

/** The board's view, as the address holds it. No total counts discontinued records, so the board has no such filter. */
export interface BoardView extends Omit<Filter, 'discontinued'> {
  /** Dimension of the groups; category by default. */
  by?: Dimension;
  /** Shows the difference that drafts make, instead of both layers. */
  show?: 'difference';
  /** Sort of the groups, e.g. `variance.desc`. */
  sort?: string;
  /** Shows cumulative costs instead of monthly costs. */
  cost?: 'cumulative';
  /** Shows the months as a table instead of a chart. */
  months?: 'table';
}

const only = <T extends string>(value: unknown, known: T): T | undefined =>
  value === known ? known : undefined;

/** Reads the view from an address. */
export const validateBoardView = (search: Search): BoardView => ({
  ...filterOfView(validateFilter(search)),
  ...given<Pick<BoardView, 'by' | 'show' | 'sort' | 'cost' | 'months'>>({
    by: keyOf(dimensions)(search.by),
    show: only(search.show, 'difference'),
    sort: textThat(isSort)(search.sort),
    cost: only(search.cost, 'cumulative'),
    months: only(search.months, 'table'),
  }),
});

/** Returns the part of the view that other pages accept. */
export function filterOfView(view: Filter & BoardView): Filter {
  const {
    by: _by,
    show: _show,
    sort: _sort,
    cost: _cost,
    months: _months,
    discontinued: _,
    ...filter
  } = view;
  return filter;
}

/** Amounts of the columns, by their API names. */
export const amounts = [
  ['planCost', 'Plan'],
  ['forecastCost', 'Forecast'],
  ['actualCost', 'Actual'],
] as const;

export const sortKeys = {
  name: 'Name',
  recordCount: 'Records',
  planCost: 'Plan',
  forecastCost: 'Forecast',
  actualCost: 'Actual',
  variance: 'Variance',
} as const;
export type SortKey = keyof typeof sortKeys;

export interface Sort {
  key: SortKey;
  isDescending: boolean;
}

const first: Sort = { key: 'forecastCost', isDescending: true };

/** Reads a sort from the address; by default, the highest costs come first. */
export function readSort(text: string | undefined): Sort {
  const [key = '', direction] = (text ?? '').split('.');
  const known = keyOf(sortKeys)(key);
  return known ? { key: known, isDescending: direction === 'desc' } : first;
}

const isSort = (text: string): boolean =>
  /^[^.]+(\.desc)?$/.test(text) && keyOf(sortKeys)(text.split('.')[0]) !== undefined;

export const writeSort = ({ key, isDescending }: Sort): string | undefined =>
  key === first.key && isDescending ? undefined : `${key}${isDescending ? '.desc' : ''}`;
