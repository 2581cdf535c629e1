/* eslint-disable */
/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { DocumentTypeDecoration } from '@graphql-typed-document-node/core';
/** All input for the `applyBulk` mutation. */
export type ApplyBulkInput = {
  /**
   * An arbitrary string value with no semantic meaning. Will be included in the
   * payload verbatim. May be used to track mutations by the client.
   */
  clientMutationId?: string | null | undefined;
  operation?: PfaBulkOperationInput | null | undefined;
  organizationId?: number | null | undefined;
  previewToken?: string | null | undefined;
  selection?: PfaSelectionInput | null | undefined;
  skipRefused?: boolean | null | undefined;
};

/** A filter to be used against BigInt fields. All fields are combined with a logical ‘and.’ */
export type BigIntFilter = {
  /** Equal to the specified value. */
  equalTo?: string | null | undefined;
  /** Greater than the specified value. */
  greaterThan?: string | null | undefined;
  /** Greater than or equal to the specified value. */
  greaterThanOrEqualTo?: string | null | undefined;
  /** Included in the specified list. */
  in?: Array<string> | null | undefined;
  /** Is null (if `true` is specified) or is not null (if `false` is specified). */
  isNull?: boolean | null | undefined;
  /** Less than the specified value. */
  lessThan?: string | null | undefined;
  /** Less than or equal to the specified value. */
  lessThanOrEqualTo?: string | null | undefined;
  /** Not equal to the specified value. */
  notEqualTo?: string | null | undefined;
};

/** A filter to be used against Boolean fields. All fields are combined with a logical ‘and.’ */
export type BooleanFilter = {
  /** Equal to the specified value. */
  equalTo?: boolean | null | undefined;
  /** Greater than the specified value. */
  greaterThan?: boolean | null | undefined;
  /** Greater than or equal to the specified value. */
  greaterThanOrEqualTo?: boolean | null | undefined;
  /** Included in the specified list. */
  in?: Array<boolean> | null | undefined;
  /** Is null (if `true` is specified) or is not null (if `false` is specified). */
  isNull?: boolean | null | undefined;
  /** Less than the specified value. */
  lessThan?: boolean | null | undefined;
  /** Less than or equal to the specified value. */
  lessThanOrEqualTo?: boolean | null | undefined;
  /** Not equal to the specified value. */
  notEqualTo?: boolean | null | undefined;
};

/** A filter to be used against Date fields. All fields are combined with a logical ‘and.’ */
export type DateFilter = {
  /** Equal to the specified value. */
  equalTo?: string | null | undefined;
  /** Greater than the specified value. */
  greaterThan?: string | null | undefined;
  /** Greater than or equal to the specified value. */
  greaterThanOrEqualTo?: string | null | undefined;
  /** Included in the specified list. */
  in?: Array<string> | null | undefined;
  /** Is null (if `true` is specified) or is not null (if `false` is specified). */
  isNull?: boolean | null | undefined;
  /** Less than the specified value. */
  lessThan?: string | null | undefined;
  /** Less than or equal to the specified value. */
  lessThanOrEqualTo?: string | null | undefined;
  /** Not equal to the specified value. */
  notEqualTo?: string | null | undefined;
};

/** All input for the `discardDrafts` mutation. */
export type DiscardDraftsInput = {
  /**
   * An arbitrary string value with no semantic meaning. Will be included in the
   * payload verbatim. May be used to track mutations by the client.
   */
  clientMutationId?: string | null | undefined;
  keys?: Array<string | null | undefined> | null | undefined;
  organizationId?: number | null | undefined;
  recordIds?: Array<string | null | undefined> | null | undefined;
};

/** A filter to be used against Int fields. All fields are combined with a logical ‘and.’ */
export type IntFilter = {
  /** Equal to the specified value. */
  equalTo?: number | null | undefined;
  /** Greater than the specified value. */
  greaterThan?: number | null | undefined;
  /** Greater than or equal to the specified value. */
  greaterThanOrEqualTo?: number | null | undefined;
  /** Included in the specified list. */
  in?: Array<number> | null | undefined;
  /** Is null (if `true` is specified) or is not null (if `false` is specified). */
  isNull?: boolean | null | undefined;
  /** Less than the specified value. */
  lessThan?: number | null | undefined;
  /** Less than or equal to the specified value. */
  lessThanOrEqualTo?: number | null | undefined;
  /** Not equal to the specified value. */
  notEqualTo?: number | null | undefined;
};

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

/** An input for mutations affecting `PfaBulkOperation` */
export type PfaBulkOperationInput = {
  /** Moves the end of the forecast by this number of days, but never before its start. For an actualized record, moves the actual end. */
  durationDays?: number | null | undefined;
  /** `true` sets the dates of the forecast to those of the plan. Refused for actualized records and records without a plan. */
  resetToPlan?: boolean | null | undefined;
  /** Values to set, by key, such as `{"category": "Cranes"}`. */
  set?: unknown;
  /** Shifts both dates of the forecast by this number of days. For an actualized record, shifts the actual end. */
  shiftDays?: number | null | undefined;
};

/** A filter to be used against `PfaCommit` object types. All fields are combined with a logical ‘and.’ */
export type PfaCommitFilter = {
  /** Checks for all expressions in this list. */
  and?: Array<PfaCommitFilter> | null | undefined;
  /** Filter by the object’s `id` field. */
  id?: BigIntFilter | null | undefined;
  /** Negates the expression. */
  not?: PfaCommitFilter | null | undefined;
  /** Checks for any expressions in this list. */
  or?: Array<PfaCommitFilter> | null | undefined;
  /** Filter by the object’s `pfaId` field. */
  pfaId?: StringFilter | null | undefined;
  /** Filter by the object’s `state` field. */
  state?: StringFilter | null | undefined;
  /** Filter by the object’s `userId` field. */
  userId?: IntFilter | null | undefined;
};

/** Property that groups the totals. */
export type PfaDimension =
  | 'area'
  | 'category'
  | 'class'
  | 'dor'
  | 'month'
  | 'source';

/** An input for mutations affecting `PfaDraftItem` */
export type PfaDraftItemInput = {
  /** Keys with their new values, such as `{"forecastEnd": "2026-05-01"}`. */
  changes: unknown;
  /** The record. */
  recordId: string;
  /** Revision of the record that you saw. */
  revision: string;
};

