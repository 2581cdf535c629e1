/** Types generated for queries found in "sql/records/records.sql" */
import { PreparedQuery } from '@pgtyped/runtime';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export type NumberOrString = number | string;

export type stringArray = (string)[];

/** 'FindOrganization' parameters type */
export interface IFindOrganizationParams {
  org: string;
}

/** 'FindOrganization' return type */
export interface IFindOrganizationResult {
  /** Code in PEMS, such as `HOLNG`. Case matters. A numeric code takes precedence over an id with the same digits. */
  code: string;
  /** Identifier. An integer, because it leads the key of every tenant table. */
  id: number;
  /** Display name. */
  name: string;
}

/** 'FindOrganization' query type */
export interface IFindOrganizationQuery {
  params: IFindOrganizationParams;
  result: IFindOrganizationResult;
}

const findOrganizationIR: any = {"usedParamSet":{"org":true},"params":[{"name":"org","required":true,"transform":{"type":"scalar"},"locs":[{"a":65,"b":69},{"a":85,"b":89},{"a":107,"b":111}]}],"statement":"select id, code, name from app_public.organizations\nwhere code = :org! or id::text = :org!\norder by code = :org! desc\nlimit 1"};

/**
 * Query generated from SQL:
 * ```
 * select id, code, name from app_public.organizations
 * where code = :org! or id::text = :org!
 * order by code = :org! desc
 * limit 1
 * ```
 */
export const findOrganization = new PreparedQuery<IFindOrganizationParams,IFindOrganizationResult>(findOrganizationIR);


/** 'RecordPage' parameters type */
export interface IRecordPageParams {
  after: string;
  limit: NumberOrString;
  organizationId: number;
}

/** 'RecordPage' return type */
export interface IRecordPageResult {
  count: number;
  last: string | null;
  records: string | null;
}

/** 'RecordPage' query type */
export interface IRecordPageQuery {
  params: IRecordPageParams;
  result: IRecordPageResult;
}

const recordPageIR: any = {"usedParamSet":{"organizationId":true,"after":true,"limit":true},"params":[{"name":"organizationId","required":true,"transform":{"type":"scalar"},"locs":[{"a":744,"b":759}]},{"name":"after","required":true,"transform":{"type":"scalar"},"locs":[{"a":774,"b":780}]},{"name":"limit","required":true,"transform":{"type":"scalar"},"locs":[{"a":808,"b":814}]}],"statement":"select count(*)::integer as \"count!\", max(r.pfa_id) as \"last?\",\n  -- Returns text in the form of recordJson, because two thousand rows would block the event loop ten times as long.\n  string_agg('{\"pfaId\":' || to_json(r.pfa_id)::text || ',\"revision\":' || r.revision::text\n    || ',\"hasDraft\":' || r.has_draft::text || ',\"isPending\":' || r.is_pending::text\n    || ',\"hasProblem\":' || r.has_problem::text\n    || ',\"planCost\":' || r.plan_cost::text || ',\"forecastCost\":' || r.forecast_cost::text\n    || ',\"actualCost\":' || r.actual_cost::text\n    || ',\"base\":' || coalesce(r.base::text, 'null') || ',\"data\":' || r.data::text || '}',\n    E',\\n' order by r.pfa_id) as \"records?\"\nfrom (\n  select * from app_public.pfa_record\n  where organization_id = :organizationId! and pfa_id > :after!\n  order by pfa_id\n  limit :limit!\n) r"};

/**
 * Query generated from SQL:
 * ```
 * select count(*)::integer as "count!", max(r.pfa_id) as "last?",
 *   -- Returns text in the form of recordJson, because two thousand rows would block the event loop ten times as long.
 *   string_agg('{"pfaId":' || to_json(r.pfa_id)::text || ',"revision":' || r.revision::text
 *     || ',"hasDraft":' || r.has_draft::text || ',"isPending":' || r.is_pending::text
 *     || ',"hasProblem":' || r.has_problem::text
 *     || ',"planCost":' || r.plan_cost::text || ',"forecastCost":' || r.forecast_cost::text
 *     || ',"actualCost":' || r.actual_cost::text
 *     || ',"base":' || coalesce(r.base::text, 'null') || ',"data":' || r.data::text || '}',
 *     E',\n' order by r.pfa_id) as "records?"
 * from (
 *   select * from app_public.pfa_record
 *   where organization_id = :organizationId! and pfa_id > :after!
 *   order by pfa_id
 *   limit :limit!
 * ) r
 * ```
 */
