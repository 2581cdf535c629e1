import type { PfaSelectionInput } from '../../api/generated/graphql.ts';

/** Which drafts are chosen: all but some, also of pages that were never loaded, or only some. */
export interface Chosen {
  isAll: boolean;
  except: ReadonlySet<string>;
}

export const everything: Chosen = { isAll: true, except: new Set() };
export const nothing: Chosen = { isAll: false, except: new Set() };

export const isChosen = ({ isAll, except }: Chosen, id: string): boolean => except.has(id) !== isAll;

export function toggle(chosen: Chosen, id: string): Chosen {
  const except = new Set(chosen.except);
  if (!except.delete(id)) except.add(id);
  return { ...chosen, except };
}

/** The same for the server. All of them is said as such: that is not what is known here, but what there is. */
export function selectionOf({ isAll, except }: Chosen): PfaSelectionInput | null {
  if (!isAll) return { recordIds: [...except] };
  if (except.size === 0) return null;
  return { filter: { hasDraft: { equalTo: true }, not: { pfaId: { in: [...except] } } } };
}