/** A filter to be used against `PfaRecord` object types. All fields are combined with a logical ‘and.’ */
export type PfaRecordFilter = {
  /** Checks for all expressions in this list. */
  and?: Array<PfaRecordFilter> | null | undefined;
  /** Filter by the object’s `areaSilo` field. */
  areaSilo?: StringFilter | null | undefined;
  /** Filter by the object’s `category` field. */
  category?: StringFilter | null | undefined;
  /** Filter by the object’s `class` field. */
  class?: StringFilter | null | undefined;
  /** Filter by the object’s `dor` field. */
  dor?: StringFilter | null | undefined;
  /** Filter by the object’s `forecastCostCents` field. */
  forecastCostCents?: BigIntFilter | null | undefined;
  /** Filter by the object’s `forecastEnd` field. */
  forecastEnd?: DateFilter | null | undefined;
  /** Filter by the object’s `forecastStart` field. */
  forecastStart?: DateFilter | null | undefined;
  /** Filter by the object’s `hasDraft` field. */
  hasDraft?: BooleanFilter | null | undefined;
  /** Filter by the object’s `hasProblem` field. */
  hasProblem?: BooleanFilter | null | undefined;
  /** Filter by the object’s `isActualized` field. */
  isActualized?: BooleanFilter | null | undefined;
  /** Filter by the object’s `isDiscontinued` field. */
  isDiscontinued?: BooleanFilter | null | undefined;
  /** Filter by the object’s `isFundsTransferable` field. */
  isFundsTransferable?: BooleanFilter | null | undefined;
  /** Filter by the object’s `isPending` field. */
  isPending?: BooleanFilter | null | undefined;
  /** Negates the expression. */
  not?: PfaRecordFilter | null | undefined;
  /** Checks for any expressions in this list. */
  or?: Array<PfaRecordFilter> | null | undefined;
  /** Filter by the object’s `pfaId` field. */
  pfaId?: StringFilter | null | undefined;
  /** Filter by the object’s `source` field. */
  source?: StringFilter | null | undefined;
};

/** Methods to use when ordering `PfaRecord`. */
export type PfaRecordOrderBy =
  | 'AREA_SILO_ASC'
  | 'AREA_SILO_DESC'
  | 'CATEGORY_ASC'
  | 'CATEGORY_DESC'
  | 'CLASS_ASC'
  | 'CLASS_DESC'
  | 'FORECAST_COST_CENTS_ASC'
  | 'FORECAST_COST_CENTS_DESC'
  | 'FORECAST_END_ASC'
  | 'FORECAST_END_DESC'
  | 'FORECAST_START_ASC'
  | 'FORECAST_START_DESC'
  | 'NATURAL'
  | 'PFA_ID_ASC'
  | 'PFA_ID_DESC'
  | 'PRIMARY_KEY_ASC'
  | 'PRIMARY_KEY_DESC';

/** An input for mutations affecting `PfaResolution` */
export type PfaResolutionInput = {
  /** `mine`: your value replaces the current one. `theirs`: the current value stays, and your draft of the key is discarded. `value`: a third value. */
  choice: string;
  /** Keys to resolve; omit them to resolve all keys with a problem. Give exactly one with `value`. */
  keys?: Array<string | null | undefined> | null | undefined;
  /** The record. */
  recordId: string;
  /** Revision of the record that you saw. */
  revision: string;
  /** Third value, with the choice `value`. */
  value?: unknown;
};

/** An input for mutations affecting `PfaSelection` */
export type PfaSelectionInput = {
  /** Records whose data contain this object, as `foundRecords` finds them. */
  containing?: unknown;
  /** `true` selects all records. Do not combine it with other conditions. */
  everything?: boolean | null | undefined;
  /** Records that match this filter of the list. */
  filter?: PfaRecordFilter | null | undefined;
  /** These records, at most 20,000. Unknown ids are skipped. */
  recordIds?: Array<string | null | undefined> | null | undefined;
  /** Records that contain every word of this text, as `foundRecords` finds them. */
  search?: string | null | undefined;
};

/** All input for the `saveDrafts` mutation. */
export type SaveDraftsInput = {
  /**
   * An arbitrary string value with no semantic meaning. Will be included in the
   * payload verbatim. May be used to track mutations by the client.
   */
  clientMutationId?: string | null | undefined;
  continues?: string | null | undefined;
  items?: Array<PfaDraftItemInput | null | undefined> | null | undefined;
  organizationId?: number | null | undefined;
};

/** A filter to be used against String fields. All fields are combined with a logical ‘and.’ */
export type StringFilter = {
  /** Equal to the specified value. */
  equalTo?: string | null | undefined;
  /** Greater than the specified value. */
  greaterThan?: string | null | undefined;
  /** Greater than or equal to the specified value. */
  greaterThanOrEqualTo?: string | null | undefined;
  /** Included in the specified list. */
  in?: Array<string> | null | undefined;
  /** Is null (if `true` is specified) or is not null (if `false` is specified). */
  isNull?: boolean | null | undefined;
  /** Less than the specified value. */
  lessThan?: string | null | undefined;
  /** Less than or equal to the specified value. */
  lessThanOrEqualTo?: string | null | undefined;
  /** Not equal to the specified value. */
  notEqualTo?: string | null | undefined;
};

export type OrganizationEventsSubscriptionVariables = Exact<{
  organizationId: number;
}>;


export type OrganizationEventsSubscription = { organizationEvents: { kind: OrganizationEventKind, revision: string | null, sync: { runId: string, state: string, rowsRead: number, errorCode: string | null } | null, commits: Array<{ id: string, recordId: string, state: string }> | null, records: Array<{ recordId: string, revision: string }> | null } | null };

export type MyTakeoversQueryVariables = Exact<{
  organizationId: number;
}>;


export type MyTakeoversQuery = { organization: { takeovers: { nodes: Array<{ id: string, takenByName: string | null, isDiscarded: boolean, recordCount: number, recordIds: Array<string | null>, takenAt: string, seenAt: string | null } | null> } } | null };

export type DismissTakeoversMutationVariables = Exact<{
  organizationId: number;
}>;


export type DismissTakeoversMutation = { dismissTakeovers: { dismissed: number | null } | null };

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

export type AcceptRunMutationVariables = Exact<{
  organizationId: number;
  runId: string;
}>;


export type AcceptRunMutation = { acceptRun: { syncLog: { id: string, acceptedAt: string | null } | null } | null };

export type RecordFacetQueryVariables = Exact<{
  organizationId: number;
  selection?: PfaSelectionInput | null | undefined;
  groupBy: PfaDimension;
}>;


export type RecordFacetQuery = { organization: { sums: { nodes: Array<{ groupValue: string | null, recordCount: string | null } | null> } } | null };

export type BoardQueryVariables = Exact<{
  organizationId: number;
  selection: PfaSelectionInput;
}>;


export type BoardQuery = { organization: { kpis: { recordCount: string, actualizedCount: string } | null, bounds: { forecastStart: string | null, forecastEnd: string | null } | null, seen: { nodes: Array<{ groupValue: string | null, recordCount: string | null, planCost: string, forecastCost: string, actualCost: string, variance: string } | null> }, mirror: { nodes: Array<{ groupValue: string | null, recordCount: string | null, planCost: string, forecastCost: string, actualCost: string, variance: string } | null> }, seenBySource: { nodes: Array<{ groupValue: string | null, recordCount: string | null, planCost: string, forecastCost: string, actualCost: string, variance: string } | null> }, mirrorBySource: { nodes: Array<{ groupValue: string | null, recordCount: string | null, planCost: string, forecastCost: string, actualCost: string, variance: string } | null> } } | null };

export type CostsFragment = { groupValue: string | null, recordCount: string | null, planCost: string, forecastCost: string, actualCost: string, variance: string };

export type CostsByGroupQueryVariables = Exact<{
  organizationId: number;
  selection: PfaSelectionInput;
  groupBy: PfaDimension;
}>;


