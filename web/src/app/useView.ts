import { useMemo } from 'react';
import { leftOutOf, type LeftOut, type Search } from '../filter/address.ts';

/**
 * Returns the view that the address describes, and the parameters that are invalid. `search` is the unprocessed address
 * (`route.useSearch()`), because the router's own validation would let unknown parameters through.
 */
export function useView<View extends object>(
  search: Search,
  validate: (search: Search) => View,
): { view: View; leftOut: LeftOut[] } {
  return useMemo(() => {
    const view = validate(search);
    return { view, leftOut: leftOutOf(search, view as Search) };
  }, [search, validate]);
}
