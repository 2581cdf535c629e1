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

export const acceptRunDocument = graphql(`
  mutation AcceptRun($organizationId: Int!, $runId: BigInt!) {
    acceptRun(input: { organizationId: $organizationId, runId: $runId }) {
      syncLog {
        id
        acceptedAt
      }
    }
  }
`);

/** Why a run was not merged, and what it would change. */
export interface Withheld {
  reasons: { code: string; key: string | null; message: string }[];
  preview: {
    added: number;
    changed: number;
    rejected: number;
    missing: number;
    columns: { key: string; changed: number; emptied: number }[];
  };
  acceptedAt: string | null;
}

/** How fresh the mirror of an organization is, as `GET /api/sync/status` tells it. */
export interface Freshness {
  id: number;
  organization: string;
  lastSyncedAt: string | null;
  /** Rows of the last full run: how many there are. */
  lastRowsRead: number | null;
  notice: string | null;
  /** Columns that the grid of PEMS no longer has; their values are as old as that. */
  missingColumns: { alias: string; keys: string[]; lastSeenAt: string }[];
  /** What last changed in the header of the grid, within a week. */
  columnChanges: {
    at: string;
    came: { alias: string; keys: string[] }[];
    went: { alias: string; keys: string[] }[];
    retyped: { alias: string; keys: string[]; type: string; was: string }[];
  } | null;
  /** Values that the runs since the last full one could not read; their records keep the last that could be. */
  rejectedFields: {
    key: string;
    alias: string | null;
    count: number;
    samples: { recordId: string; value: string }[];
  }[];
  /** The latest run. */
  run: {
    id: number;
    kind: 'full' | 'incremental';
    state: 'queued' | 'running' | 'succeeded' | 'withheld' | 'failed';
    rowsRead: number;
    requestedAt: string;
    startedAt: string | null;
    finishedAt: string | null;
    error: { code: string; message: string; hint: string | null } | null;
    withheld: Withheld | null;
  } | null;
}

/** Of all organizations. Ends and beginnings of runs are told by the subscription; this also ages without them. */
export const freshnessQuery = queryOptions({
  queryKey: ['SyncStatus'] as const,
  queryFn: ({ signal }) =>
    withToken((token) => send<{ organizations: Freshness[] }>('/api/sync/status', { token, signal })),
  refetchInterval: 60_000,
});