export type CostsByGroupQuery = { organization: { seen: { pageInfo: { hasNextPage: boolean }, nodes: Array<{ groupValue: string | null, recordCount: string | null, planCost: string, forecastCost: string, actualCost: string, variance: string } | null> }, mirror: { nodes: Array<{ groupValue: string | null, recordCount: string | null, planCost: string, forecastCost: string, actualCost: string, variance: string } | null> } } | null };

export type CostsByMonthQueryVariables = Exact<{
  organizationId: number;
  selection: PfaSelectionInput;
}>;


export type CostsByMonthQuery = { organization: { seen: { nodes: Array<{ groupValue: string | null, planCost: string, forecastCost: string, actualCost: string, variance: string } | null> }, mirror: { nodes: Array<{ groupValue: string | null, planCost: string, forecastCost: string, actualCost: string, variance: string } | null> } } | null };

export type MonthCostsFragment = { groupValue: string | null, planCost: string, forecastCost: string, actualCost: string, variance: string };

export type MyDraftsQueryVariables = Exact<{
  organizationId: number;
  first: number;
  offset: number;
}>;


export type MyDraftsQuery = { organization: { myDrafts: { totalCount: number, nodes: Array<{ id: string, pfaId: string, base: unknown, delta: unknown, problems: unknown, planCostChange: string, forecastCostChange: string, actualCostChange: string } | null> } } | null };

export type MyDraftTotalsQueryVariables = Exact<{
  organizationId: number;
  selection?: PfaSelectionInput | null | undefined;
}>;


export type MyDraftTotalsQuery = { organization: { myDraftTotals: { recordCount: number, keyCount: number, problemCount: number, planCostChange: string, forecastCostChange: string, actualCostChange: string } | null } | null };

export type MyDraftIdsQueryVariables = Exact<{
  organizationId: number;
  after?: string | null | undefined;
}>;


export type MyDraftIdsQuery = { organization: { myDrafts: { pageInfo: { hasNextPage: boolean, endCursor: string | null }, nodes: Array<{ pfaId: string } | null> } } | null };

export type DiscardReviewedMutationVariables = Exact<{
  organizationId: number;
  recordIds?: Array<string | null | undefined> | string | null | undefined;
}>;


export type DiscardReviewedMutation = { discardDrafts: { discarded: number | null, query: { organization: { myOperations: { nodes: Array<{ id: string, kind: string } | null> } } | null } | null } | null };

export type CommitDraftsMutationVariables = Exact<{
  organizationId: number;
  selection?: PfaSelectionInput | null | undefined;
  comment?: string | null | undefined;
}>;


export type CommitDraftsMutation = { commitDrafts: { result: { recordCount: number, keyCount: number, refused: unknown } | null } | null };

export type LastCommitQueryVariables = Exact<{
  organizationId: number;
  me: number;
}>;


export type LastCommitQuery = { organization: { last: { nodes: Array<{ id: string } | null> }, open: { totalCount: number } } | null };

export type CommittedSinceQueryVariables = Exact<{
  organizationId: number;
  me: number;
  since: string;
}>;


export type CommittedSinceQuery = { organization: { commits: { totalCount: number } } | null };

export type CommitProgressQueryVariables = Exact<{
  organizationId: number;
  me: number;
  since: string;
}>;


export type CommitProgressQuery = { organization: { waiting: { totalCount: number }, writing: { totalCount: number }, confirmed: { totalCount: number }, problems: { totalCount: number }, pushStatus: { state: string, uncertainCount: number, pausedAt: string | null, pausedBy: string | null, breakerOpenedAt: string | null, breakerMessage: string | null, nextProbeAt: string | null } | null } | null };

export type CommitsQueryVariables = Exact<{
  organizationId: number;
  filter?: PfaCommitFilter | null | undefined;
  first: number;
  offset: number;
}>;


export type CommitsQuery = { organization: { commits: { totalCount: number, nodes: Array<{ id: string, pfaId: string, username: string | null, isMine: boolean, state: string, delta: unknown, base: unknown, comment: string | null, attempts: number, committedAt: string, retryAt: string | null, settledAt: string | null } | null> } } | null };

export type WithdrawCommitsMutationVariables = Exact<{
  organizationId: number;
  ids?: Array<string | null | undefined> | string | null | undefined;
}>;


export type WithdrawCommitsMutation = { withdrawCommits: { result: { recordCount: number, refused: unknown } | null } | null };

export type ProblemIdsQueryVariables = Exact<{
  organizationId: number;
  first: number;
  offset: number;
}>;


export type ProblemIdsQuery = { organization: { revision: string, pfaRecords: { totalCount: number, nodes: Array<{ pfaId: string } | null> } } | null };

export type ProblemDraftsQueryVariables = Exact<{
  organizationId: number;
  recordIds: Array<string> | string;
  first: number;
}>;


export type ProblemDraftsQuery = { organization: { myDrafts: { nodes: Array<{ id: string, pfaId: string, base: unknown, delta: unknown, current: unknown, problems: unknown, record: { revision: string } | null } | null> } } | null };

export type ResolveProblemsMutationVariables = Exact<{
  organizationId: number;
  resolutions: Array<PfaResolutionInput | null | undefined> | PfaResolutionInput;
}>;


export type ResolveProblemsMutation = { resolveProblems: { result: { recordCount: number, keyCount: number, operationId: string | null } | null } | null };

export type ResolveAllProblemsMutationVariables = Exact<{
  organizationId: number;
  choice: string;
  revision: string;
}>;


export type ResolveAllProblemsMutation = { resolveAllProblems: { result: { recordCount: number, keyCount: number, operationId: string | null, refused: unknown } | null } | null };

export type DraftAuthorsQueryVariables = Exact<{
  organizationId: number;
}>;


export type DraftAuthorsQuery = { organization: { draftAuthors: { nodes: Array<{ userId: number, username: string, isMember: boolean, recordCount: number, problemCount: number, updatedAt: string, lastActiveAt: string, isAway: boolean } | null> } } | null };

export type TakeOverDraftsMutationVariables = Exact<{
  organizationId: number;
  userId: number;
}>;


export type TakeOverDraftsMutation = { takeOverDrafts: { taken: number | null } | null };

export type DiscardDraftsOfMutationVariables = Exact<{
  organizationId: number;
  userId: number;
}>;


export type DiscardDraftsOfMutation = { discardDraftsOf: { discarded: number | null } | null };

export type RecordPageQueryVariables = Exact<{
  organizationId: number;
  filter?: PfaRecordFilter | null | undefined;
  orderBy: Array<PfaRecordOrderBy> | PfaRecordOrderBy;
  first: number;
  after?: string | null | undefined;
  offset?: number | null | undefined;
  withCount: boolean;
}>;


export type RecordPageQuery = { organization: { page: { totalCount?: number, pageInfo: { endCursor: string | null }, nodes: Array<{ pfaId: string, revision: string, base: unknown, hasDraft: boolean, hasProblem: boolean, isPending: boolean, isActualized: boolean, removedAt: string | null, areaSilo: string | null, category: string | null, class: string | null, source: string | null, dor: string | null, monthlyRate: string | null, purchasePrice: string | null, manufacturer: string | null, model: string | null, contract: string | null, equipment: string | null, originalCategory: string | null, originalClass: string | null, originalSource: string | null, originalDor: string | null, originalMonthlyRate: string | null, originalPurchasePrice: string | null, originalStart: string | null, originalEnd: string | null, forecastStart: string | null, forecastEnd: string | null, actualStart: string | null, actualEnd: string | null, isDiscontinued: boolean, isFundsTransferable: boolean, planCost: string, forecastCost: string, actualCost: string, variance: string } | null> } } | null };

