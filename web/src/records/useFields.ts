import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { query } from '../api/graphql.ts';
import type { Field } from './cells.ts';
import { findColumn } from './columns.ts';
import { fieldsDocument } from './documents.ts';

/** Which fields may be edited and within which limits, by key. Empty until the server has responded. */
export function useFields(): ReadonlyMap<string, Field> {
  const { data } = useQuery({ ...query(fieldsDocument, {}), staleTime: Infinity });
  return useMemo(
    () =>
      new Map(
        (data?.pfaFields?.nodes ?? []).flatMap((field): [string, Field][] =>
          field && findColumn(field.key) ? [[field.key, field]] : [],
        ),
      ),
    [data],
  );
}
