import { queryOptions } from '@tanstack/react-query';
import { graphql } from '../api/graphql.ts';
import { send } from '../api/http.ts';
import { withToken } from '../session/session.ts';

export const meDocument = graphql(`
  query Me {
    viewer {
      id
      username
      firstName
      lastName
      email
    }
    organizations(first: 1000, orderBy: CODE_ASC) {
      nodes {
        id
        code
        name
        myRole
      }
    }
  }
`);

export const workCountsDocument = graphql(`
  query WorkCounts($organizationId: Int!) {
    organization(id: $organizationId) {
      myDrafts(first: 1) {
        totalCount
      }
      pending: pfaRecords(first: 1, filter: { isPending: { equalTo: true } }) {
        totalCount
      }
      problems: pfaRecords(first: 1, filter: { hasProblem: { equalTo: true } }) {
        totalCount
      }
    }
  }
`);

export const requestSyncDocument = graphql(`
  mutation RequestSync($organizationId: Int!) {
    requestSync(input: { organizationId: $organizationId }) {
      syncLog {
        id
        state
      }
    }
  }
`);

/** How fresh the mirror of an organization is, as `GET /api/sync/status` tells it. */
export interface Freshness {
  id: number;
  organization: string;
  lastSyncedAt: string | null;
  /** Rows of the last full run: how many there are. */
  lastRowsRead: number | null;
  notice: string | null;
  /** The latest run. */
  run: {
    id: number;
    kind: 'full' | 'incremental';
    state: 'queued' | 'running' | 'succeeded' | 'failed';
    rowsRead: number;
    requestedAt: string;
    startedAt: string | null;
    finishedAt: string | null;
    error: { code: string; message: string; hint: string | null } | null;
  } | null;
}

/** Of all organizations. Ends and beginnings of runs are told by the subscription; this also ages without them. */
export const freshnessQuery = queryOptions({
  queryKey: ['SyncStatus'] as const,
  queryFn: ({ signal }) =>
    withToken((token) => send<{ organizations: Freshness[] }>('/api/sync/status', { token, signal })),
  refetchInterval: 60_000,
});