export type RecordRowFragment = { pfaId: string, revision: string, base: unknown, hasDraft: boolean, hasProblem: boolean, isPending: boolean, isActualized: boolean, removedAt: string | null, areaSilo: string | null, category: string | null, class: string | null, source: string | null, dor: string | null, monthlyRate: string | null, purchasePrice: string | null, manufacturer: string | null, model: string | null, contract: string | null, equipment: string | null, originalCategory: string | null, originalClass: string | null, originalSource: string | null, originalDor: string | null, originalMonthlyRate: string | null, originalPurchasePrice: string | null, originalStart: string | null, originalEnd: string | null, forecastStart: string | null, forecastEnd: string | null, actualStart: string | null, actualEnd: string | null, isDiscontinued: boolean, isFundsTransferable: boolean, planCost: string, forecastCost: string, actualCost: string, variance: string };

export type FoundRecordPageQueryVariables = Exact<{
  organizationId: number;
  search: string;
  filter?: PfaRecordFilter | null | undefined;
  orderBy: Array<PfaRecordOrderBy> | PfaRecordOrderBy;
  first: number;
  after?: string | null | undefined;
  offset?: number | null | undefined;
  withCount: boolean;
}>;


export type FoundRecordPageQuery = { organization: { page: { totalCount?: number, pageInfo: { endCursor: string | null }, nodes: Array<{ pfaId: string, revision: string, base: unknown, hasDraft: boolean, hasProblem: boolean, isPending: boolean, isActualized: boolean, removedAt: string | null, areaSilo: string | null, category: string | null, class: string | null, source: string | null, dor: string | null, monthlyRate: string | null, purchasePrice: string | null, manufacturer: string | null, model: string | null, contract: string | null, equipment: string | null, originalCategory: string | null, originalClass: string | null, originalSource: string | null, originalDor: string | null, originalMonthlyRate: string | null, originalPurchasePrice: string | null, originalStart: string | null, originalEnd: string | null, forecastStart: string | null, forecastEnd: string | null, actualStart: string | null, actualEnd: string | null, isDiscontinued: boolean, isFundsTransferable: boolean, planCost: string, forecastCost: string, actualCost: string, variance: string } | null> } } | null };

export type RecordsQueryVariables = Exact<{
  organizationId: number;
  recordIds: Array<string> | string;
  first: number;
}>;


export type RecordsQuery = { organization: { pfaRecords: { nodes: Array<{ pfaId: string, revision: string, base: unknown, hasDraft: boolean, hasProblem: boolean, isPending: boolean, isActualized: boolean, removedAt: string | null, areaSilo: string | null, category: string | null, class: string | null, source: string | null, dor: string | null, monthlyRate: string | null, purchasePrice: string | null, manufacturer: string | null, model: string | null, contract: string | null, equipment: string | null, originalCategory: string | null, originalClass: string | null, originalSource: string | null, originalDor: string | null, originalMonthlyRate: string | null, originalPurchasePrice: string | null, originalStart: string | null, originalEnd: string | null, forecastStart: string | null, forecastEnd: string | null, actualStart: string | null, actualEnd: string | null, isDiscontinued: boolean, isFundsTransferable: boolean, planCost: string, forecastCost: string, actualCost: string, variance: string } | null> } } | null };

export type RecordsChangedSinceQueryVariables = Exact<{
  organizationId: number;
  revision: string;
  after?: string | null | undefined;
}>;


export type RecordsChangedSinceQuery = { organization: { recordsChangedSince: { isComplete: boolean, revision: string, nextAfter: string | null, records: Array<{ recordId: string, revision: string } | null> } } | null };

export type RecordSumsQueryVariables = Exact<{
  organizationId: number;
  selection?: PfaSelectionInput | null | undefined;
}>;


export type RecordSumsQuery = { organization: { seen: { nodes: Array<{ recordCount: string | null, planCost: string, forecastCost: string, actualCost: string, variance: string } | null> }, mirror: { nodes: Array<{ recordCount: string | null, planCost: string, forecastCost: string, actualCost: string, variance: string } | null> } } | null };

export type RecordCostsFragment = { recordCount: string | null, planCost: string, forecastCost: string, actualCost: string, variance: string };

export type MyOperationsQueryVariables = Exact<{
  organizationId: number;
}>;


export type MyOperationsQuery = { organization: { myOperations: { nodes: Array<{ id: string, kind: string, recordCount: number, undoneAt: string | null } | null> } } | null };

export type SaveDraftsMutationVariables = Exact<{
  input: SaveDraftsInput;
  organizationId: number;
  selection?: PfaSelectionInput | null | undefined;
  recordIds: Array<string> | string;
  first: number;
  withRows: boolean;
}>;


export type SaveDraftsMutation = { saveDrafts: { result: { operationId: string | null, revisions: unknown } | null, query: { organization: { seen: { nodes: Array<{ recordCount: string | null, planCost: string, forecastCost: string, actualCost: string, variance: string } | null> }, mirror: { nodes: Array<{ recordCount: string | null, planCost: string, forecastCost: string, actualCost: string, variance: string } | null> }, pfaRecords?: { nodes: Array<{ pfaId: string, revision: string, base: unknown, hasDraft: boolean, hasProblem: boolean, isPending: boolean, isActualized: boolean, removedAt: string | null, areaSilo: string | null, category: string | null, class: string | null, source: string | null, dor: string | null, monthlyRate: string | null, purchasePrice: string | null, manufacturer: string | null, model: string | null, contract: string | null, equipment: string | null, originalCategory: string | null, originalClass: string | null, originalSource: string | null, originalDor: string | null, originalMonthlyRate: string | null, originalPurchasePrice: string | null, originalStart: string | null, originalEnd: string | null, forecastStart: string | null, forecastEnd: string | null, actualStart: string | null, actualEnd: string | null, isDiscontinued: boolean, isFundsTransferable: boolean, planCost: string, forecastCost: string, actualCost: string, variance: string } | null> } } | null } | null } | null };

export type DiscardDraftsMutationVariables = Exact<{
  input: DiscardDraftsInput;
}>;


export type DiscardDraftsMutation = { discardDrafts: { discarded: number | null } | null };

export type UndoDraftMutationVariables = Exact<{
  organizationId: number;
}>;


export type UndoDraftMutation = { undoDraft: { result: { kind: string, changedCount: number, impossible: unknown } | null } | null };

export type RedoDraftMutationVariables = Exact<{
  organizationId: number;
}>;


export type RedoDraftMutation = { redoDraft: { result: { kind: string, changedCount: number, impossible: unknown } | null } | null };

export type BulkPreviewQueryVariables = Exact<{
  organizationId: number;
  selection: PfaSelectionInput;
  operation: PfaBulkOperationInput;
}>;


