import { given, keyOf, textThat, type Search } from '../../filter/address.ts';
import { dimensions, validateFilter, type Dimension, type Filter } from '../../filter/filter.ts';

/** What the board shows, as it is in the address. Discontinued records count in no sum: they are no part of it. */
export interface BoardView extends Omit<Filter, 'discontinued'> {
  /** What the costs are grouped by; by category where nothing is said. */
  by?: Dimension;
  /** What my drafts change, instead of both layers. */
  show?: 'difference';
  /** Of the groups, e.g. `variance.desc`. */
  sort?: string;
  /** Months added up, instead of each for itself. */
  cost?: 'cumulative';
  /** Months in figures, instead of drawn. */
  months?: 'table';
}

const only = <T extends string>(value: unknown, known: T): T | undefined =>
  value === known ? known : undefined;

/** Takes from an address what is a view. */
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

/** What can be taken along to another page. */
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

/** What stands in the columns of figures, as the API calls it. */
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

/** How a sort is written in an address; by itself what costs most comes first. */
export function readSort(text: string | undefined): Sort {
  const [key = '', direction] = (text ?? '').split('.');
  const known = keyOf(sortKeys)(key);
  return known ? { key: known, isDescending: direction === 'desc' } : first;
}

const isSort = (text: string): boolean =>
  /^[^.]+(\.desc)?$/.test(text) && keyOf(sortKeys)(text.split('.')[0]) !== undefined;

export const writeSort = ({ key, isDescending }: Sort): string | undefined =>
  key === first.key && isDescending ? undefined : `${key}${isDescending ? '.desc' : ''}`;
