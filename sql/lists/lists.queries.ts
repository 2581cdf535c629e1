/** Types generated for queries found in "sql/lists/lists.sql" */
import { PreparedQuery } from '@pgtyped/runtime';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export type NumberOrString = number | string;

/** 'BeginReferenceRun' parameters type */
export interface IBeginReferenceRunParams {
  organizationId: number;
}

/** 'BeginReferenceRun' return type */
export interface IBeginReferenceRunResult {
  entityType: string;
  fields: Json;
  id: string;
  list: string;
  organization: string;
  path: string;
}

/** 'BeginReferenceRun' query type */
export interface IBeginReferenceRunQuery {
  params: IBeginReferenceRunParams;
  result: IBeginReferenceRunResult;
}

const beginReferenceRunIR: any = {"usedParamSet":{"organizationId":true},"params":[{"name":"organizationId","required":true,"transform":{"type":"scalar"},"locs":[{"a":176,"b":191}]}],"statement":"select id as \"id!\", list as \"list!\", entity_type as \"entityType!\", organization as \"organization!\", path as \"path!\",\n  fields as \"fields!\"\nfrom app_private.begin_reference_run(:organizationId!)"};

/**
 * Query generated from SQL:
 * ```
 * select id as "id!", list as "list!", entity_type as "entityType!", organization as "organization!", path as "path!",
 *   fields as "fields!"
 * from app_private.begin_reference_run(:organizationId!)
 * ```
 */
export const beginReferenceRun = new PreparedQuery<IBeginReferenceRunParams,IBeginReferenceRunResult>(beginReferenceRunIR);


/** 'StageReferenceRows' parameters type */
export interface IStageReferenceRowsParams {
  organizationId: number;
  rows: Json;
  runId: NumberOrString;
}

/** 'StageReferenceRows' return type */
export interface IStageReferenceRowsResult {
  isCurrent: boolean;
}

/** 'StageReferenceRows' query type */
export interface IStageReferenceRowsQuery {
  params: IStageReferenceRowsParams;
  result: IStageReferenceRowsResult;
}

const stageReferenceRowsIR: any = {"usedParamSet":{"organizationId":true,"runId":true,"rows":true},"params":[{"name":"organizationId","required":true,"transform":{"type":"scalar"},"locs":[{"a":40,"b":55}]},{"name":"runId","required":true,"transform":{"type":"scalar"},"locs":[{"a":58,"b":64}]},{"name":"rows","required":true,"transform":{"type":"scalar"},"locs":[{"a":67,"b":72}]}],"statement":"select app_private.stage_reference_rows(:organizationId!, :runId!, :rows!) as \"isCurrent!\""};

/**
 * Query generated from SQL:
 * ```
 * select app_private.stage_reference_rows(:organizationId!, :runId!, :rows!) as "isCurrent!"
 * ```
 */
export const stageReferenceRows = new PreparedQuery<IStageReferenceRowsParams,IStageReferenceRowsResult>(stageReferenceRowsIR);


/** 'MergeReferenceRun' parameters type */
export interface IMergeReferenceRunParams {
  organizationId: number;
  runId: NumberOrString;
}

/** 'MergeReferenceRun' return type */
export interface IMergeReferenceRunResult {
  errorCode: string | null;
  notice: string | null;
  rowsInserted: number;
  rowsRead: number;
  rowsRejected: number;
  rowsRemoved: number;
  rowsUpdated: number;
  rowsWithheld: number;
  state: string;
}

/** 'MergeReferenceRun' query type */
export interface IMergeReferenceRunQuery {
  params: IMergeReferenceRunParams;
  result: IMergeReferenceRunResult;
}