export const recordPage = new PreparedQuery<IRecordPageParams,IRecordPageResult>(recordPageIR);


/** 'SaveDraft' parameters type */
export interface ISaveDraftParams {
  changes: Json;
  organizationId: number;
  recordId: string;
  revision: NumberOrString;
}

/** 'SaveDraft' return type */
export interface ISaveDraftResult {
  actualCost: string;
  base: string | null;
  data: string;
  forecastCost: string;
  hasDraft: boolean;
  hasProblem: boolean;
  isPending: boolean;
  pfaId: string;
  planCost: string;
  revision: string;
}

/** 'SaveDraft' query type */
export interface ISaveDraftQuery {
  params: ISaveDraftParams;
  result: ISaveDraftResult;
}

const saveDraftIR: any = {"usedParamSet":{"organizationId":true,"recordId":true,"changes":true,"revision":true},"params":[{"name":"organizationId","required":true,"transform":{"type":"scalar"},"locs":[{"a":302,"b":317}]},{"name":"recordId","required":true,"transform":{"type":"scalar"},"locs":[{"a":320,"b":329}]},{"name":"changes","required":true,"transform":{"type":"scalar"},"locs":[{"a":332,"b":340}]},{"name":"revision","required":true,"transform":{"type":"scalar"},"locs":[{"a":343,"b":352}]}],"statement":"select pfa_id as \"pfaId!\", revision as \"revision!\", has_draft as \"hasDraft!\", is_pending as \"isPending!\",\n  has_problem as \"hasProblem!\", plan_cost as \"planCost!\", forecast_cost as \"forecastCost!\",\n  actual_cost as \"actualCost!\", base::text as \"base?\", data::text as \"data!\"\nfrom app_public.save_draft(:organizationId!, :recordId!, :changes!, :revision!)"};

/**
 * Query generated from SQL:
 * ```
 * select pfa_id as "pfaId!", revision as "revision!", has_draft as "hasDraft!", is_pending as "isPending!",
 *   has_problem as "hasProblem!", plan_cost as "planCost!", forecast_cost as "forecastCost!",
 *   actual_cost as "actualCost!", base::text as "base?", data::text as "data!"
 * from app_public.save_draft(:organizationId!, :recordId!, :changes!, :revision!)
 * ```
 */
export const saveDraft = new PreparedQuery<ISaveDraftParams,ISaveDraftResult>(saveDraftIR);


/** 'SaveDrafts' parameters type */
export interface ISaveDraftsParams {
  items: Json;
  organizationId: number;
}

/** 'SaveDrafts' return type */
export interface ISaveDraftsResult {
  changedCount: number;
  revisions: Json;
  unchangedCount: number;
}

/** 'SaveDrafts' query type */
export interface ISaveDraftsQuery {
  params: ISaveDraftsParams;
  result: ISaveDraftsResult;
}

const saveDraftsIR: any = {"usedParamSet":{"organizationId":true,"items":true},"params":[{"name":"organizationId","required":true,"transform":{"type":"scalar"},"locs":[{"a":139,"b":154}]},{"name":"items","required":true,"transform":{"type":"scalar"},"locs":[{"a":285,"b":291}]}],"statement":"select r.changed_count as \"changedCount!\", r.unchanged_count as \"unchangedCount!\", r.revisions as \"revisions!\"\nfrom app_public.save_drafts(:organizationId!, array(\n  select (i->>'recordId', i->'changes', (i->>'revision')::bigint)::app_public.pfa_draft_item\n  from jsonb_array_elements(:items!::jsonb) i)) r"};

