import { queryOptions } from '@tanstack/react-query';
import { request } from '../../api/graphql.ts';
import { asValues, sortedKeys } from '../../records/FieldValue.tsx';
import { problemDraftsDocument, problemIdsDocument } from './documents.ts';

/** A problem that keeps one value of a draft from being submitted. */
export interface Problem {
  key: string;
  kind: string;
  /** The value when it was drafted, the current value below the draft, and the drafted value. */
  base: unknown;
  theirs: unknown;
  mine: unknown;
  /** Message of PEMS, or of the push about PEMS. */
  message: string | undefined;
}

export interface ProblemRecord {
  pfaId: string;
  revision: string;
  problems: Problem[];
}

export interface Problems {
  /** Number of records with problems. */
  total: number;
  /** Revision of the organization at the time of the query. */
  revision: string;
  records: ProblemRecord[];
}

export const pageSize = 25;

/** The drafts with problems, one page of records at a time. */
export const problemsQuery = (organizationId: number, page: number) =>
  queryOptions({
    queryKey: ['Problems', { organizationId, page }] as const,
    queryFn: async ({ signal }): Promise<Problems> => {
      const { organization } = await request(
        problemIdsDocument,
        { organizationId, first: pageSize, offset: (page - 1) * pageSize },
        signal,
      );
      const recordIds = (organization?.pfaRecords.nodes ?? []).flatMap((node) => node?.pfaId ?? []);
      const drafts =
        recordIds.length === 0
          ? []
          : ((
              await request(
                problemDraftsDocument,
                { organizationId, recordIds, first: recordIds.length },
                signal,
              )
            ).organization?.myDrafts.nodes ?? []);
      return {
        total: organization?.pfaRecords.totalCount ?? 0,
        revision: organization?.revision ?? '0',
        records: drafts.flatMap((draft): ProblemRecord[] => {
          if (!draft?.record) return [];
          const [problems, base, delta, current] = [
            asValues(draft.problems),
            asValues(draft.base),
            asValues(draft.delta),
            asValues(draft.current),
          ];
          const keys = sortedKeys(problems);
          // The problem was resolved between the two queries.
          if (keys.length === 0) return [];
          return [
            {
              pfaId: draft.pfaId,
              revision: draft.record.revision,
              problems: keys.map((key) => {
                const { kind, message } = asValues(problems[key]);
                return {
                  key,
                  kind: typeof kind === 'string' ? kind : '',
                  base: base[key],
                  theirs: current[key],
                  mine: delta[key],
                  message: typeof message === 'string' ? message : undefined,
                };
              }),
            },
          ];
        }),
      };
    },
    staleTime: 0,
  });

/** Interface text for each kind of problem. */
export const explanations: Record<string, { title: string; what: string; todo: string }> = {
  conflict: {
    title: 'Conflict',
    what: 'Another user changed this value after you drafted it.',
    todo: 'Choose a value.',
  },
  refused: {
    title: 'Rejected by PEMS',
    what: 'PEMS rejected this change.',
    todo: 'Correct the value, or take the value in PEMS.',
  },
  altered: {
    title: 'Altered by PEMS',
    what: 'PEMS stored a different value.',
    todo: 'Choose a value.',
  },
  failed: {
    title: 'Not sent',
    what: 'PEMS couldn’t be reached for this record.',
    todo: 'Keep your value and submit again later.',
  },
  removed: {
    title: 'Removed from PEMS',
    what: 'This record was removed from PEMS.',
    todo: 'Discard your draft.',
  },
};
