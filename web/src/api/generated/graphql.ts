/* eslint-disable */
/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { DocumentTypeDecoration } from '@graphql-typed-document-node/core';
/** What kind of event it is. */
export type OrganizationEventKind =
  /** What became of what you committed, and of problems in your drafts: `commits`. */
  | 'COMMITS'
  /** The first one: from now on everything is told. Load what you need, or ask `recordsChangedSince` with the revision that you know. */
  | 'READY'
  /** Records that you watch changed for you: `records`. */
  | 'RECORDS'
  /** Something was not told: it was too much, you were too slow, or the database was restarted. Ask `recordsChangedSince` with the revision that you know. */
  | 'RESYNC'
  /** A run of the sync began, has read more rows, or ended: `sync`. */
  | 'SYNC';

export type OrganizationEventsSubscriptionVariables = Exact<{
  organizationId: number;
}>;


export type OrganizationEventsSubscription = { organizationEvents: { kind: OrganizationEventKind, revision: string | null, sync: { runId: string, state: string, rowsRead: number, errorCode: string | null } | null, commits: Array<{ id: string, recordId: string, state: string }> | null, records: Array<{ recordId: string, revision: string }> | null } | null };

export type MeQueryVariables = Exact<{ [key: string]: never; }>;


export type MeQuery = { viewer: { id: number, username: string, firstName: string | null, lastName: string | null, email: string | null } | null, organizations: { nodes: Array<{ id: number, code: string, name: string, myRole: string | null } | null> } | null };

export type WorkCountsQueryVariables = Exact<{
  organizationId: number;
}>;


export type WorkCountsQuery = { organization: { myDrafts: { totalCount: number }, pending: { totalCount: number }, problems: { totalCount: number } } | null };

export type RequestSyncMutationVariables = Exact<{
  organizationId: number;
}>;


export type RequestSyncMutation = { requestSync: { syncLog: { id: string, state: string } | null } | null };

export type BoardQueryVariables = Exact<{
  organizationId: number;
}>;


export type BoardQuery = { organization: { kpis: { recordCount: string, actualizedCount: string, discontinuedCount: string } | null, bounds: { forecastStart: string | null, forecastEnd: string | null } | null, seen: { nodes: Array<{ groupValue: string | null, recordCount: string | null, planCost: string, forecastCost: string, actualCost: string, variance: string } | null> }, mirror: { nodes: Array<{ groupValue: string | null, recordCount: string | null, planCost: string, forecastCost: string, actualCost: string, variance: string } | null> }, seenBySource: { nodes: Array<{ groupValue: string | null, recordCount: string | null, planCost: string, forecastCost: string, actualCost: string, variance: string } | null> }, mirrorBySource: { nodes: Array<{ groupValue: string | null, recordCount: string | null, planCost: string, forecastCost: string, actualCost: string, variance: string } | null> } } | null };

export type CostsFragment = { groupValue: string | null, recordCount: string | null, planCost: string, forecastCost: string, actualCost: string, variance: string };

export class TypedDocumentString<TResult, TVariables>
  extends String
  implements DocumentTypeDecoration<TResult, TVariables>
{
  __apiType?: NonNullable<DocumentTypeDecoration<TResult, TVariables>['__apiType']>;
  private value: string;
  public __meta__?: Record<string, any> | undefined;

  constructor(value: string, __meta__?: Record<string, any> | undefined) {
    super(value);
    this.value = value;
    this.__meta__ = __meta__;
  }

  override toString(): string & DocumentTypeDecoration<TResult, TVariables> {
    return this.value;
  }
}
export const CostsFragmentDoc = new TypedDocumentString(`
    fragment Costs on PfaSum {
  groupValue
  recordCount
  planCost
  forecastCost
  actualCost
  variance
}
    `, {"fragmentName":"Costs"}) as unknown as TypedDocumentString<CostsFragment, unknown>;
export const OrganizationEventsDocument = new TypedDocumentString(`
    subscription OrganizationEvents($organizationId: Int!) {
  organizationEvents(organizationId: $organizationId) {
    kind
    revision
    sync {
      runId
      state
      rowsRead
      errorCode
    }
    commits {
      id
      recordId
      state
    }
    records {
      recordId
      revision
    }
  }
}
    `) as unknown as TypedDocumentString<OrganizationEventsSubscription, OrganizationEventsSubscriptionVariables>;
export const MeDocument = new TypedDocumentString(`
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
    `) as unknown as TypedDocumentString<MeQuery, MeQueryVariables>;
export const WorkCountsDocument = new TypedDocumentString(`
    query WorkCounts($organizationId: Int!) {
  organization(id: $organizationId) {
    myDrafts(first: 1) {
      totalCount
    }
    pending: pfaRecords(first: 1, filter: {isPending: {equalTo: true}}) {
      totalCount
    }
    problems: pfaRecords(first: 1, filter: {hasProblem: {equalTo: true}}) {
      totalCount
    }
  }
}
    `) as unknown as TypedDocumentString<WorkCountsQuery, WorkCountsQueryVariables>;
export const RequestSyncDocument = new TypedDocumentString(`
    mutation RequestSync($organizationId: Int!) {
  requestSync(input: {organizationId: $organizationId}) {
    syncLog {
      id
      state
    }
  }
}
    `) as unknown as TypedDocumentString<RequestSyncMutation, RequestSyncMutationVariables>;
export const BoardDocument = new TypedDocumentString(`
    query Board($organizationId: Int!) {
  organization(id: $organizationId) {
    kpis {
      recordCount
      actualizedCount
      discontinuedCount
    }
    bounds {
      forecastStart
      forecastEnd
    }
    seen: sums {
      nodes {
        ...Costs
      }
    }
    mirror: sums(layer: mirror) {
      nodes {
        ...Costs
      }
    }
    seenBySource: sums(groupBy: source) {
      nodes {
        ...Costs
      }
    }
    mirrorBySource: sums(groupBy: source, layer: mirror) {
      nodes {
        ...Costs
      }
    }
  }
}
    fragment Costs on PfaSum {
  groupValue
  recordCount
  planCost
  forecastCost
  actualCost
  variance
}`) as unknown as TypedDocumentString<BoardQuery, BoardQueryVariables>;