/**
 * Query generated from SQL:
 * ```
 * select r.changed_count as "changedCount!", r.unchanged_count as "unchangedCount!", r.revisions as "revisions!"
 * from app_public.save_drafts(:organizationId!, array(
 *   select (i->>'recordId', i->'changes', (i->>'revision')::bigint)::app_public.pfa_draft_item
 *   from jsonb_array_elements(:items!::jsonb) i)) r
 * ```
 */
export const saveDrafts = new PreparedQuery<ISaveDraftsParams,ISaveDraftsResult>(saveDraftsIR);


/** 'DiscardDrafts' parameters type */
export interface IDiscardDraftsParams {
  keys?: stringArray | null | void;
  organizationId: number;
  recordIds?: stringArray | null | void;
}

/** 'DiscardDrafts' return type */
export interface IDiscardDraftsResult {
  discarded: number;
}

/** 'DiscardDrafts' query type */
export interface IDiscardDraftsQuery {
  params: IDiscardDraftsParams;
  result: IDiscardDraftsResult;
}

const discardDraftsIR: any = {"usedParamSet":{"organizationId":true,"recordIds":true,"keys":true},"params":[{"name":"organizationId","required":true,"transform":{"type":"scalar"},"locs":[{"a":33,"b":48}]},{"name":"recordIds","required":false,"transform":{"type":"scalar"},"locs":[{"a":51,"b":60}]},{"name":"keys","required":false,"transform":{"type":"scalar"},"locs":[{"a":63,"b":67}]}],"statement":"select app_public.discard_drafts(:organizationId!, :recordIds, :keys) as \"discarded!\""};

/**
 * Query generated from SQL:
 * ```
 * select app_public.discard_drafts(:organizationId!, :recordIds, :keys) as "discarded!"
 * ```
 */
export const discardDrafts = new PreparedQuery<IDiscardDraftsParams,IDiscardDraftsResult>(discardDraftsIR);


/** 'CommitDrafts' parameters type */
export interface ICommitDraftsParams {
  comment?: string | null | void;
  organizationId: number;
  selection?: Json | null | void;
}

/** 'CommitDrafts' return type */
export interface ICommitDraftsResult {
  keyCount: number;
  recordCount: number;
  refused: Json;
}

/** 'CommitDrafts' query type */
export interface ICommitDraftsQuery {
  params: ICommitDraftsParams;
  result: ICommitDraftsResult;
}

const commitDraftsIR: any = {"usedParamSet":{"organizationId":true,"selection":true,"comment":true},"params":[{"name":"organizationId","required":true,"transform":{"type":"scalar"},"locs":[{"a":123,"b":138}]},{"name":"selection","required":false,"transform":{"type":"scalar"},"locs":[{"a":151,"b":160},{"a":242,"b":251}]},{"name":"comment","required":false,"transform":{"type":"scalar"},"locs":[{"a":266,"b":273}]}],"statement":"select r.record_count as \"recordCount!\", r.key_count as \"keyCount!\", r.refused as \"refused!\"\nfrom app_public.commit_drafts(:organizationId!, case when :selection::jsonb is not null then\n  jsonb_populate_record(null::app_public.pfa_selection, :selection::jsonb) end, :comment) r"};

/**
 * Query generated from SQL:
 * ```
 * select r.record_count as "recordCount!", r.key_count as "keyCount!", r.refused as "refused!"
 * from app_public.commit_drafts(:organizationId!, case when :selection::jsonb is not null then
 *   jsonb_populate_record(null::app_public.pfa_selection, :selection::jsonb) end, :comment) r
 * ```
 */
export const commitDrafts = new PreparedQuery<ICommitDraftsParams,ICommitDraftsResult>(commitDraftsIR);


/** 'Kpis' parameters type */
export interface IKpisParams {
  organizationId: number;
}

/** 'Kpis' return type */
export interface IKpisResult {
  actualCost: string;
  actualizedCount: string;
  discontinuedCount: string;
  forecastCost: string;
  planCost: string;
  purchaseActualCost: string;
  purchaseCount: string;
  purchaseForecastCost: string;
  purchasePlanCost: string;
  recordCount: string;
  rentalActualCost: string;
  rentalCount: string;
  rentalForecastCost: string;
  rentalPlanCost: string;
  variance: string;
}