export type BulkPreviewQuery = { organization: { bulkPreview: { selectedCount: number, changedCount: number, unchangedCount: number, refusedCount: number, reasons: unknown, planCostBefore: string, planCostAfter: string, forecastCostBefore: string, forecastCostAfter: string, actualCostBefore: string, actualCostAfter: string, changedKeys: unknown, previewToken: string } | null } | null };

export type ApplyBulkMutationVariables = Exact<{
  input: ApplyBulkInput;
}>;


export type ApplyBulkMutation = { applyBulk: { result: { changedCount: number, operationId: string | null } | null } | null };

export type RecordHistoryQueryVariables = Exact<{
  organizationId: number;
  recordId: string;
  first: number;
  after?: string | null | undefined;
}>;


export type RecordHistoryQuery = { organization: { changes: { totalCount: number, pageInfo: { hasNextPage: boolean, endCursor: string | null }, nodes: Array<{ id: string, username: string | null, route: string, event: string, changes: unknown, changedAt: string } | null> } } | null };

export type UndoOperationMutationVariables = Exact<{
  organizationId: number;
  operationId: string;
}>;


export type UndoOperationMutation = { undoDraft: { result: { changedCount: number, impossible: unknown } | null } | null };

export type RecordFieldsQueryVariables = Exact<{ [key: string]: never; }>;


export type RecordFieldsQuery = { pfaFields: { nodes: Array<{ key: string, kind: string, description: string, allowedValues: Array<string | null> | null, isEditable: boolean, editableWhenActualized: boolean, earliest: string | null, latest: string | null, largest: string | null, maxLength: number | null } | null> } | null };

export type SaveDraftsOnlyMutationVariables = Exact<{
  input: SaveDraftsInput;
}>;


export type SaveDraftsOnlyMutation = { saveDrafts: { result: { operationId: string | null, revisions: unknown } | null } | null };

export type SuggestionsQueryVariables = Exact<{
  organizationId: number;
  list: string;
  search: string;
  category: string;
  manufacturer: string;
}>;


export type SuggestionsQuery = { organization: { suggestions: { nodes: Array<{ code: string, parent: string, description: string } | null> } } | null };

export type ReferenceListsQueryVariables = Exact<{
  organizationId: number;
}>;


export type ReferenceListsQuery = { organization: { referenceLists: { nodes: Array<{ list: string | null, entryCount: number | null, checkMode: string | null } | null> } } | null };

export type UnlistedValuesQueryVariables = Exact<{
  organizationId: number;
}>;


export type UnlistedValuesQuery = { organization: { unlistedValues: { nodes: Array<{ recordId: string | null, key: string | null, value: string | null, suggestions: Array<string | null> | null } | null> } } | null };

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
export const MonthCostsFragmentDoc = new TypedDocumentString(`
    fragment MonthCosts on PfaSum {
  groupValue
  planCost
  forecastCost
  actualCost
  variance
}
    `, {"fragmentName":"MonthCosts"}) as unknown as TypedDocumentString<MonthCostsFragment, unknown>;
export const RecordRowFragmentDoc = new TypedDocumentString(`
    fragment RecordRow on PfaRecord {
  pfaId
  revision
  base
  hasDraft
  hasProblem
  isPending
  isActualized
  removedAt
  areaSilo
  category
  class
  source
  dor
  monthlyRate
  purchasePrice
  manufacturer
  model
  contract
  equipment
  originalCategory
  originalClass
  originalSource
  originalDor
  originalMonthlyRate
  originalPurchasePrice
  originalStart
  originalEnd
  forecastStart
  forecastEnd
  actualStart
  actualEnd
  isDiscontinued
  isFundsTransferable
  planCost
  forecastCost
  actualCost
  variance
}
    `, {"fragmentName":"RecordRow"}) as unknown as TypedDocumentString<RecordRowFragment, unknown>;
export const RecordCostsFragmentDoc = new TypedDocumentString(`
    fragment RecordCosts on PfaSum {
  recordCount
  planCost
  forecastCost
  actualCost
  variance
}
    `, {"fragmentName":"RecordCosts"}) as unknown as TypedDocumentString<RecordCostsFragment, unknown>;
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
export const MyTakeoversDocument = new TypedDocumentString(`
    query MyTakeovers($organizationId: Int!) {
  organization(id: $organizationId) {
    takeovers(last: 20) {
      nodes {
        id
        takenByName
        isDiscarded
        recordCount
        recordIds
        takenAt
        seenAt
      }
    }
  }
}
    `) as unknown as TypedDocumentString<MyTakeoversQuery, MyTakeoversQueryVariables>;
export const DismissTakeoversDocument = new TypedDocumentString(`
    mutation DismissTakeovers($organizationId: Int!) {
  dismissTakeovers(input: {organizationId: $organizationId}) {
    dismissed
  }
}
    `) as unknown as TypedDocumentString<DismissTakeoversMutation, DismissTakeoversMutationVariables>;
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
export const AcceptRunDocument = new TypedDocumentString(`
    mutation AcceptRun($organizationId: Int!, $runId: BigInt!) {
  acceptRun(input: {organizationId: $organizationId, runId: $runId}) {
    syncLog {
      id
      acceptedAt
    }
  }
}
    `) as unknown as TypedDocumentString<AcceptRunMutation, AcceptRunMutationVariables>;
export const RecordFacetDocument = new TypedDocumentString(`
    query RecordFacet($organizationId: Int!, $selection: PfaSelectionInput, $groupBy: PfaDimension!) {
  organization(id: $organizationId) {
    sums(selection: $selection, groupBy: $groupBy, first: 1000) {
      nodes {
        groupValue
        recordCount
      }
    }
  }
}
    `) as unknown as TypedDocumentString<RecordFacetQuery, RecordFacetQueryVariables>;