const mergeReferenceRunIR: any = {"usedParamSet":{"organizationId":true,"runId":true},"params":[{"name":"organizationId","required":true,"transform":{"type":"scalar"},"locs":[{"a":307,"b":322}]},{"name":"runId","required":true,"transform":{"type":"scalar"},"locs":[{"a":325,"b":331}]}],"statement":"select state as \"state!\", rows_read as \"rowsRead!\", rows_inserted as \"rowsInserted!\", rows_updated as \"rowsUpdated!\",\n  rows_removed as \"rowsRemoved!\", rows_withheld as \"rowsWithheld!\", rows_rejected as \"rowsRejected!\",\n  notice as \"notice?\", error_code as \"errorCode?\"\nfrom app_private.merge_reference_run(:organizationId!, :runId!)"};

/**
 * Query generated from SQL:
 * ```
 * select state as "state!", rows_read as "rowsRead!", rows_inserted as "rowsInserted!", rows_updated as "rowsUpdated!",
 *   rows_removed as "rowsRemoved!", rows_withheld as "rowsWithheld!", rows_rejected as "rowsRejected!",
 *   notice as "notice?", error_code as "errorCode?"
 * from app_private.merge_reference_run(:organizationId!, :runId!)
 * ```
 */
export const mergeReferenceRun = new PreparedQuery<IMergeReferenceRunParams,IMergeReferenceRunResult>(mergeReferenceRunIR);


/** 'FailReferenceRun' parameters type */
export interface IFailReferenceRunParams {
  code: string;
  hint?: string | null | void;
  message: string;
  organizationId: number;
  runId: NumberOrString;
}

/** 'FailReferenceRun' return type */
export interface IFailReferenceRunResult {
  fail_reference_run: undefined | null;
}

/** 'FailReferenceRun' query type */
export interface IFailReferenceRunQuery {
  params: IFailReferenceRunParams;
  result: IFailReferenceRunResult;
}

const failReferenceRunIR: any = {"usedParamSet":{"organizationId":true,"runId":true,"code":true,"message":true,"hint":true},"params":[{"name":"organizationId","required":true,"transform":{"type":"scalar"},"locs":[{"a":38,"b":53}]},{"name":"runId","required":true,"transform":{"type":"scalar"},"locs":[{"a":56,"b":62}]},{"name":"code","required":true,"transform":{"type":"scalar"},"locs":[{"a":65,"b":70}]},{"name":"message","required":true,"transform":{"type":"scalar"},"locs":[{"a":73,"b":81}]},{"name":"hint","required":false,"transform":{"type":"scalar"},"locs":[{"a":84,"b":88}]}],"statement":"select app_private.fail_reference_run(:organizationId!, :runId!, :code!, :message!, :hint)"};

/**
 * Query generated from SQL:
 * ```
 * select app_private.fail_reference_run(:organizationId!, :runId!, :code!, :message!, :hint)
 * ```
 */
export const failReferenceRun = new PreparedQuery<IFailReferenceRunParams,IFailReferenceRunResult>(failReferenceRunIR);


/** 'DispatchDueReferenceReads' parameters type */
export type IDispatchDueReferenceReadsParams = void;

/** 'DispatchDueReferenceReads' return type */
export interface IDispatchDueReferenceReadsResult {
  queued: number;
}

/** 'DispatchDueReferenceReads' query type */
export interface IDispatchDueReferenceReadsQuery {
  params: IDispatchDueReferenceReadsParams;
  result: IDispatchDueReferenceReadsResult;
}

const dispatchDueReferenceReadsIR: any = {"usedParamSet":{},"params":[],"statement":"select app_private.dispatch_due_reference_reads() as \"queued!\""};

/**
 * Query generated from SQL:
 * ```
 * select app_private.dispatch_due_reference_reads() as "queued!"
 * ```
 */
export const dispatchDueReferenceReads = new PreparedQuery<IDispatchDueReferenceReadsParams,IDispatchDueReferenceReadsResult>(dispatchDueReferenceReadsIR);


/** 'QueueReferenceRuns' parameters type */
export interface IQueueReferenceRunsParams {
  organization: string;
}

/** 'QueueReferenceRuns' return type */
export interface IQueueReferenceRunsResult {
  list: string;
}

/** 'QueueReferenceRuns' query type */
export interface IQueueReferenceRunsQuery {
  params: IQueueReferenceRunsParams;
  result: IQueueReferenceRunsResult;
}

