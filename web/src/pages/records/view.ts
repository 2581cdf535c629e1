import { given, textThat, type Search } from '../../filter/address.ts';
import { dimensionNames, flags, validateFilter, type Filter } from '../../filter/filter.ts';
import { isSort, knownColumns } from '../../records/columns.ts';

/** The view of the records page, as the address holds it. */
export interface RecordsView extends Filter {
  sort?: string;
  columns?: string;
}

/** Reads the view from an address. */
export const validateRecordsView = (search: Search): RecordsView => ({
  ...validateFilter(search),
  ...given<Pick<RecordsView, 'sort' | 'columns'>>({
    sort: textThat(isSort)(search.sort),
    columns: typeof search.columns === 'string' ? knownColumns(search.columns) : undefined,
  }),
});

/** Returns the fields that decide whether a record is in the list, and its position. */
export function decidingFields(view: RecordsView, sortKey: string): Set<string> {
  const fields = new Set<string>([sortKey]);
  for (const name of dimensionNames) if (view[name]) fields.add(name === 'area' ? 'areaSilo' : name);
  for (const flag of view.flags ?? []) for (const field of Object.keys(flags[flag][1])) fields.add(field);
  if (view.startFrom ?? view.startTo) fields.add('forecastStart');
  if (view.endFrom ?? view.endTo) fields.add('forecastEnd');
  if (view.costFrom ?? view.costTo) fields.add('forecastCost');
  if (!view.discontinued) fields.add('isDiscontinued');
  return fields;
}