/** 'Kpis' query type */
export interface IKpisQuery {
  params: IKpisParams;
  result: IKpisResult;
}

const kpisIR: any = {"usedParamSet":{"organizationId":true},"params":[{"name":"organizationId","required":true,"transform":{"type":"scalar"},"locs":[{"a":716,"b":731}]}],"statement":"select k.record_count as \"recordCount!\", k.actualized_count as \"actualizedCount!\",\n  k.discontinued_count as \"discontinuedCount!\", k.plan_cost as \"planCost!\", k.forecast_cost as \"forecastCost!\",\n  k.actual_cost as \"actualCost!\", k.variance as \"variance!\", k.rental_count as \"rentalCount!\",\n  k.rental_plan_cost as \"rentalPlanCost!\", k.rental_forecast_cost as \"rentalForecastCost!\",\n  k.rental_actual_cost as \"rentalActualCost!\", k.purchase_count as \"purchaseCount!\",\n  k.purchase_plan_cost as \"purchasePlanCost!\", k.purchase_forecast_cost as \"purchaseForecastCost!\",\n  k.purchase_actual_cost as \"purchaseActualCost!\"\nfrom app_public.organizations o\ncross join lateral app_public.organizations_kpis(o) k\nwhere o.id = :organizationId!"};

/**
 * Query generated from SQL:
 * ```
 * select k.record_count as "recordCount!", k.actualized_count as "actualizedCount!",
 *   k.discontinued_count as "discontinuedCount!", k.plan_cost as "planCost!", k.forecast_cost as "forecastCost!",
 *   k.actual_cost as "actualCost!", k.variance as "variance!", k.rental_count as "rentalCount!",
 *   k.rental_plan_cost as "rentalPlanCost!", k.rental_forecast_cost as "rentalForecastCost!",
 *   k.rental_actual_cost as "rentalActualCost!", k.purchase_count as "purchaseCount!",
 *   k.purchase_plan_cost as "purchasePlanCost!", k.purchase_forecast_cost as "purchaseForecastCost!",
 *   k.purchase_actual_cost as "purchaseActualCost!"
 * from app_public.organizations o
 * cross join lateral app_public.organizations_kpis(o) k
 * where o.id = :organizationId!
 * ```
 */
export const kpis = new PreparedQuery<IKpisParams,IKpisResult>(kpisIR);


/** 'Bounds' parameters type */
export interface IBoundsParams {
  organizationId: number;
}

/** 'Bounds' return type */
export interface IBoundsResult {
  actualEnd: string | null;
  actualStart: string | null;
  forecastEnd: string | null;
  forecastStart: string | null;
  originalEnd: string | null;
  originalStart: string | null;
}

/** 'Bounds' query type */
export interface IBoundsQuery {
  params: IBoundsParams;
  result: IBoundsResult;
}

const boundsIR: any = {"usedParamSet":{"organizationId":true},"params":[{"name":"organizationId","required":true,"transform":{"type":"scalar"},"locs":[{"a":349,"b":364}]}],"statement":"select b.original_start::text as \"originalStart\", b.original_end::text as \"originalEnd\",\n  b.forecast_start::text as \"forecastStart\", b.forecast_end::text as \"forecastEnd\",\n  b.actual_start::text as \"actualStart\", b.actual_end::text as \"actualEnd\"\nfrom app_public.organizations o\ncross join lateral app_public.organizations_bounds(o) b\nwhere o.id = :organizationId!"};

/**
 * Query generated from SQL:
 * ```
 * select b.original_start::text as "originalStart", b.original_end::text as "originalEnd",
 *   b.forecast_start::text as "forecastStart", b.forecast_end::text as "forecastEnd",
 *   b.actual_start::text as "actualStart", b.actual_end::text as "actualEnd"
 * from app_public.organizations o
 * cross join lateral app_public.organizations_bounds(o) b
 * where o.id = :organizationId!
 * ```
 */
export const bounds = new PreparedQuery<IBoundsParams,IBoundsResult>(boundsIR);


