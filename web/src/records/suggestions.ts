import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { query } from '../api/graphql.ts';
import { useOrganization } from '../app/organization.tsx';
import { referenceListsDocument, suggestionsDocument, unlistedValuesDocument } from './documents.ts';

/** A value of a list in PEMS. */
export interface Suggestion {
  code: string;
  /** The category of a class, the manufacturer of a model; empty for other entries. */
  parent: string;
  description: string;
}

/** Values of the record that narrow its lists. */
export interface SuggestionContext {
  category?: string | null;
  manufacturer?: string | null;
}

/** Debounce of typing, in milliseconds. */
const debounceMs = 120;
const fresh = 5 * 60_000;

const listed: ReadonlySet<string> = new Set(['category', 'class', 'manufacturer', 'model', 'equipment']);

/** Returns the list of PEMS for a field; undefined if there is none, or if it is empty. */
export function useReferenceList(field: string): { entryCount: number; checkMode: string } | undefined {
  const { organization } = useOrganization();
  const { data } = useQuery({
    ...query(referenceListsDocument, { organizationId: organization.id }),
    enabled: listed.has(field),
    staleTime: fresh,
  });
  const found = data?.organization?.referenceLists.nodes.find((one) => one?.list === field);
  return found?.entryCount
    ? { entryCount: found.entryCount, checkMode: found.checkMode ?? 'off' }
    : undefined;
}

/**
 * Returns the entries of a list that match a text, while the user types. Keeps the entries of the previous text until
 * the new ones have loaded.
 */
export function useSuggestions(
  field: string,
  search: string,
  { category, manufacturer }: SuggestionContext,
  isWanted: boolean,
) {
  const { organization } = useOrganization();
  const [settled] = useDebouncedValue(search, debounceMs);
  const { data, isError, isPending, isPlaceholderData, refetch } = useQuery({
    ...query(suggestionsDocument, {
      organizationId: organization.id,
      list: field,
      search: settled.slice(0, 200),
      category: category ?? '',
      manufacturer: manufacturer ?? '',
    }),
    enabled: isWanted,
    placeholderData: keepPreviousData,
    staleTime: fresh,
  });
  const nodes = data?.organization?.suggestions.nodes;
  const entries = useMemo(() => (nodes ?? []).filter((one) => one !== null), [nodes]);
  return { entries, isError, isPending, isSettled: settled === search && !isPlaceholderData, refetch };
}

/** The user's drafted values that PEMS does not list, with the nearest entries, by record and key. */
export type Unlisted = ReadonlyMap<string, ReadonlyMap<string, readonly string[]>>;

export function useUnlistedValues(): Unlisted {
  const { organization } = useOrganization();
  const { data } = useQuery({
    ...query(unlistedValuesDocument, { organizationId: organization.id }),
    staleTime: 0,
  });
  const nodes = data?.organization?.unlistedValues.nodes;
  return useMemo(() => {
    const byRecord = new Map<string, Map<string, readonly string[]>>();
    for (const one of nodes ?? []) {
      if (!one?.recordId || !one.key) continue;
      const keys = byRecord.get(one.recordId) ?? new Map<string, readonly string[]>();
      keys.set(
        one.key,
        (one.suggestions ?? []).filter((code) => code !== null),
      );
      byRecord.set(one.recordId, keys);
    }
    return byRecord;
  }, [nodes]);
}