const queueReferenceRunsIR: any = {"usedParamSet":{"organization":true},"params":[{"name":"organization","required":true,"transform":{"type":"scalar"},"locs":[{"a":149,"b":162}]}],"statement":"select q.list as \"list!\"\nfrom app_public.organizations o\ncross join lateral app_private.queue_reference_runs(o.id, 'command', null) q\nwhere o.code = :organization! and o.is_active\norder by q.id"};

/**
 * Query generated from SQL:
 * ```
 * select q.list as "list!"
 * from app_public.organizations o
 * cross join lateral app_private.queue_reference_runs(o.id, 'command', null) q
 * where o.code = :organization! and o.is_active
 * order by q.id
 * ```
 */
export const queueReferenceRuns = new PreparedQuery<IQueueReferenceRunsParams,IQueueReferenceRunsResult>(queueReferenceRunsIR);


/** 'ListConnection' parameters type */
export interface IListConnectionParams {
  organization: string;
}

/** 'ListConnection' return type */
export interface IListConnectionResult {
  apiConfigurationId: string | null;
  /** Identifier. An integer, because it leads the key of every tenant table. */
  organizationId: number;
}

/** 'ListConnection' query type */
export interface IListConnectionQuery {
  params: IListConnectionParams;
  result: IListConnectionResult;
}

const listConnectionIR: any = {"usedParamSet":{"organization":true},"params":[{"name":"organization","required":true,"transform":{"type":"scalar"},"locs":[{"a":140,"b":153}]}],"statement":"select o.id as \"organizationId!\", app_private.pull_connection(o.id) as \"apiConfigurationId?\"\nfrom app_public.organizations o\nwhere o.code = :organization! and o.is_active"};

/**
 * Query generated from SQL:
 * ```
 * select o.id as "organizationId!", app_private.pull_connection(o.id) as "apiConfigurationId?"
 * from app_public.organizations o
 * where o.code = :organization! and o.is_active
 * ```
 */
export const listConnection = new PreparedQuery<IListConnectionParams,IListConnectionResult>(listConnectionIR);


/** 'ReferenceLists' parameters type */
export interface IReferenceListsParams {
  organization?: string | null | void;
}

/** 'ReferenceLists' return type */
export interface IReferenceListsResult {
  checkMode: string;
  entryCount: number;
  /** Why it failed, in a sentence. */
  lastRunError: string | null;
  /** What to do about it. */
  lastRunHint: string | null;
  /** `queued`, `running`, `succeeded`, `failed`. */
  lastRunState: string | null;
  /** The list: a key of records, or `organization` for the organizations that PEMS knows. */
  list: string;
  /** What an admin should know about a run that succeeded. */
  notice: string | null;
  /** Code in PEMS, such as `HOLNG`. Case matters. A numeric code takes precedence over an id with the same digits. */
  organization: string;
  /** When it ended. */
  readAt: Date | null;
  withheldRemovals: number;
}

/** 'ReferenceLists' query type */
export interface IReferenceListsQuery {
  params: IReferenceListsParams;
  result: IReferenceListsResult;
}

