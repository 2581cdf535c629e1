import { queryOptions } from '@tanstack/react-query';
import { request } from '../../api/graphql.ts';
import { asValues, sortedKeys } from '../../records/FieldValue.tsx';
import { problemDraftsDocument, problemIdsDocument } from './documents.ts';

/** What stands in the way of one key of a draft. */
export interface Problem {
  key: string;
  kind: string;
  /** What it was when it was drafted, what is under it now, and what it was drafted to be. */
  base: unknown;
  theirs: unknown;
  mine: unknown;
  /** Words of PEMS, or of push about it. */
  message: string | undefined;
}

export interface ProblemRecord {
  pfaId: string;
  revision: string;
  problems: Problem[];
}

export interface Problems {
  /** How many records there are in all. */
  total: number;
  /** Of the organization, when this was asked for. */
  revision: string;
  records: ProblemRecord[];
}

export const pageSize = 25;

/** The drafts that have a problem, a page of records at a time. */
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
          // It was settled between the two questions.
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

/** What happened, and what to do, by kind. */
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
