import { dimensionNames, flags, given, validateFilter, words, type Filter } from '../../filter/filter.ts';

/** What the records page shows, as it is in the address. */
export interface RecordsView extends Filter {
  sort?: string;
  columns?: string;
}

/** Takes from an address what is a view; whatever else is in it is left out. */
export const validateRecordsView = (search: Record<string, unknown>): RecordsView => ({
  ...validateFilter(search),
  ...given<Pick<RecordsView, 'sort' | 'columns'>>({
    sort: words(search.sort),
    columns: words(search.columns),
  }),
});

/** Which fields of a record decide whether it is in the list, and where. */
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
