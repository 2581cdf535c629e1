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

/** The reason why a run was withheld, and its changes. */
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

/** Freshness of the mirror of an organization, as in `GET /api/sync/status`. */
export interface Freshness {
  id: number;
  organization: string;
  lastSyncedAt: string | null;
  /** Number of rows of the last full run. */
  lastRowsRead: number | null;
  notice: string | null;
  /** Columns that the grid of PEMS no longer has; their values date from the last run that had them. */
  missingColumns: { alias: string; keys: string[]; lastSeenAt: string }[];
  /** Latest change in the header of the grid, if within a week. */
  columnChanges: {
    at: string;
    came: { alias: string; keys: string[] }[];
    went: { alias: string; keys: string[] }[];
    retyped: { alias: string; keys: string[]; type: string; was: string }[];
  } | null;
  /** Unreadable values of the runs since the last full one; the records keep their last readable value. */
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

/**
 * Freshness of all organizations. The subscription reports the start and end of runs; polling also updates the age.
 */
export const freshnessQuery = queryOptions({
  queryKey: ['SyncStatus'] as const,
  queryFn: ({ signal }) =>
    withToken((token) => send<{ organizations: Freshness[] }>('/api/sync/status', { token, signal })),
  refetchInterval: 60_000,
});
