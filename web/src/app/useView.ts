import { useMemo } from 'react';
import { leftOutOf, type LeftOut, type Search } from '../filter/address.ts';

/**
 * What the address asks a page to show, and what of it is left out because it means nothing. `search` is the address as it
 * stands (`route.useSearch()`): the router's own validation would let through what it has not recognised.
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