export const BoardDocument = new TypedDocumentString(`
    query Board($organizationId: Int!, $selection: PfaSelectionInput!) {
  organization(id: $organizationId) {
    kpis {
      recordCount
      actualizedCount
    }
    bounds {
      forecastStart
      forecastEnd
    }
    seen: sums(selection: $selection) {
      nodes {
        ...Costs
      }
    }
    mirror: sums(selection: $selection, layer: mirror) {
      nodes {
        ...Costs
      }
    }
    seenBySource: sums(selection: $selection, groupBy: source) {
      nodes {
        ...Costs
      }
    }
    mirrorBySource: sums(selection: $selection, groupBy: source, layer: mirror) {
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
export const CostsByGroupDocument = new TypedDocumentString(`
    query CostsByGroup($organizationId: Int!, $selection: PfaSelectionInput!, $groupBy: PfaDimension!) {
  organization(id: $organizationId) {
    seen: sums(selection: $selection, groupBy: $groupBy, first: 1000) {
      pageInfo {
        hasNextPage
      }
      nodes {
        ...Costs
      }
    }
    mirror: sums(
      selection: $selection
      groupBy: $groupBy
      layer: mirror
      first: 1000
    ) {
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
}`) as unknown as TypedDocumentString<CostsByGroupQuery, CostsByGroupQueryVariables>;
export const CostsByMonthDocument = new TypedDocumentString(`
    query CostsByMonth($organizationId: Int!, $selection: PfaSelectionInput!) {
  organization(id: $organizationId) {
    seen: sums(selection: $selection, groupBy: month, first: 1000) {
      nodes {
        ...MonthCosts
      }
    }
    mirror: sums(selection: $selection, groupBy: month, layer: mirror, first: 1000) {
      nodes {
        ...MonthCosts
      }
    }
  }
}
    fragment MonthCosts on PfaSum {
  groupValue
  planCost
  forecastCost
  actualCost
  variance
}`) as unknown as TypedDocumentString<CostsByMonthQuery, CostsByMonthQueryVariables>;
export const MyDraftsDocument = new TypedDocumentString(`
    query MyDrafts($organizationId: Int!, $first: Int!, $offset: Int!) {
  organization(id: $organizationId) {
    myDrafts(first: $first, offset: $offset, orderBy: PFA_ID_ASC) {
      totalCount
      nodes {
        id
        pfaId
        base
        delta
        problems
        planCostChange
        forecastCostChange
        actualCostChange
      }
    }
  }
}
    `) as unknown as TypedDocumentString<MyDraftsQuery, MyDraftsQueryVariables>;
export const MyDraftTotalsDocument = new TypedDocumentString(`
    query MyDraftTotals($organizationId: Int!, $selection: PfaSelectionInput) {
  organization(id: $organizationId) {
    myDraftTotals(selection: $selection) {
      recordCount
      keyCount
      problemCount
      planCostChange
      forecastCostChange
      actualCostChange
    }
  }
}
    `) as unknown as TypedDocumentString<MyDraftTotalsQuery, MyDraftTotalsQueryVariables>;
export const MyDraftIdsDocument = new TypedDocumentString(`
    query MyDraftIds($organizationId: Int!, $after: Cursor) {
  organization(id: $organizationId) {
    myDrafts(first: 1000, after: $after, orderBy: PFA_ID_ASC) {
      pageInfo {
        hasNextPage
        endCursor
      }
      nodes {
        pfaId
      }
    }
  }
}
    `) as unknown as TypedDocumentString<MyDraftIdsQuery, MyDraftIdsQueryVariables>;
export const DiscardReviewedDocument = new TypedDocumentString(`
    mutation DiscardReviewed($organizationId: Int!, $recordIds: [String]) {
  discardDrafts(input: {organizationId: $organizationId, recordIds: $recordIds}) {
    discarded
    query {
      organization(id: $organizationId) {
        myOperations(first: 1, orderBy: ID_DESC) {
          nodes {
            id
            kind
          }
        }
      }
    }
  }
}
    `) as unknown as TypedDocumentString<DiscardReviewedMutation, DiscardReviewedMutationVariables>;
export const CommitDraftsDocument = new TypedDocumentString(`
    mutation CommitDrafts($organizationId: Int!, $selection: PfaSelectionInput, $comment: String) {
  commitDrafts(
    input: {organizationId: $organizationId, selection: $selection, comment: $comment}
  ) {
    result {
      recordCount
      keyCount
      refused
    }
  }
}
    `) as unknown as TypedDocumentString<CommitDraftsMutation, CommitDraftsMutationVariables>;
export const LastCommitDocument = new TypedDocumentString(`
    query LastCommit($organizationId: Int!, $me: Int!) {
  organization(id: $organizationId) {
    last: commits(first: 1, orderBy: ID_DESC, filter: {userId: {equalTo: $me}}) {
      nodes {
        id
      }
    }
    open: commits(
      first: 1
      orderBy: ID_ASC
      filter: {userId: {equalTo: $me}, state: {in: ["committed", "syncing"]}}
    ) {
      totalCount
    }
  }
}
    `) as unknown as TypedDocumentString<LastCommitQuery, LastCommitQueryVariables>;
export const CommittedSinceDocument = new TypedDocumentString(`
    query CommittedSince($organizationId: Int!, $me: Int!, $since: BigInt!) {
  organization(id: $organizationId) {
    commits(
      first: 1
      orderBy: ID_ASC
      filter: {userId: {equalTo: $me}, id: {greaterThan: $since}}
    ) {
      totalCount
    }
  }
}
    `) as unknown as TypedDocumentString<CommittedSinceQuery, CommittedSinceQueryVariables>;
export const CommitProgressDocument = new TypedDocumentString(`
    query CommitProgress($organizationId: Int!, $me: Int!, $since: BigInt!) {
  organization(id: $organizationId) {
    waiting: commits(
      first: 1
      orderBy: ID_ASC
      filter: {userId: {equalTo: $me}, state: {equalTo: "committed"}}
    ) {
      totalCount
    }
    writing: commits(
      first: 1
      orderBy: ID_ASC
      filter: {userId: {equalTo: $me}, state: {equalTo: "syncing"}}
    ) {
      totalCount
    }
    confirmed: commits(
      first: 1
      orderBy: ID_ASC
      filter: {userId: {equalTo: $me}, id: {greaterThan: $since}, state: {equalTo: "synced"}}
    ) {
      totalCount
    }
    problems: pfaRecords(first: 1, filter: {hasProblem: {equalTo: true}}) {
      totalCount
    }
    pushStatus {
      state
      uncertainCount
      pausedAt
      pausedBy
      breakerOpenedAt
      breakerMessage
      nextProbeAt
    }
  }
}
    `) as unknown as TypedDocumentString<CommitProgressQuery, CommitProgressQueryVariables>;
export const CommitsDocument = new TypedDocumentString(`
    query Commits($organizationId: Int!, $filter: PfaCommitFilter, $first: Int!, $offset: Int!) {
  organization(id: $organizationId) {
    commits(first: $first, offset: $offset, orderBy: ID_DESC, filter: $filter) {
      totalCount
      nodes {
        id
        pfaId
        username
        isMine
        state
        delta
        base
        comment
        attempts
        committedAt
        retryAt
        settledAt
      }
    }
  }
}
    `) as unknown as TypedDocumentString<CommitsQuery, CommitsQueryVariables>;
export const WithdrawCommitsDocument = new TypedDocumentString(`
    mutation WithdrawCommits($organizationId: Int!, $ids: [BigInt]) {
  withdrawCommits(input: {organizationId: $organizationId, modificationIds: $ids}) {
    result {
      recordCount
      refused
    }
  }
}
    `) as unknown as TypedDocumentString<WithdrawCommitsMutation, WithdrawCommitsMutationVariables>;
export const ProblemIdsDocument = new TypedDocumentString(`
    query ProblemIds($organizationId: Int!, $first: Int!, $offset: Int!) {
  organization(id: $organizationId) {
    revision
    pfaRecords(
      first: $first
      offset: $offset
      orderBy: PFA_ID_ASC
      filter: {hasProblem: {equalTo: true}}
    ) {
      totalCount
      nodes {
        pfaId
      }
    }
  }
}
    `) as unknown as TypedDocumentString<ProblemIdsQuery, ProblemIdsQueryVariables>;
export const ProblemDraftsDocument = new TypedDocumentString(`
    query ProblemDrafts($organizationId: Int!, $recordIds: [String!]!, $first: Int!) {
  organization(id: $organizationId) {
    myDrafts(first: $first, filter: {pfaId: {in: $recordIds}}, orderBy: PFA_ID_ASC) {
      nodes {
        id
        pfaId
        base
        delta
        current
        problems
        record {
          revision
        }
      }
    }
  }
}
    `) as unknown as TypedDocumentString<ProblemDraftsQuery, ProblemDraftsQueryVariables>;
export const ResolveProblemsDocument = new TypedDocumentString(`
    mutation ResolveProblems($organizationId: Int!, $resolutions: [PfaResolutionInput]!) {
  resolveProblems(
    input: {organizationId: $organizationId, resolutions: $resolutions}
  ) {
    result {
      recordCount
      keyCount
      operationId
    }
  }
}
    `) as unknown as TypedDocumentString<ResolveProblemsMutation, ResolveProblemsMutationVariables>;
export const ResolveAllProblemsDocument = new TypedDocumentString(`
    mutation ResolveAllProblems($organizationId: Int!, $choice: String!, $revision: BigInt!) {
  resolveAllProblems(
    input: {organizationId: $organizationId, choice: $choice, revision: $revision}
  ) {
    result {
      recordCount
      keyCount
      operationId
      refused
    }
  }
}
    `) as unknown as TypedDocumentString<ResolveAllProblemsMutation, ResolveAllProblemsMutationVariables>;
export const DraftAuthorsDocument = new TypedDocumentString(`
    query DraftAuthors($organizationId: Int!) {
  organization(id: $organizationId) {
    draftAuthors(first: 200) {
      nodes {
        userId
        username
        isMember
        recordCount
        problemCount
        updatedAt
        lastActiveAt
        isAway
      }
    }
  }
}
    `) as unknown as TypedDocumentString<DraftAuthorsQuery, DraftAuthorsQueryVariables>;
export const TakeOverDraftsDocument = new TypedDocumentString(`
    mutation TakeOverDrafts($organizationId: Int!, $userId: Int!) {
  takeOverDrafts(input: {organizationId: $organizationId, userId: $userId}) {
    taken
  }
}
    `) as unknown as TypedDocumentString<TakeOverDraftsMutation, TakeOverDraftsMutationVariables>;
export const DiscardDraftsOfDocument = new TypedDocumentString(`
    mutation DiscardDraftsOf($organizationId: Int!, $userId: Int!) {
  discardDraftsOf(input: {organizationId: $organizationId, userId: $userId}) {
    discarded
  }
}
    `) as unknown as TypedDocumentString<DiscardDraftsOfMutation, DiscardDraftsOfMutationVariables>;
export const RecordPageDocument = new TypedDocumentString(`
    query RecordPage($organizationId: Int!, $filter: PfaRecordFilter, $orderBy: [PfaRecordOrderBy!]!, $first: Int!, $after: Cursor, $offset: Int, $withCount: Boolean!) {
  organization(id: $organizationId) {
    page: pfaRecords(
      filter: $filter
      orderBy: $orderBy
      first: $first
      after: $after
      offset: $offset
    ) {
      totalCount @include(if: $withCount)
      pageInfo {
        endCursor
      }
      nodes {
        ...RecordRow
      }
    }
  }
}
    fragment RecordRow on PfaRecord {
  pfaId
  revision
  base
  hasDraft
  hasProblem
  isPending
  isActualized
  removedAt
  areaSilo
  category
  class
  source
  dor
  monthlyRate
  purchasePrice
  manufacturer
  model
  contract
  equipment
  originalCategory
  originalClass
  originalSource
  originalDor
  originalMonthlyRate
  originalPurchasePrice
  originalStart
  originalEnd
  forecastStart
  forecastEnd
  actualStart
  actualEnd
  isDiscontinued
  isFundsTransferable
  planCost
  forecastCost
  actualCost
  variance
}`) as unknown as TypedDocumentString<RecordPageQuery, RecordPageQueryVariables>;
export const FoundRecordPageDocument = new TypedDocumentString(`
    query FoundRecordPage($organizationId: Int!, $search: String!, $filter: PfaRecordFilter, $orderBy: [PfaRecordOrderBy!]!, $first: Int!, $after: Cursor, $offset: Int, $withCount: Boolean!) {
  organization(id: $organizationId) {
    page: foundRecords(
      search: $search
      filter: $filter
      orderBy: $orderBy
      first: $first
      after: $after
      offset: $offset
    ) {
      totalCount @include(if: $withCount)
      pageInfo {
        endCursor
      }
      nodes {
        ...RecordRow
      }
    }
  }
}
    fragment RecordRow on PfaRecord {
  pfaId
  revision
  base
  hasDraft
  hasProblem
  isPending
  isActualized
  removedAt
  areaSilo
  category
  class
  source
  dor
  monthlyRate
  purchasePrice
  manufacturer
  model
  contract
  equipment
  originalCategory
  originalClass
  originalSource
  originalDor
  originalMonthlyRate
  originalPurchasePrice
  originalStart
  originalEnd
  forecastStart
  forecastEnd
  actualStart
  actualEnd
  isDiscontinued
  isFundsTransferable
  planCost
  forecastCost
  actualCost
  variance
}`) as unknown as TypedDocumentString<FoundRecordPageQuery, FoundRecordPageQueryVariables>;
export const RecordsDocument = new TypedDocumentString(`
    query Records($organizationId: Int!, $recordIds: [String!]!, $first: Int!) {
  organization(id: $organizationId) {
    pfaRecords(first: $first, filter: {pfaId: {in: $recordIds}}) {
      nodes {
        ...RecordRow
      }
    }
  }
}
    fragment RecordRow on PfaRecord {
  pfaId
  revision
  base
  hasDraft
  hasProblem
  isPending
  isActualized
  removedAt
  areaSilo
  category
  class
  source
  dor
  monthlyRate
  purchasePrice
  manufacturer
  model
  contract
  equipment
  originalCategory
  originalClass
  originalSource
  originalDor
  originalMonthlyRate
  originalPurchasePrice
  originalStart
  originalEnd
  forecastStart
  forecastEnd
  actualStart
  actualEnd
  isDiscontinued
  isFundsTransferable
  planCost
  forecastCost
  actualCost
  variance
}`) as unknown as TypedDocumentString<RecordsQuery, RecordsQueryVariables>;
export const RecordsChangedSinceDocument = new TypedDocumentString(`
    query RecordsChangedSince($organizationId: Int!, $revision: BigInt!, $after: String) {
  organization(id: $organizationId) {
    recordsChangedSince(revision: $revision, first: 1000, after: $after) {
      isComplete
      revision
      nextAfter
      records {
        recordId
        revision
      }
    }
  }
}
    `) as unknown as TypedDocumentString<RecordsChangedSinceQuery, RecordsChangedSinceQueryVariables>;
export const RecordSumsDocument = new TypedDocumentString(`
    query RecordSums($organizationId: Int!, $selection: PfaSelectionInput) {
  organization(id: $organizationId) {
    seen: sums(selection: $selection) {
      nodes {
        ...RecordCosts
      }
    }
    mirror: sums(selection: $selection, layer: mirror) {
      nodes {
        ...RecordCosts
      }
    }
  }
}
    fragment RecordCosts on PfaSum {
  recordCount
  planCost
  forecastCost
  actualCost
  variance
}`) as unknown as TypedDocumentString<RecordSumsQuery, RecordSumsQueryVariables>;
export const MyOperationsDocument = new TypedDocumentString(`
    query MyOperations($organizationId: Int!) {
  organization(id: $organizationId) {
    myOperations(first: 50, orderBy: ID_DESC) {
      nodes {
        id
        kind
        recordCount
        undoneAt
      }
    }
  }
}
    `) as unknown as TypedDocumentString<MyOperationsQuery, MyOperationsQueryVariables>;
export const SaveDraftsDocument = new TypedDocumentString(`
    mutation SaveDrafts($input: SaveDraftsInput!, $organizationId: Int!, $selection: PfaSelectionInput, $recordIds: [String!]!, $first: Int!, $withRows: Boolean!) {
  saveDrafts(input: $input) {
    result {
      operationId
      revisions
    }
    query {
      organization(id: $organizationId) {
        seen: sums(selection: $selection) {
          nodes {
            ...RecordCosts
          }
        }
        mirror: sums(selection: $selection, layer: mirror) {
          nodes {
            ...RecordCosts
          }
        }
        pfaRecords(first: $first, filter: {pfaId: {in: $recordIds}}) @include(if: $withRows) {
          nodes {
            ...RecordRow
          }
        }
      }
    }
  }
}
    fragment RecordRow on PfaRecord {
  pfaId
  revision
  base
  hasDraft
  hasProblem
  isPending
  isActualized
  removedAt
  areaSilo
  category
  class
  source
  dor
  monthlyRate
  purchasePrice
  manufacturer
  model
  contract
  equipment
  originalCategory
  originalClass
  originalSource
  originalDor
  originalMonthlyRate
  originalPurchasePrice
  originalStart
  originalEnd
  forecastStart
  forecastEnd
  actualStart
  actualEnd
  isDiscontinued
  isFundsTransferable
  planCost
  forecastCost
  actualCost
  variance
}
fragment RecordCosts on PfaSum {
  recordCount
  planCost
  forecastCost
  actualCost
  variance
}`) as unknown as TypedDocumentString<SaveDraftsMutation, SaveDraftsMutationVariables>;
export const DiscardDraftsDocument = new TypedDocumentString(`
    mutation DiscardDrafts($input: DiscardDraftsInput!) {
  discardDrafts(input: $input) {
    discarded
  }
}
    `) as unknown as TypedDocumentString<DiscardDraftsMutation, DiscardDraftsMutationVariables>;
export const UndoDraftDocument = new TypedDocumentString(`
    mutation UndoDraft($organizationId: Int!) {
  undoDraft(input: {organizationId: $organizationId}) {
    result {
      kind
      changedCount
      impossible
    }
  }
}
    `) as unknown as TypedDocumentString<UndoDraftMutation, UndoDraftMutationVariables>;
export const RedoDraftDocument = new TypedDocumentString(`
    mutation RedoDraft($organizationId: Int!) {
  redoDraft(input: {organizationId: $organizationId}) {
    result {
      kind
      changedCount
      impossible
    }
  }
}
    `) as unknown as TypedDocumentString<RedoDraftMutation, RedoDraftMutationVariables>;
export const BulkPreviewDocument = new TypedDocumentString(`
    query BulkPreview($organizationId: Int!, $selection: PfaSelectionInput!, $operation: PfaBulkOperationInput!) {
  organization(id: $organizationId) {
    bulkPreview(selection: $selection, operation: $operation) {
      selectedCount
      changedCount
      unchangedCount
      refusedCount
      reasons
      planCostBefore
      planCostAfter
      forecastCostBefore
      forecastCostAfter
      actualCostBefore
      actualCostAfter
      changedKeys
      previewToken
    }
  }
}
    `) as unknown as TypedDocumentString<BulkPreviewQuery, BulkPreviewQueryVariables>;
export const ApplyBulkDocument = new TypedDocumentString(`
    mutation ApplyBulk($input: ApplyBulkInput!) {
  applyBulk(input: $input) {
    result {
      changedCount
      operationId
    }
  }
}
    `) as unknown as TypedDocumentString<ApplyBulkMutation, ApplyBulkMutationVariables>;
export const RecordHistoryDocument = new TypedDocumentString(`
    query RecordHistory($organizationId: Int!, $recordId: String!, $first: Int!, $after: Cursor) {
  organization(id: $organizationId) {
    changes(recordId: $recordId, first: $first, after: $after) {
      totalCount
      pageInfo {
        hasNextPage
        endCursor
      }
      nodes {
        id
        username
        route
        event
        changes
        changedAt
      }
    }
  }
}
    `) as unknown as TypedDocumentString<RecordHistoryQuery, RecordHistoryQueryVariables>;
export const UndoOperationDocument = new TypedDocumentString(`
    mutation UndoOperation($organizationId: Int!, $operationId: BigInt!) {
  undoDraft(input: {organizationId: $organizationId, operationId: $operationId}) {
    result {
      changedCount
      impossible
    }
  }
}
    `) as unknown as TypedDocumentString<UndoOperationMutation, UndoOperationMutationVariables>;
export const RecordFieldsDocument = new TypedDocumentString(`
    query RecordFields {
  pfaFields(orderBy: POSITION_ASC) {
    nodes {
      key
      kind
      description
      allowedValues
      isEditable
      editableWhenActualized
      earliest
      latest
      largest
      maxLength
    }
  }
}
    `) as unknown as TypedDocumentString<RecordFieldsQuery, RecordFieldsQueryVariables>;
export const SaveDraftsOnlyDocument = new TypedDocumentString(`
    mutation SaveDraftsOnly($input: SaveDraftsInput!) {
  saveDrafts(input: $input) {
    result {
      operationId
      revisions
    }
  }
}
    `) as unknown as TypedDocumentString<SaveDraftsOnlyMutation, SaveDraftsOnlyMutationVariables>;
export const SuggestionsDocument = new TypedDocumentString(`
    query Suggestions($organizationId: Int!, $list: String!, $search: String!, $category: String!, $manufacturer: String!) {
  organization(id: $organizationId) {
    suggestions(
      list: $list
      search: $search
      category: $category
      manufacturer: $manufacturer
      first: 50
    ) {
      nodes {
        code
        parent
        description
      }
    }
  }
}
    `) as unknown as TypedDocumentString<SuggestionsQuery, SuggestionsQueryVariables>;
export const ReferenceListsDocument = new TypedDocumentString(`
    query ReferenceLists($organizationId: Int!) {
  organization(id: $organizationId) {
    referenceLists {
      nodes {
        list
        entryCount
        checkMode
      }
    }
  }
}
    `) as unknown as TypedDocumentString<ReferenceListsQuery, ReferenceListsQueryVariables>;
export const UnlistedValuesDocument = new TypedDocumentString(`
    query UnlistedValues($organizationId: Int!) {
  organization(id: $organizationId) {
    unlistedValues(first: 1000) {
      nodes {
        recordId
        key
        value
        suggestions
      }
    }
  }
}
    `) as unknown as TypedDocumentString<UnlistedValuesQuery, UnlistedValuesQueryVariables>;