const referenceListsIR: any = {"usedParamSet":{"organization":true},"params":[{"name":"organization","required":false,"transform":{"type":"scalar"},"locs":[{"a":1351,"b":1363},{"a":1368,"b":1380}]}],"statement":"select o.code as \"organization!\", l.list as \"list!\", l.entry_count as \"entryCount!\", l.read_at as \"readAt?\",\n  l.last_run_state as \"lastRunState?\", l.last_run_error as \"lastRunError?\", l.last_run_hint as \"lastRunHint?\",\n  l.notice as \"notice?\", l.withheld_removals as \"withheldRemovals!\",\n  app_private.reference_check(o.id) as \"checkMode!\"\nfrom app_public.organizations o\ncross join lateral (\n  select d.list, d.id,\n    (select count(*)::integer from app_public.reference_entries e\n     where e.organization_id = o.id and e.list = d.list and not e.is_out_of_service) as entry_count,\n    done.finished_at as read_at, last.state as last_run_state, last.error_message as last_run_error,\n    last.error_hint as last_run_hint, done.notice,\n    case when done.accepted_at is null then coalesce(done.rows_withheld, 0) else 0 end as withheld_removals\n  from app_private.reference_sources d\n  left join lateral (\n    select r.* from app_public.reference_runs r\n    where r.organization_id = o.id and r.list = d.list order by r.id desc limit 1\n  ) last on true\n  left join lateral (\n    select r.* from app_public.reference_runs r\n    where r.organization_id = o.id and r.list = d.list and r.state = 'succeeded' order by r.id desc limit 1\n  ) done on true\n  where d.api_configuration_id is null and d.list <> 'organization'\n) l\nwhere o.is_active and (o.code = :organization or :organization is null)\norder by o.code, l.id"};

/**
 * Query generated from SQL:
 * ```
 * select o.code as "organization!", l.list as "list!", l.entry_count as "entryCount!", l.read_at as "readAt?",
 *   l.last_run_state as "lastRunState?", l.last_run_error as "lastRunError?", l.last_run_hint as "lastRunHint?",
 *   l.notice as "notice?", l.withheld_removals as "withheldRemovals!",
 *   app_private.reference_check(o.id) as "checkMode!"
 * from app_public.organizations o
 * cross join lateral (
 *   select d.list, d.id,
 *     (select count(*)::integer from app_public.reference_entries e
 *      where e.organization_id = o.id and e.list = d.list and not e.is_out_of_service) as entry_count,
 *     done.finished_at as read_at, last.state as last_run_state, last.error_message as last_run_error,
 *     last.error_hint as last_run_hint, done.notice,
 *     case when done.accepted_at is null then coalesce(done.rows_withheld, 0) else 0 end as withheld_removals
 *   from app_private.reference_sources d
 *   left join lateral (
 *     select r.* from app_public.reference_runs r
 *     where r.organization_id = o.id and r.list = d.list order by r.id desc limit 1
 *   ) last on true
 *   left join lateral (
 *     select r.* from app_public.reference_runs r
 *     where r.organization_id = o.id and r.list = d.list and r.state = 'succeeded' order by r.id desc limit 1
 *   ) done on true
 *   where d.api_configuration_id is null and d.list <> 'organization'
 * ) l
 * where o.is_active and (o.code = :organization or :organization is null)
 * order by o.code, l.id
 * ```
 */
export const referenceLists = new PreparedQuery<IReferenceListsParams,IReferenceListsResult>(referenceListsIR);


/** 'AcceptReferenceRemovals' parameters type */
export interface IAcceptReferenceRemovalsParams {
  list: string;
  organization: string;
}

/** 'AcceptReferenceRemovals' return type */
export interface IAcceptReferenceRemovalsResult {
  rowsRemoved: number;
}

/** 'AcceptReferenceRemovals' query type */
export interface IAcceptReferenceRemovalsQuery {
  params: IAcceptReferenceRemovalsParams;
  result: IAcceptReferenceRemovalsResult;
}

const acceptReferenceRemovalsIR: any = {"usedParamSet":{"list":true,"organization":true},"params":[{"name":"list","required":true,"transform":{"type":"scalar"},"locs":[{"a":135,"b":140}]},{"name":"organization","required":true,"transform":{"type":"scalar"},"locs":[{"a":166,"b":179}]}],"statement":"select r.rows_removed as \"rowsRemoved!\"\nfrom app_public.organizations o\ncross join lateral app_private.accept_reference_removals(o.id, :list!, null) r\nwhere o.code = :organization!"};

/**
 * Query generated from SQL:
 * ```
 * select r.rows_removed as "rowsRemoved!"
 * from app_public.organizations o
 * cross join lateral app_private.accept_reference_removals(o.id, :list!, null) r
 * where o.code = :organization!
 * ```
 */
export const acceptReferenceRemovals = new PreparedQuery<IAcceptReferenceRemovalsParams,IAcceptReferenceRemovalsResult>(acceptReferenceRemovalsIR);


/** 'ReferenceSettings' parameters type */
export interface IReferenceSettingsParams {
  apiConfigurationId: string;
}

/** 'ReferenceSettings' return type */
export interface IReferenceSettingsResult {
  checkMode: string;
  everyMinutes: number;
}

/** 'ReferenceSettings' query type */
export interface IReferenceSettingsQuery {
  params: IReferenceSettingsParams;
  result: IReferenceSettingsResult;
}

const referenceSettingsIR: any = {"usedParamSet":{"apiConfigurationId":true},"params":[{"name":"apiConfigurationId","required":true,"transform":{"type":"scalar"},"locs":[{"a":238,"b":257}]}],"statement":"select s.check_mode as \"checkMode!\", (extract(epoch from s.every) / 60)::integer as \"everyMinutes!\"\nfrom app_public.pems_settings p\ncross join lateral app_private.reference_setting(p.api_configuration_id) s\nwhere p.api_configuration_id = :apiConfigurationId!"};

/**
 * Query generated from SQL:
 * ```
 * select s.check_mode as "checkMode!", (extract(epoch from s.every) / 60)::integer as "everyMinutes!"
 * from app_public.pems_settings p
 * cross join lateral app_private.reference_setting(p.api_configuration_id) s
 * where p.api_configuration_id = :apiConfigurationId!
 * ```
 */
export const referenceSettings = new PreparedQuery<IReferenceSettingsParams,IReferenceSettingsResult>(referenceSettingsIR);


/** 'WriteReferenceSetting' parameters type */
export interface IWriteReferenceSettingParams {
  apiConfigurationId: string;
  checkMode?: string | null | void;
  everyMinutes?: number | null | void;
}

/** 'WriteReferenceSetting' return type */
export interface IWriteReferenceSettingResult {
  isKnown: boolean;
}

/** 'WriteReferenceSetting' query type */
export interface IWriteReferenceSettingQuery {
  params: IWriteReferenceSettingParams;
  result: IWriteReferenceSettingResult;
}

const writeReferenceSettingIR: any = {"usedParamSet":{"apiConfigurationId":true,"checkMode":true,"everyMinutes":true},"params":[{"name":"apiConfigurationId","required":true,"transform":{"type":"scalar"},"locs":[{"a":43,"b":62}]},{"name":"checkMode","required":false,"transform":{"type":"scalar"},"locs":[{"a":65,"b":74}]},{"name":"everyMinutes","required":false,"transform":{"type":"scalar"},"locs":[{"a":101,"b":113}]}],"statement":"select app_private.write_reference_setting(:apiConfigurationId!, :checkMode,\n  make_interval(mins => :everyMinutes)) as \"isKnown!\""};

/**
 * Query generated from SQL:
 * ```
 * select app_private.write_reference_setting(:apiConfigurationId!, :checkMode,
 *   make_interval(mins => :everyMinutes)) as "isKnown!"
 * ```
 */
export const writeReferenceSetting = new PreparedQuery<IWriteReferenceSettingParams,IWriteReferenceSettingResult>(writeReferenceSettingIR);


/** 'ReferenceSources' parameters type */
export interface IReferenceSourcesParams {
  apiConfigurationId: string;
}

/** 'ReferenceSources' return type */
export interface IReferenceSourcesResult {
  fields: Json;
  /** The list: a key of records, or `organization` for the organizations that PEMS knows. */
  list: string;
  path: string | null;
}

/** 'ReferenceSources' query type */
export interface IReferenceSourcesQuery {
  params: IReferenceSourcesParams;
  result: IReferenceSourcesResult;
}

const referenceSourcesIR: any = {"usedParamSet":{"apiConfigurationId":true},"params":[{"name":"apiConfigurationId","required":true,"transform":{"type":"scalar"},"locs":[{"a":240,"b":259}]}],"statement":"select d.list as \"list!\", case when o.id is null then d.path else o.path end as \"path?\",\n  coalesce(o.fields, d.fields) as \"fields!\"\nfrom app_private.reference_sources d\nleft join app_private.reference_sources o on o.api_configuration_id = :apiConfigurationId! and o.list = d.list\nwhere d.api_configuration_id is null\norder by d.id"};

/**
 * Query generated from SQL:
 * ```
 * select d.list as "list!", case when o.id is null then d.path else o.path end as "path?",
 *   coalesce(o.fields, d.fields) as "fields!"
 * from app_private.reference_sources d
 * left join app_private.reference_sources o on o.api_configuration_id = :apiConfigurationId! and o.list = d.list
 * where d.api_configuration_id is null
 * order by d.id
 * ```
 */
export const referenceSources = new PreparedQuery<IReferenceSourcesParams,IReferenceSourcesResult>(referenceSourcesIR);


/** 'WriteReferencePath' parameters type */
export interface IWriteReferencePathParams {
  apiConfigurationId: string;
  list: string;
  path?: string | null | void;
}

/** 'WriteReferencePath' return type */
export type IWriteReferencePathResult = void;

/** 'WriteReferencePath' query type */
export interface IWriteReferencePathQuery {
  params: IWriteReferencePathParams;
  result: IWriteReferencePathResult;
}

const writeReferencePathIR: any = {"usedParamSet":{"apiConfigurationId":true,"list":true,"path":true},"params":[{"name":"apiConfigurationId","required":true,"transform":{"type":"scalar"},"locs":[{"a":90,"b":109}]},{"name":"list","required":true,"transform":{"type":"scalar"},"locs":[{"a":112,"b":117}]},{"name":"path","required":false,"transform":{"type":"scalar"},"locs":[{"a":120,"b":124}]}],"statement":"insert into app_private.reference_sources as s (api_configuration_id, list, path)\nvalues (:apiConfigurationId!, :list!, :path)\non conflict (api_configuration_id, list) do update set path = excluded.path"};

/**
 * Query generated from SQL:
 * ```
 * insert into app_private.reference_sources as s (api_configuration_id, list, path)
 * values (:apiConfigurationId!, :list!, :path)
 * on conflict (api_configuration_id, list) do update set path = excluded.path
 * ```
 */
export const writeReferencePath = new PreparedQuery<IWriteReferencePathParams,IWriteReferencePathResult>(writeReferencePathIR);


/** 'WriteReferenceField' parameters type */
export interface IWriteReferenceFieldParams {
  apiConfigurationId: string;
  field: string;
  list: string;
  name: string;
}

/** 'WriteReferenceField' return type */
export type IWriteReferenceFieldResult = void;

/** 'WriteReferenceField' query type */
export interface IWriteReferenceFieldQuery {
  params: IWriteReferenceFieldParams;
  result: IWriteReferenceFieldResult;
}

const writeReferenceFieldIR: any = {"usedParamSet":{"apiConfigurationId":true,"field":true,"name":true,"list":true},"params":[{"name":"apiConfigurationId","required":true,"transform":{"type":"scalar"},"locs":[{"a":97,"b":116},{"a":361,"b":380}]},{"name":"field","required":true,"transform":{"type":"scalar"},"locs":[{"a":206,"b":212}]},{"name":"name","required":true,"transform":{"type":"scalar"},"locs":[{"a":239,"b":244}]},{"name":"list","required":true,"transform":{"type":"scalar"},"locs":[{"a":452,"b":457}]}],"statement":"insert into app_private.reference_sources as s (api_configuration_id, list, path, fields)\nselect :apiConfigurationId!, d.list, coalesce(o.path, d.path),\n  coalesce(o.fields, d.fields) || jsonb_build_object(:field!::text, jsonb_build_array(:name!::text))\nfrom app_private.reference_sources d\nleft join app_private.reference_sources o on o.api_configuration_id = :apiConfigurationId! and o.list = d.list\nwhere d.api_configuration_id is null and d.list = :list!\non conflict (api_configuration_id, list) do update set fields = excluded.fields"};

/**
 * Query generated from SQL:
 * ```
 * insert into app_private.reference_sources as s (api_configuration_id, list, path, fields)
 * select :apiConfigurationId!, d.list, coalesce(o.path, d.path),
 *   coalesce(o.fields, d.fields) || jsonb_build_object(:field!::text, jsonb_build_array(:name!::text))
 * from app_private.reference_sources d
 * left join app_private.reference_sources o on o.api_configuration_id = :apiConfigurationId! and o.list = d.list
 * where d.api_configuration_id is null and d.list = :list!
 * on conflict (api_configuration_id, list) do update set fields = excluded.fields
 * ```
 */
export const writeReferenceField = new PreparedQuery<IWriteReferenceFieldParams,IWriteReferenceFieldResult>(writeReferenceFieldIR);


/** 'OrganizationProposals' parameters type */
export interface IOrganizationProposalsParams {
  withDecided: boolean;
}

/** 'OrganizationProposals' return type */
export interface IOrganizationProposalsResult {
  /** Its code in PEMS. */
  code: string;
  /** When it was accepted or dismissed. */
  decidedAt: Date | null;
  /** When it was first found. */
  foundAt: Date;
  /** What PEMS calls it. */
  name: string;
  /** `pending`, `accepted` or `dismissed`. */
  state: string;
}

/** 'OrganizationProposals' query type */
export interface IOrganizationProposalsQuery {
  params: IOrganizationProposalsParams;
  result: IOrganizationProposalsResult;
}

const organizationProposalsIR: any = {"usedParamSet":{"withDecided":true},"params":[{"name":"withDecided","required":true,"transform":{"type":"scalar"},"locs":[{"a":170,"b":182}]}],"statement":"select p.code as \"code!\", p.name as \"name!\", p.state as \"state!\", p.found_at as \"foundAt!\",\n  p.decided_at as \"decidedAt?\"\nfrom app_public.organization_proposals p\nwhere :withDecided! or p.state = 'pending'\norder by p.code"};

/**
 * Query generated from SQL:
 * ```
 * select p.code as "code!", p.name as "name!", p.state as "state!", p.found_at as "foundAt!",
 *   p.decided_at as "decidedAt?"
 * from app_public.organization_proposals p
 * where :withDecided! or p.state = 'pending'
 * order by p.code
 * ```
 */
export const organizationProposals = new PreparedQuery<IOrganizationProposalsParams,IOrganizationProposalsResult>(organizationProposalsIR);


/** 'DecideOrganizationProposal' parameters type */
export interface IDecideOrganizationProposalParams {
  code: string;
  isAccepted: boolean;
}

/** 'DecideOrganizationProposal' return type */
export interface IDecideOrganizationProposalResult {
  code: string;
  name: string;
  state: string;
}

/** 'DecideOrganizationProposal' query type */
export interface IDecideOrganizationProposalQuery {
  params: IDecideOrganizationProposalParams;
  result: IDecideOrganizationProposalResult;
}

const decideOrganizationProposalIR: any = {"usedParamSet":{"code":true,"isAccepted":true},"params":[{"name":"code","required":true,"transform":{"type":"scalar"},"locs":[{"a":111,"b":116}]},{"name":"isAccepted","required":true,"transform":{"type":"scalar"},"locs":[{"a":119,"b":130}]}],"statement":"select p.code as \"code!\", p.name as \"name!\", p.state as \"state!\"\nfrom app_private.decide_organization_proposal(:code!, :isAccepted!, null) p"};

/**
 * Query generated from SQL:
 * ```
 * select p.code as "code!", p.name as "name!", p.state as "state!"
 * from app_private.decide_organization_proposal(:code!, :isAccepted!, null) p
 * ```
 */
export const decideOrganizationProposal = new PreparedQuery<IDecideOrganizationProposalParams,IDecideOrganizationProposalResult>(decideOrganizationProposalIR);


