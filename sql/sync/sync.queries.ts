/** Types generated for queries found in "sql/sync/sync.sql" */
import { PreparedQuery } from '@pgtyped/runtime';

export type DateOrString = Date | string;

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export type NumberOrString = number | string;

export type stringArray = (string)[];

/** 'RequestSync' parameters type */
export interface IRequestSyncParams {
  kind?: string | null | void;
  organizationId: number;
}

/** 'RequestSync' return type */
export interface IRequestSyncResult {
  id: string;
  kind: string;
  requestedAt: Date;
  state: string;
}

/** 'RequestSync' query type */
export interface IRequestSyncQuery {
  params: IRequestSyncParams;
  result: IRequestSyncResult;
}

const requestSyncIR: any = {"usedParamSet":{"organizationId":true,"kind":true},"params":[{"name":"organizationId","required":true,"transform":{"type":"scalar"},"locs":[{"a":116,"b":131}]},{"name":"kind","required":false,"transform":{"type":"scalar"},"locs":[{"a":134,"b":138}]}],"statement":"select id as \"id!\", kind as \"kind!\", state as \"state!\", requested_at as \"requestedAt!\"\nfrom app_public.request_sync(:organizationId!, :kind)"};

/**
 * Query generated from SQL:
 * ```
 * select id as "id!", kind as "kind!", state as "state!", requested_at as "requestedAt!"
 * from app_public.request_sync(:organizationId!, :kind)
 * ```
 */
export const requestSync = new PreparedQuery<IRequestSyncParams,IRequestSyncResult>(requestSyncIR);


/** 'SyncStatus' parameters type */
export type ISyncStatusParams = void;

/** 'SyncStatus' return type */
export interface ISyncStatusResult {
  columnChanges: Json | null;
  /** Reason why the run failed or was withheld: a stable code. */
  errorCode: string | null;
  /** Suggested action. */
  errorHint: string | null;
  /** Reason why the run failed or was withheld, in a sentence. */
  errorMessage: string | null;
  /** Number of rows read so far. */
  lastRowsRead: number | null;
  /** When the run ended. */
  lastSyncedAt: Date | null;
  missingColumns: Json;
  notice: string | null;
  /** Code in PEMS, such as `HOLNG`. Case matters. A numeric code takes precedence over an id with the same digits. */
  organization: string;
  /** Identifier. An integer, because it leads the key of every tenant table. */
  organizationId: number;
  rejectedFields: Json;
  /** When the withheld run was accepted. The next run merges it. */
  runAcceptedAt: Date | null;
  /** When the run ended. */
  runFinishedAt: Date | null;
  /** Identifier, and the token of the run: only a running run may merge. */
  runId: string | null;
  /** `full` reads everything; `incremental` reads changes of PEMS since the last completed run. For a waiting run, the kind that it would have now. */
  runKind: string | null;
  /** Changes that a withheld run would make: `{"added", "changed", "rejected", "missing", "columns": [{"key", "changed", "emptied", "samples": [{"recordId", "from", "to"}]}]}`. */
  runPreview: Json | null;
  /** @notNull
Reasons for withholding the run: `[{"code", "key", "message", "count", "of", "samples"}]`. */
  runReasons: Json | null;
  /** When it was requested. */
  runRequestedAt: Date | null;
  /** Number of rows read so far. */
  runRowsRead: number | null;
  /** When the run began. */
  runStartedAt: Date | null;
  /** `queued`, `running`, `succeeded`, `withheld` (read, but not merged until a user or command accepts it), `failed`. */
  runState: string | null;
}

/** 'SyncStatus' query type */
export interface ISyncStatusQuery {
  params: ISyncStatusParams;
  result: ISyncStatusResult;
}

const syncStatusIR: any = {"usedParamSet":{},"params":[],"statement":"select o.id as \"organizationId!\", o.code as \"organization!\",\n  done.finished_at as \"lastSyncedAt?\", whole.rows_read as \"lastRowsRead?\",\n  run.id as \"runId?\", run.kind as \"runKind?\", run.state as \"runState?\", run.rows_read as \"runRowsRead?\",\n  run.requested_at as \"runRequestedAt?\", run.started_at as \"runStartedAt?\", run.finished_at as \"runFinishedAt?\",\n  run.error_code as \"errorCode?\", run.error_message as \"errorMessage?\", run.error_hint as \"errorHint?\",\n  done.notice as \"notice?\", run.reasons as \"runReasons?\", run.preview as \"runPreview?\",\n  run.accepted_at as \"runAcceptedAt?\", lost.columns as \"missingColumns!\", changed.columns as \"columnChanges?\",\n  rejected.fields as \"rejectedFields!\"\nfrom app_public.organizations o\nleft join lateral (\n  select l.finished_at, case when l.removals_accepted_at is null then l.notice end as notice\n  from app_public.pfa_sync_log l\n  where l.organization_id = o.id and l.state = 'succeeded' order by l.finished_at desc limit 1\n) done on true\nleft join lateral (\n  -- Number of records; an incremental run reads changes only.\n  select l.rows_read from app_public.pfa_sync_log l\n  where l.organization_id = o.id and l.state = 'succeeded' and l.kind = 'full' order by l.finished_at desc limit 1\n) whole on true\nleft join lateral (\n  select l.* from app_public.pfa_sync_log l where l.organization_id = o.id order by l.id desc limit 1\n) run on true\ncross join lateral (\n  select coalesce(json_agg(json_build_object('alias', c.alias, 'keys', c.keys, 'lastSeenAt', c.last_seen_at)\n    order by c.alias), '[]') as columns\n  from app_public.pfa_column c\n  where c.organization_id = o.id and c.missing_since is not null and c.first_seen_at is not null\n) lost\nleft join lateral (\n  -- The last time that the header changed.\n  select json_build_object('runId', l.id, 'at', l.finished_at, 'came', coalesce(l.column_changes->'came', '[]'),\n    'went', coalesce(l.column_changes->'went', '[]'), 'retyped', coalesce(l.column_changes->'retyped', '[]')) as columns\n  from app_public.pfa_sync_log l\n  where l.organization_id = o.id and l.column_changes <> '{}' and l.state in ('succeeded', 'withheld')\n    and l.finished_at > clock_timestamp() - interval '7 days'\n  order by l.id desc limit 1\n) changed on true\ncross join lateral (\n  -- Includes the last full run and all later runs.\n  select coalesce(json_agg(json_build_object('key', f.key, 'alias', f.alias, 'count', f.count, 'samples', f.samples)\n    order by f.key), '[]') as fields\n  from (\n    select f.key, min(f.alias) as alias, sum(f.count) as count, (array_agg(f.samples order by l.id desc))[1] as samples\n    from app_public.pfa_sync_log l\n    cross join jsonb_to_recordset(l.rejected_fields) f (key text, alias text, count integer, samples jsonb)\n    where l.organization_id = o.id and l.state = 'succeeded' and l.values_rejected > 0 and l.id >= (\n      select max(w.id) from app_public.pfa_sync_log w\n      where w.organization_id = o.id and w.state = 'succeeded' and w.kind = 'full')\n    group by f.key\n  ) f\n) rejected\norder by o.code"};

/**
 * Query generated from SQL:
 * ```
 * select o.id as "organizationId!", o.code as "organization!",
 *   done.finished_at as "lastSyncedAt?", whole.rows_read as "lastRowsRead?",
 *   run.id as "runId?", run.kind as "runKind?", run.state as "runState?", run.rows_read as "runRowsRead?",
 *   run.requested_at as "runRequestedAt?", run.started_at as "runStartedAt?", run.finished_at as "runFinishedAt?",
 *   run.error_code as "errorCode?", run.error_message as "errorMessage?", run.error_hint as "errorHint?",
 *   done.notice as "notice?", run.reasons as "runReasons?", run.preview as "runPreview?",
 *   run.accepted_at as "runAcceptedAt?", lost.columns as "missingColumns!", changed.columns as "columnChanges?",
 *   rejected.fields as "rejectedFields!"
 * from app_public.organizations o
 * left join lateral (
 *   select l.finished_at, case when l.removals_accepted_at is null then l.notice end as notice
 *   from app_public.pfa_sync_log l
 *   where l.organization_id = o.id and l.state = 'succeeded' order by l.finished_at desc limit 1
 * ) done on true
 * left join lateral (
 *   -- Number of records; an incremental run reads changes only.
 *   select l.rows_read from app_public.pfa_sync_log l
 *   where l.organization_id = o.id and l.state = 'succeeded' and l.kind = 'full' order by l.finished_at desc limit 1
 * ) whole on true
 * left join lateral (
 *   select l.* from app_public.pfa_sync_log l where l.organization_id = o.id order by l.id desc limit 1
 * ) run on true
 * cross join lateral (
 *   select coalesce(json_agg(json_build_object('alias', c.alias, 'keys', c.keys, 'lastSeenAt', c.last_seen_at)
 *     order by c.alias), '[]') as columns
 *   from app_public.pfa_column c
 *   where c.organization_id = o.id and c.missing_since is not null and c.first_seen_at is not null
 * ) lost
 * left join lateral (
 *   -- The last time that the header changed.
 *   select json_build_object('runId', l.id, 'at', l.finished_at, 'came', coalesce(l.column_changes->'came', '[]'),
 *     'went', coalesce(l.column_changes->'went', '[]'), 'retyped', coalesce(l.column_changes->'retyped', '[]')) as columns
 *   from app_public.pfa_sync_log l
 *   where l.organization_id = o.id and l.column_changes <> '{}' and l.state in ('succeeded', 'withheld')
 *     and l.finished_at > clock_timestamp() - interval '7 days'
 *   order by l.id desc limit 1
 * ) changed on true
 * cross join lateral (
 *   -- Includes the last full run and all later runs.
 *   select coalesce(json_agg(json_build_object('key', f.key, 'alias', f.alias, 'count', f.count, 'samples', f.samples)
 *     order by f.key), '[]') as fields
 *   from (
 *     select f.key, min(f.alias) as alias, sum(f.count) as count, (array_agg(f.samples order by l.id desc))[1] as samples
 *     from app_public.pfa_sync_log l
 *     cross join jsonb_to_recordset(l.rejected_fields) f (key text, alias text, count integer, samples jsonb)
 *     where l.organization_id = o.id and l.state = 'succeeded' and l.values_rejected > 0 and l.id >= (
 *       select max(w.id) from app_public.pfa_sync_log w
 *       where w.organization_id = o.id and w.state = 'succeeded' and w.kind = 'full')
 *     group by f.key
 *   ) f
 * ) rejected
 * order by o.code
 * ```
 */
export const syncStatus = new PreparedQuery<ISyncStatusParams,ISyncStatusResult>(syncStatusIR);


/** 'BeginSyncRun' parameters type */
export interface IBeginSyncRunParams {
  organizationId: number;
  runId: NumberOrString;
  workerId: string;
}

/** 'BeginSyncRun' return type */
export interface IBeginSyncRunResult {
  changedSince: string | null;
  id: string;
  kind: string;
  /** Code in PEMS, such as `HOLNG`. Case matters. A numeric code takes precedence over an id with the same digits. */
  organization: string;
}

/** 'BeginSyncRun' query type */
export interface IBeginSyncRunQuery {
  params: IBeginSyncRunParams;
  result: IBeginSyncRunResult;
}

const beginSyncRunIR: any = {"usedParamSet":{"organizationId":true,"runId":true,"workerId":true},"params":[{"name":"organizationId","required":true,"transform":{"type":"scalar"},"locs":[{"a":168,"b":183}]},{"name":"runId","required":true,"transform":{"type":"scalar"},"locs":[{"a":186,"b":192}]},{"name":"workerId","required":true,"transform":{"type":"scalar"},"locs":[{"a":195,"b":204}]}],"statement":"select r.id as \"id!\", o.code as \"organization!\", r.kind as \"kind!\",\n  to_char(r.changed_since, 'YYYY-MM-DD HH24:MI') as \"changedSince?\"\nfrom app_private.begin_sync_run(:organizationId!, :runId!, :workerId!) r\njoin app_public.organizations o on o.id = r.organization_id"};

/**
 * Query generated from SQL:
 * ```
 * select r.id as "id!", o.code as "organization!", r.kind as "kind!",
 *   to_char(r.changed_since, 'YYYY-MM-DD HH24:MI') as "changedSince?"
 * from app_private.begin_sync_run(:organizationId!, :runId!, :workerId!) r
 * join app_public.organizations o on o.id = r.organization_id
 * ```
 */
export const beginSyncRun = new PreparedQuery<IBeginSyncRunParams,IBeginSyncRunResult>(beginSyncRunIR);


/** 'ReportSyncProgress' parameters type */
export interface IReportSyncProgressParams {
  organizationId: number;
  rowsRead: number;
  runId: NumberOrString;
}

/** 'ReportSyncProgress' return type */
export interface IReportSyncProgressResult {
  isCurrent: boolean;
}

/** 'ReportSyncProgress' query type */
export interface IReportSyncProgressQuery {
  params: IReportSyncProgressParams;
  result: IReportSyncProgressResult;
}

const reportSyncProgressIR: any = {"usedParamSet":{"organizationId":true,"runId":true,"rowsRead":true},"params":[{"name":"organizationId","required":true,"transform":{"type":"scalar"},"locs":[{"a":40,"b":55}]},{"name":"runId","required":true,"transform":{"type":"scalar"},"locs":[{"a":58,"b":64}]},{"name":"rowsRead","required":true,"transform":{"type":"scalar"},"locs":[{"a":67,"b":76}]}],"statement":"select app_private.report_sync_progress(:organizationId!, :runId!, :rowsRead!) as \"isCurrent!\""};

/**
 * Query generated from SQL:
 * ```
 * select app_private.report_sync_progress(:organizationId!, :runId!, :rowsRead!) as "isCurrent!"
 * ```
 */
export const reportSyncProgress = new PreparedQuery<IReportSyncProgressParams,IReportSyncProgressResult>(reportSyncProgressIR);


/** 'FailSyncRun' parameters type */
export interface IFailSyncRunParams {
  code: string;
  hint?: string | null | void;
  message: string;
  organizationId: number;
  runId: NumberOrString;
}

/** 'FailSyncRun' return type */
export interface IFailSyncRunResult {
  fail_sync_run: undefined | null;
}

/** 'FailSyncRun' query type */
export interface IFailSyncRunQuery {
  params: IFailSyncRunParams;
  result: IFailSyncRunResult;
}

const failSyncRunIR: any = {"usedParamSet":{"organizationId":true,"runId":true,"code":true,"message":true,"hint":true},"params":[{"name":"organizationId","required":true,"transform":{"type":"scalar"},"locs":[{"a":33,"b":48}]},{"name":"runId","required":true,"transform":{"type":"scalar"},"locs":[{"a":51,"b":57}]},{"name":"code","required":true,"transform":{"type":"scalar"},"locs":[{"a":60,"b":65}]},{"name":"message","required":true,"transform":{"type":"scalar"},"locs":[{"a":68,"b":76}]},{"name":"hint","required":false,"transform":{"type":"scalar"},"locs":[{"a":79,"b":83}]}],"statement":"select app_private.fail_sync_run(:organizationId!, :runId!, :code!, :message!, :hint)"};

/**
 * Query generated from SQL:
 * ```
 * select app_private.fail_sync_run(:organizationId!, :runId!, :code!, :message!, :hint)
 * ```
 */
export const failSyncRun = new PreparedQuery<IFailSyncRunParams,IFailSyncRunResult>(failSyncRunIR);


/** 'MergeSyncRun' parameters type */
export interface IMergeSyncRunParams {
  organizationId: number;
  runId: NumberOrString;
  summary?: Json | null | void;
}

/** 'MergeSyncRun' return type */
export interface IMergeSyncRunResult {
  conflicts: number;
  errorCode: string | null;
  notice: string | null;
  rowsInserted: number;
  rowsRead: number;
  rowsRejected: number;
  rowsRemoved: number;
  rowsSpared: number;
  rowsUnchanged: number;
  rowsUpdated: number;
  state: string;
  valuesRejected: number;
}

/** 'MergeSyncRun' query type */
export interface IMergeSyncRunQuery {
  params: IMergeSyncRunParams;
  result: IMergeSyncRunResult;
}

const mergeSyncRunIR: any = {"usedParamSet":{"organizationId":true,"runId":true,"summary":true},"params":[{"name":"organizationId","required":true,"transform":{"type":"scalar"},"locs":[{"a":401,"b":416}]},{"name":"runId","required":true,"transform":{"type":"scalar"},"locs":[{"a":419,"b":425}]},{"name":"summary","required":false,"transform":{"type":"scalar"},"locs":[{"a":428,"b":435}]}],"statement":"select state as \"state!\", error_code as \"errorCode?\",\n  rows_read as \"rowsRead!\", rows_inserted as \"rowsInserted!\", rows_updated as \"rowsUpdated!\",\n  rows_unchanged as \"rowsUnchanged!\", rows_removed as \"rowsRemoved!\", rows_spared as \"rowsSpared!\",\n  rows_rejected as \"rowsRejected!\", values_rejected as \"valuesRejected!\", conflicts as \"conflicts!\", notice as \"notice?\"\nfrom app_private.merge_sync_run(:organizationId!, :runId!, :summary)"};

/**
 * Query generated from SQL:
 * ```
 * select state as "state!", error_code as "errorCode?",
 *   rows_read as "rowsRead!", rows_inserted as "rowsInserted!", rows_updated as "rowsUpdated!",
 *   rows_unchanged as "rowsUnchanged!", rows_removed as "rowsRemoved!", rows_spared as "rowsSpared!",
 *   rows_rejected as "rowsRejected!", values_rejected as "valuesRejected!", conflicts as "conflicts!", notice as "notice?"
 * from app_private.merge_sync_run(:organizationId!, :runId!, :summary)
 * ```
 */
export const mergeSyncRun = new PreparedQuery<IMergeSyncRunParams,IMergeSyncRunResult>(mergeSyncRunIR);


/** 'FieldMapping' parameters type */
export interface IFieldMappingParams {
  organizationId: number;
}

/** 'FieldMapping' return type */
export interface IFieldMappingResult {
  /** Allowed values. Null: any. */
  allowed: stringArray | null;
  choices: Json | null;
  earliest: string | null;
  gridAliases: stringArray;
  key: string;
  kind: string;
  largest: number | null;
  latest: string | null;
  maxAmount: number | null;
  maxLength: number | null;
  screenField: string | null;
}

/** 'FieldMapping' query type */
export interface IFieldMappingQuery {
  params: IFieldMappingParams;
  result: IFieldMappingResult;
}

const fieldMappingIR: any = {"usedParamSet":{"organizationId":true},"params":[{"name":"organizationId","required":true,"transform":{"type":"scalar"},"locs":[{"a":401,"b":416},{"a":643,"b":658}]}],"statement":"select m.key as \"key!\", m.kind as \"kind!\", m.max_length as \"maxLength?\", m.max_amount::float8 as \"maxAmount?\",\n  m.grid_aliases as \"gridAliases!\", m.screen_field as \"screenField?\",\n  to_char(f.earliest, 'YYYY-MM-DD') as \"earliest?\", to_char(f.latest, 'YYYY-MM-DD') as \"latest?\",\n  f.largest::float8 as \"largest?\", f.allowed_values as \"allowed?\", c.choices as \"choices?\"\nfrom app_private.field_mapping(:organizationId!) m\njoin app_public.pfa_fields f on f.key = m.key\nleft join (\n  select key, json_agg(json_build_object('value', value, 'spelling', spelling, 'notation', notation)\n    order by rank) as choices\n  from app_private.field_choices(:organizationId!) group by key\n) c on c.key = m.key"};

/**
 * Query generated from SQL:
 * ```
 * select m.key as "key!", m.kind as "kind!", m.max_length as "maxLength?", m.max_amount::float8 as "maxAmount?",
 *   m.grid_aliases as "gridAliases!", m.screen_field as "screenField?",
 *   to_char(f.earliest, 'YYYY-MM-DD') as "earliest?", to_char(f.latest, 'YYYY-MM-DD') as "latest?",
 *   f.largest::float8 as "largest?", f.allowed_values as "allowed?", c.choices as "choices?"
 * from app_private.field_mapping(:organizationId!) m
 * join app_public.pfa_fields f on f.key = m.key
 * left join (
 *   select key, json_agg(json_build_object('value', value, 'spelling', spelling, 'notation', notation)
 *     order by rank) as choices
 *   from app_private.field_choices(:organizationId!) group by key
 * ) c on c.key = m.key
 * ```
 */
export const fieldMapping = new PreparedQuery<IFieldMappingParams,IFieldMappingResult>(fieldMappingIR);


/** 'SeenColumns' parameters type */
export interface ISeenColumnsParams {
  organizationId: number;
}

/** 'SeenColumns' return type */
export interface ISeenColumnsResult {
  alias: string;
}

/** 'SeenColumns' query type */
export interface ISeenColumnsQuery {
  params: ISeenColumnsParams;
  result: ISeenColumnsResult;
}

const seenColumnsIR: any = {"usedParamSet":{"organizationId":true},"params":[{"name":"organizationId","required":true,"transform":{"type":"scalar"},"locs":[{"a":57,"b":72}]}],"statement":"select c.alias as \"alias!\"\nfrom app_private.seen_columns(:organizationId!) c (alias)"};

/**
 * Query generated from SQL:
 * ```
 * select c.alias as "alias!"
 * from app_private.seen_columns(:organizationId!) c (alias)
 * ```
 */
export const seenColumns = new PreparedQuery<ISeenColumnsParams,ISeenColumnsResult>(seenColumnsIR);


/** 'Clock' parameters type */
export type IClockParams = void;

/** 'Clock' return type */
export interface IClockResult {
  now: string;
}

/** 'Clock' query type */
export interface IClockQuery {
  params: IClockParams;
  result: IClockResult;
}

const clockIR: any = {"usedParamSet":{},"params":[],"statement":"select (extract(epoch from clock_timestamp()) * 1000000)::bigint::text as \"now!\""};

/**
 * Query generated from SQL:
 * ```
 * select (extract(epoch from clock_timestamp()) * 1000000)::bigint::text as "now!"
 * ```
 */
export const clock = new PreparedQuery<IClockParams,IClockResult>(clockIR);


/** 'DispatchDueSyncs' parameters type */
export type IDispatchDueSyncsParams = void;

/** 'DispatchDueSyncs' return type */
export interface IDispatchDueSyncsResult {
  queued: number;
}

/** 'DispatchDueSyncs' query type */
export interface IDispatchDueSyncsQuery {
  params: IDispatchDueSyncsParams;
  result: IDispatchDueSyncsResult;
}

const dispatchDueSyncsIR: any = {"usedParamSet":{},"params":[],"statement":"select app_private.dispatch_due_syncs() as \"queued!\""};

/**
 * Query generated from SQL:
 * ```
 * select app_private.dispatch_due_syncs() as "queued!"
 * ```
 */
export const dispatchDueSyncs = new PreparedQuery<IDispatchDueSyncsParams,IDispatchDueSyncsResult>(dispatchDueSyncsIR);


/** 'SyncSchedules' parameters type */
export interface ISyncSchedulesParams {
  organization?: string | null | void;
}

/** 'SyncSchedules' return type */
export interface ISyncSchedulesResult {
  changedAt: Date | null;
  changedBy: string | null;
  cron: string | null;
  everyMinutes: number | null;
  fullEveryHours: number;
  isPaused: boolean;
  nextRunAt: Date | null;
  nextRunKind: string | null;
  /** Code in PEMS, such as `HOLNG`. Case matters. A numeric code takes precedence over an id with the same digits. */
  organization: string;
  pausedAt: Date | null;
  pausedBy: string | null;
  quietFrom: string | null;
  quietTo: string | null;
  timeZone: string;
}

/** 'SyncSchedules' query type */
export interface ISyncSchedulesQuery {
  params: ISyncSchedulesParams;
  result: ISyncSchedulesResult;
}

const syncSchedulesIR: any = {"usedParamSet":{"organization":true},"params":[{"name":"organization","required":false,"transform":{"type":"scalar"},"locs":[{"a":574,"b":586},{"a":591,"b":603}]}],"statement":"select o.code as \"organization!\", s.every_minutes as \"everyMinutes?\", s.cron as \"cron?\", s.time_zone as \"timeZone!\",\n  to_char(s.quiet_from, 'HH24:MI') as \"quietFrom?\", to_char(s.quiet_to, 'HH24:MI') as \"quietTo?\",\n  s.full_every_hours as \"fullEveryHours!\", s.is_paused as \"isPaused!\", s.paused_at as \"pausedAt?\",\n  s.paused_by as \"pausedBy?\", s.next_run_at as \"nextRunAt?\", s.next_run_kind as \"nextRunKind?\",\n  s.changed_at as \"changedAt?\", s.changed_by as \"changedBy?\"\nfrom app_public.organizations o\ncross join lateral app_private.sync_schedule_of(o.id) s\nwhere o.code = :organization or :organization is null\norder by o.code"};

/**
 * Query generated from SQL:
 * ```
 * select o.code as "organization!", s.every_minutes as "everyMinutes?", s.cron as "cron?", s.time_zone as "timeZone!",
 *   to_char(s.quiet_from, 'HH24:MI') as "quietFrom?", to_char(s.quiet_to, 'HH24:MI') as "quietTo?",
 *   s.full_every_hours as "fullEveryHours!", s.is_paused as "isPaused!", s.paused_at as "pausedAt?",
 *   s.paused_by as "pausedBy?", s.next_run_at as "nextRunAt?", s.next_run_kind as "nextRunKind?",
 *   s.changed_at as "changedAt?", s.changed_by as "changedBy?"
 * from app_public.organizations o
 * cross join lateral app_private.sync_schedule_of(o.id) s
 * where o.code = :organization or :organization is null
 * order by o.code
 * ```
 */
export const syncSchedules = new PreparedQuery<ISyncSchedulesParams,ISyncSchedulesResult>(syncSchedulesIR);


/** 'WriteSyncSchedule' parameters type */
export interface IWriteSyncScheduleParams {
  cron?: string | null | void;
  everyMinutes?: number | null | void;
  fullEveryHours?: number | null | void;
  organization: string;
  quietFrom?: DateOrString | null | void;
  quietTo?: DateOrString | null | void;
  timeZone?: string | null | void;
}

/** 'WriteSyncSchedule' return type */
export interface IWriteSyncScheduleResult {
  timeZone: string;
}

/** 'WriteSyncSchedule' query type */
export interface IWriteSyncScheduleQuery {
  params: IWriteSyncScheduleParams;
  result: IWriteSyncScheduleResult;
}

const writeSyncScheduleIR: any = {"usedParamSet":{"everyMinutes":true,"cron":true,"timeZone":true,"quietFrom":true,"quietTo":true,"fullEveryHours":true,"organization":true},"params":[{"name":"everyMinutes","required":false,"transform":{"type":"scalar"},"locs":[{"a":127,"b":139}]},{"name":"cron","required":false,"transform":{"type":"scalar"},"locs":[{"a":142,"b":146}]},{"name":"timeZone","required":false,"transform":{"type":"scalar"},"locs":[{"a":149,"b":157}]},{"name":"quietFrom","required":false,"transform":{"type":"scalar"},"locs":[{"a":160,"b":169}]},{"name":"quietTo","required":false,"transform":{"type":"scalar"},"locs":[{"a":180,"b":187}]},{"name":"fullEveryHours","required":false,"transform":{"type":"scalar"},"locs":[{"a":196,"b":210}]},{"name":"organization","required":true,"transform":{"type":"scalar"},"locs":[{"a":228,"b":241}]}],"statement":"select time_zone as \"timeZone!\"\nfrom app_public.organizations o\ncross join lateral app_private.write_sync_schedule(o.id, null, :everyMinutes, :cron, :timeZone, :quietFrom::time,\n  :quietTo::time, :fullEveryHours)\nwhere o.code = :organization!"};

/**
 * Query generated from SQL:
 * ```
 * select time_zone as "timeZone!"
 * from app_public.organizations o
 * cross join lateral app_private.write_sync_schedule(o.id, null, :everyMinutes, :cron, :timeZone, :quietFrom::time,
 *   :quietTo::time, :fullEveryHours)
 * where o.code = :organization!
 * ```
 */
export const writeSyncSchedule = new PreparedQuery<IWriteSyncScheduleParams,IWriteSyncScheduleResult>(writeSyncScheduleIR);


/** 'PauseSyncSchedule' parameters type */
export interface IPauseSyncScheduleParams {
  isPaused: boolean;
  organization: string;
}

/** 'PauseSyncSchedule' return type */
export interface IPauseSyncScheduleResult {
  isPaused: boolean;
}

/** 'PauseSyncSchedule' query type */
export interface IPauseSyncScheduleQuery {
  params: IPauseSyncScheduleParams;
  result: IPauseSyncScheduleResult;
}

const pauseSyncScheduleIR: any = {"usedParamSet":{"isPaused":true,"organization":true},"params":[{"name":"isPaused","required":true,"transform":{"type":"scalar"},"locs":[{"a":127,"b":136}]},{"name":"organization","required":true,"transform":{"type":"scalar"},"locs":[{"a":154,"b":167}]}],"statement":"select is_paused as \"isPaused!\"\nfrom app_public.organizations o\ncross join lateral app_private.pause_sync_schedule(o.id, null, :isPaused!)\nwhere o.code = :organization!"};

/**
 * Query generated from SQL:
 * ```
 * select is_paused as "isPaused!"
 * from app_public.organizations o
 * cross join lateral app_private.pause_sync_schedule(o.id, null, :isPaused!)
 * where o.code = :organization!
 * ```
 */
export const pauseSyncSchedule = new PreparedQuery<IPauseSyncScheduleParams,IPauseSyncScheduleResult>(pauseSyncScheduleIR);


/** 'PrepareSearch' parameters type */
export type IPrepareSearchParams = void;

/** 'PrepareSearch' return type */
export interface IPrepareSearchResult {
  hadWork: boolean;
}

/** 'PrepareSearch' query type */
export interface IPrepareSearchQuery {
  params: IPrepareSearchParams;
  result: IPrepareSearchResult;
}

const prepareSearchIR: any = {"usedParamSet":{},"params":[],"statement":"select app_private.prepare_search() as \"hadWork!\""};

/**
 * Query generated from SQL:
 * ```
 * select app_private.prepare_search() as "hadWork!"
 * ```
 */
export const prepareSearch = new PreparedQuery<IPrepareSearchParams,IPrepareSearchResult>(prepareSearchIR);


/** 'RefreshSummaries' parameters type */
export type IRefreshSummariesParams = void;

/** 'RefreshSummaries' return type */
export interface IRefreshSummariesResult {
  refresh_summaries: undefined | null;
}

/** 'RefreshSummaries' query type */
export interface IRefreshSummariesQuery {
  params: IRefreshSummariesParams;
  result: IRefreshSummariesResult;
}

const refreshSummariesIR: any = {"usedParamSet":{},"params":[],"statement":"select app_private.refresh_summaries()"};

/**
 * Query generated from SQL:
 * ```
 * select app_private.refresh_summaries()
 * ```
 */
export const refreshSummaries = new PreparedQuery<IRefreshSummariesParams,IRefreshSummariesResult>(refreshSummariesIR);


/** 'QueueSync' parameters type */
export interface IQueueSyncParams {
  kind?: string | null | void;
  organization: string;
  trigger: string;
}

/** 'QueueSync' return type */
export interface IQueueSyncResult {
  id: string;
  kind: string;
  state: string;
}

/** 'QueueSync' query type */
export interface IQueueSyncQuery {
  params: IQueueSyncParams;
  result: IQueueSyncResult;
}

const queueSyncIR: any = {"usedParamSet":{"trigger":true,"kind":true,"organization":true},"params":[{"name":"trigger","required":true,"transform":{"type":"scalar"},"locs":[{"a":141,"b":149}]},{"name":"kind","required":false,"transform":{"type":"scalar"},"locs":[{"a":158,"b":162}]},{"name":"organization","required":true,"transform":{"type":"scalar"},"locs":[{"a":182,"b":195}]}],"statement":"select q.id as \"id!\", q.kind as \"kind!\", q.state as \"state!\"\nfrom app_public.organizations o\ncross join lateral app_private.queue_sync(o.id, :trigger!, null, :kind) q\nwhere o.code = :organization! and o.is_active"};

/**
 * Query generated from SQL:
 * ```
 * select q.id as "id!", q.kind as "kind!", q.state as "state!"
 * from app_public.organizations o
 * cross join lateral app_private.queue_sync(o.id, :trigger!, null, :kind) q
 * where o.code = :organization! and o.is_active
 * ```
 */
export const queueSync = new PreparedQuery<IQueueSyncParams,IQueueSyncResult>(queueSyncIR);


/** 'QueueFirstSyncs' parameters type */
export type IQueueFirstSyncsParams = void;

/** 'QueueFirstSyncs' return type */
export interface IQueueFirstSyncsResult {
  queued: number;
}

/** 'QueueFirstSyncs' query type */
export interface IQueueFirstSyncsQuery {
  params: IQueueFirstSyncsParams;
  result: IQueueFirstSyncsResult;
}

const queueFirstSyncsIR: any = {"usedParamSet":{},"params":[],"statement":"with due as materialized (\n  select o.id\n  from app_public.organizations o\n  where o.is_active and app_private.pull_connection(o.id) is not null\n    and not exists (select from app_public.pfa_sync_log l\n      where l.organization_id = o.id and l.state in ('succeeded', 'running'))\n  order by o.id\n)\nselect count(q.id)::integer as \"queued!\"\nfrom due d\ncross join lateral app_private.queue_sync(d.id, 'start', null) q"};

/**
 * Query generated from SQL:
 * ```
 * with due as materialized (
 *   select o.id
 *   from app_public.organizations o
 *   where o.is_active and app_private.pull_connection(o.id) is not null
 *     and not exists (select from app_public.pfa_sync_log l
 *       where l.organization_id = o.id and l.state in ('succeeded', 'running'))
 *   order by o.id
 * )
 * select count(q.id)::integer as "queued!"
 * from due d
 * cross join lateral app_private.queue_sync(d.id, 'start', null) q
 * ```
 */
export const queueFirstSyncs = new PreparedQuery<IQueueFirstSyncsParams,IQueueFirstSyncsResult>(queueFirstSyncsIR);


/** 'RegisterWorker' parameters type */
export interface IRegisterWorkerParams {
  poolId: string;
}

/** 'RegisterWorker' return type */
export interface IRegisterWorkerResult {
  register_worker: undefined | null;
}

/** 'RegisterWorker' query type */
export interface IRegisterWorkerQuery {
  params: IRegisterWorkerParams;
  result: IRegisterWorkerResult;
}

const registerWorkerIR: any = {"usedParamSet":{"poolId":true},"params":[{"name":"poolId","required":true,"transform":{"type":"scalar"},"locs":[{"a":35,"b":42}]}],"statement":"select app_private.register_worker(:poolId!)"};

/**
 * Query generated from SQL:
 * ```
 * select app_private.register_worker(:poolId!)
 * ```
 */
export const registerWorker = new PreparedQuery<IRegisterWorkerParams,IRegisterWorkerResult>(registerWorkerIR);


/** 'DeregisterWorker' parameters type */
export interface IDeregisterWorkerParams {
  poolId: string;
}

/** 'DeregisterWorker' return type */
export interface IDeregisterWorkerResult {
  deregister_worker: undefined | null;
}

/** 'DeregisterWorker' query type */
export interface IDeregisterWorkerQuery {
  params: IDeregisterWorkerParams;
  result: IDeregisterWorkerResult;
}

const deregisterWorkerIR: any = {"usedParamSet":{"poolId":true},"params":[{"name":"poolId","required":true,"transform":{"type":"scalar"},"locs":[{"a":37,"b":44}]}],"statement":"select app_private.deregister_worker(:poolId!)"};

/**
 * Query generated from SQL:
 * ```
 * select app_private.deregister_worker(:poolId!)
 * ```
 */
export const deregisterWorker = new PreparedQuery<IDeregisterWorkerParams,IDeregisterWorkerResult>(deregisterWorkerIR);


/** 'ReleaseDeadWorkers' parameters type */
export type IReleaseDeadWorkersParams = void;

/** 'ReleaseDeadWorkers' return type */
export interface IReleaseDeadWorkersResult {
  dead: stringArray;
}

/** 'ReleaseDeadWorkers' query type */
export interface IReleaseDeadWorkersQuery {
  params: IReleaseDeadWorkersParams;
  result: IReleaseDeadWorkersResult;
}

const releaseDeadWorkersIR: any = {"usedParamSet":{},"params":[],"statement":"select app_private.release_dead_workers() as \"dead!\""};

/**
 * Query generated from SQL:
 * ```
 * select app_private.release_dead_workers() as "dead!"
 * ```
 */
export const releaseDeadWorkers = new PreparedQuery<IReleaseDeadWorkersParams,IReleaseDeadWorkersResult>(releaseDeadWorkersIR);


/** 'SyncProgress' parameters type */
export type ISyncProgressParams = void;

/** 'SyncProgress' return type */
export interface ISyncProgressResult {
  done: number;
  failed: number;
  organizations: number;
  records: number;
  running: string | null;
}

/** 'SyncProgress' query type */
export interface ISyncProgressQuery {
  params: ISyncProgressParams;
  result: ISyncProgressResult;
}

const syncProgressIR: any = {"usedParamSet":{},"params":[],"statement":"select count(*)::integer as \"organizations!\",\n  (count(*) filter (where l.state = 'succeeded'))::integer as \"done!\",\n  (count(*) filter (where l.state = 'failed'))::integer as \"failed!\",\n  coalesce(sum(l.rows_read), 0)::integer as \"records!\",\n  string_agg(o.code, ', ' order by o.code) filter (where l.state = 'running') as \"running?\"\nfrom app_public.organizations o\ncross join lateral (\n  select r.state, r.rows_read from app_public.pfa_sync_log r where r.organization_id = o.id order by r.id desc limit 1\n) l\nwhere o.is_active"};

/**
 * Query generated from SQL:
 * ```
 * select count(*)::integer as "organizations!",
 *   (count(*) filter (where l.state = 'succeeded'))::integer as "done!",
 *   (count(*) filter (where l.state = 'failed'))::integer as "failed!",
 *   coalesce(sum(l.rows_read), 0)::integer as "records!",
 *   string_agg(o.code, ', ' order by o.code) filter (where l.state = 'running') as "running?"
 * from app_public.organizations o
 * cross join lateral (
 *   select r.state, r.rows_read from app_public.pfa_sync_log r where r.organization_id = o.id order by r.id desc limit 1
 * ) l
 * where o.is_active
 * ```
 */
export const syncProgress = new PreparedQuery<ISyncProgressParams,ISyncProgressResult>(syncProgressIR);


/** 'LastWithheldRun' parameters type */
export interface ILastWithheldRunParams {
  organization: string;
}

/** 'LastWithheldRun' return type */
export interface ILastWithheldRunResult {
  /** When the withheld run was accepted. The next run merges it. */
  acceptedAt: Date | null;
  /** When the run ended. */
  finishedAt: Date;
  /** The organization. */
  organizationId: number;
  /** Changes that a withheld run would make: `{"added", "changed", "rejected", "missing", "columns": [{"key", "changed", "emptied", "samples": [{"recordId", "from", "to"}]}]}`. */
  preview: Json | null;
  /** @notNull
Reasons for withholding the run: `[{"code", "key", "message", "count", "of", "samples"}]`. */
  reasons: Json;
  /** Number of refused rows whose id differs from another id only by case, blanks, leading zeros or normal form. */
  rowsTwin: number;
  /** Identifier, and the token of the run: only a running run may merge. */
  runId: string;
  /** `queued`, `running`, `succeeded`, `withheld` (read, but not merged until a user or command accepts it), `failed`. */
  state: string;
}

/** 'LastWithheldRun' query type */
export interface ILastWithheldRunQuery {
  params: ILastWithheldRunParams;
  result: ILastWithheldRunResult;
}

const lastWithheldRunIR: any = {"usedParamSet":{"organization":true},"params":[{"name":"organization","required":true,"transform":{"type":"scalar"},"locs":[{"a":335,"b":348}]}],"statement":"select l.id as \"runId!\", l.organization_id as \"organizationId!\", l.state as \"state!\", l.reasons as \"reasons!\",\n  l.preview as \"preview?\", l.rows_twin as \"rowsTwin!\", l.accepted_at as \"acceptedAt?\", l.finished_at as \"finishedAt!\"\nfrom app_public.pfa_sync_log l\njoin app_public.organizations o on o.id = l.organization_id\nwhere o.code = :organization! and (l.state = 'withheld' or l.state = 'succeeded' and l.rows_twin > 0)\n  and not exists (\n    select from app_public.pfa_sync_log later\n    where later.organization_id = l.organization_id and later.id > l.id and later.state = 'succeeded')\norder by l.id desc limit 1"};

/**
 * Query generated from SQL:
 * ```
 * select l.id as "runId!", l.organization_id as "organizationId!", l.state as "state!", l.reasons as "reasons!",
 *   l.preview as "preview?", l.rows_twin as "rowsTwin!", l.accepted_at as "acceptedAt?", l.finished_at as "finishedAt!"
 * from app_public.pfa_sync_log l
 * join app_public.organizations o on o.id = l.organization_id
 * where o.code = :organization! and (l.state = 'withheld' or l.state = 'succeeded' and l.rows_twin > 0)
 *   and not exists (
 *     select from app_public.pfa_sync_log later
 *     where later.organization_id = l.organization_id and later.id > l.id and later.state = 'succeeded')
 * order by l.id desc limit 1
 * ```
 */
export const lastWithheldRun = new PreparedQuery<ILastWithheldRunParams,ILastWithheldRunResult>(lastWithheldRunIR);


/** 'AcceptWithheldRun' parameters type */
export interface IAcceptWithheldRunParams {
  organizationId: number;
  runId: NumberOrString;
}

/** 'AcceptWithheldRun' return type */
export interface IAcceptWithheldRunResult {
  id: string;
}

/** 'AcceptWithheldRun' query type */
export interface IAcceptWithheldRunQuery {
  params: IAcceptWithheldRunParams;
  result: IAcceptWithheldRunResult;
}

const acceptWithheldRunIR: any = {"usedParamSet":{"organizationId":true,"runId":true},"params":[{"name":"organizationId","required":true,"transform":{"type":"scalar"},"locs":[{"a":58,"b":73}]},{"name":"runId","required":true,"transform":{"type":"scalar"},"locs":[{"a":76,"b":82}]}],"statement":"select r.id as \"id!\"\nfrom app_private.accept_withheld_run(:organizationId!, :runId!, null) r"};

/**
 * Query generated from SQL:
 * ```
 * select r.id as "id!"
 * from app_private.accept_withheld_run(:organizationId!, :runId!, null) r
 * ```
 */
export const acceptWithheldRun = new PreparedQuery<IAcceptWithheldRunParams,IAcceptWithheldRunResult>(acceptWithheldRunIR);


/** 'LimitsOf' parameters type */
export interface ILimitsOfParams {
  organization: string;
}

/** 'LimitsOf' return type */
export interface ILimitsOfResult {
  absentDays: number;
  changedAt: Date | null;
  changedBy: string | null;
  changedPercent: number;
  emptiedPercent: number;
  leastRecords: number;
  /** Code in PEMS, such as `HOLNG`. Case matters. A numeric code takes precedence over an id with the same digits. */
  organization: string;
  refusedPercent: number;
  removedPercent: number;
}

/** 'LimitsOf' query type */
export interface ILimitsOfQuery {
  params: ILimitsOfParams;
  result: ILimitsOfResult;
}

const limitsOfIR: any = {"usedParamSet":{"organization":true},"params":[{"name":"organization","required":true,"transform":{"type":"scalar"},"locs":[{"a":421,"b":434}]}],"statement":"select o.code as \"organization!\", l.removed_percent as \"removedPercent!\", l.refused_percent as \"refusedPercent!\",\n  l.changed_percent as \"changedPercent!\", l.emptied_percent as \"emptiedPercent!\", l.least_records as \"leastRecords!\",\n  l.absent_days as \"absentDays!\", l.changed_at as \"changedAt?\", l.changed_by as \"changedBy?\"\nfrom app_public.organizations o\ncross join lateral app_private.limits_of(o.id) l\nwhere o.code = :organization!"};

/**
 * Query generated from SQL:
 * ```
 * select o.code as "organization!", l.removed_percent as "removedPercent!", l.refused_percent as "refusedPercent!",
 *   l.changed_percent as "changedPercent!", l.emptied_percent as "emptiedPercent!", l.least_records as "leastRecords!",
 *   l.absent_days as "absentDays!", l.changed_at as "changedAt?", l.changed_by as "changedBy?"
 * from app_public.organizations o
 * cross join lateral app_private.limits_of(o.id) l
 * where o.code = :organization!
 * ```
 */
export const limitsOf = new PreparedQuery<ILimitsOfParams,ILimitsOfResult>(limitsOfIR);


/** 'WriteLimits' parameters type */
export interface IWriteLimitsParams {
  absentDays?: number | null | void;
  changedPercent?: number | null | void;
  emptiedPercent?: number | null | void;
  leastRecords?: number | null | void;
  organization: string;
  refusedPercent?: number | null | void;
  removedPercent?: number | null | void;
}

/** 'WriteLimits' return type */
export interface IWriteLimitsResult {
  leastRecords: number;
}

/** 'WriteLimits' query type */
export interface IWriteLimitsQuery {
  params: IWriteLimitsParams;
  result: IWriteLimitsResult;
}

const writeLimitsIR: any = {"usedParamSet":{"removedPercent":true,"refusedPercent":true,"changedPercent":true,"emptiedPercent":true,"leastRecords":true,"absentDays":true,"organization":true},"params":[{"name":"removedPercent","required":false,"transform":{"type":"scalar"},"locs":[{"a":130,"b":144}]},{"name":"refusedPercent","required":false,"transform":{"type":"scalar"},"locs":[{"a":147,"b":161}]},{"name":"changedPercent","required":false,"transform":{"type":"scalar"},"locs":[{"a":164,"b":178}]},{"name":"emptiedPercent","required":false,"transform":{"type":"scalar"},"locs":[{"a":183,"b":197}]},{"name":"leastRecords","required":false,"transform":{"type":"scalar"},"locs":[{"a":200,"b":212}]},{"name":"absentDays","required":false,"transform":{"type":"scalar"},"locs":[{"a":215,"b":225}]},{"name":"organization","required":true,"transform":{"type":"scalar"},"locs":[{"a":245,"b":258}]}],"statement":"select l.least_records as \"leastRecords!\"\nfrom app_public.organizations o\ncross join lateral app_private.write_limits(o.id, null, :removedPercent, :refusedPercent, :changedPercent,\n  :emptiedPercent, :leastRecords, :absentDays) l\nwhere o.code = :organization!"};

/**
 * Query generated from SQL:
 * ```
 * select l.least_records as "leastRecords!"
 * from app_public.organizations o
 * cross join lateral app_private.write_limits(o.id, null, :removedPercent, :refusedPercent, :changedPercent,
 *   :emptiedPercent, :leastRecords, :absentDays) l
 * where o.code = :organization!
 * ```
 */
export const writeLimits = new PreparedQuery<IWriteLimitsParams,IWriteLimitsResult>(writeLimitsIR);


/** 'ForgetColumn' parameters type */
export interface IForgetColumnParams {
  alias: string;
  organization: string;
}

/** 'ForgetColumn' return type */
export interface IForgetColumnResult {
  wasMissing: boolean;
}

/** 'ForgetColumn' query type */
export interface IForgetColumnQuery {
  params: IForgetColumnParams;
  result: IForgetColumnResult;
}

const forgetColumnIR: any = {"usedParamSet":{"alias":true,"organization":true},"params":[{"name":"alias","required":true,"transform":{"type":"scalar"},"locs":[{"a":39,"b":45}]},{"name":"organization","required":true,"transform":{"type":"scalar"},"locs":[{"a":112,"b":125}]}],"statement":"select app_private.forget_column(o.id, :alias!) as \"wasMissing!\"\nfrom app_public.organizations o\nwhere o.code = :organization!"};

/**
 * Query generated from SQL:
 * ```
 * select app_private.forget_column(o.id, :alias!) as "wasMissing!"
 * from app_public.organizations o
 * where o.code = :organization!
 * ```
 */
export const forgetColumn = new PreparedQuery<IForgetColumnParams,IForgetColumnResult>(forgetColumnIR);


/** 'LastSparedRun' parameters type */
export interface ILastSparedRunParams {
  organization: string;
}

/** 'LastSparedRun' return type */
export interface ILastSparedRunResult {
  /** When the run ended. */
  finishedAt: Date;
  /** The organization. */
  organizationId: number;
  records: number;
  /** Number of withheld removals: there were suspiciously many (see `limits`), so a user or command must accept them. */
  rowsSpared: number;
  /** Identifier, and the token of the run: only a running run may merge. */
  runId: string;
}

/** 'LastSparedRun' query type */
export interface ILastSparedRunQuery {
  params: ILastSparedRunParams;
  result: ILastSparedRunResult;
}

const lastSparedRunIR: any = {"usedParamSet":{"organization":true},"params":[{"name":"organization","required":true,"transform":{"type":"scalar"},"locs":[{"a":328,"b":341}]}],"statement":"select l.id as \"runId!\", l.organization_id as \"organizationId!\", l.rows_spared as \"rowsSpared!\",\n  l.finished_at as \"finishedAt!\",\n  (select count(*) from app_public.pfa_sync_log_spared_removals(l))::integer as \"records!\"\nfrom app_public.pfa_sync_log l\njoin app_public.organizations o on o.id = l.organization_id\nwhere o.code = :organization! and l.rows_spared > 0\norder by l.id desc limit 1"};

/**
 * Query generated from SQL:
 * ```
 * select l.id as "runId!", l.organization_id as "organizationId!", l.rows_spared as "rowsSpared!",
 *   l.finished_at as "finishedAt!",
 *   (select count(*) from app_public.pfa_sync_log_spared_removals(l))::integer as "records!"
 * from app_public.pfa_sync_log l
 * join app_public.organizations o on o.id = l.organization_id
 * where o.code = :organization! and l.rows_spared > 0
 * order by l.id desc limit 1
 * ```
 */
export const lastSparedRun = new PreparedQuery<ILastSparedRunParams,ILastSparedRunResult>(lastSparedRunIR);


/** 'SparedRemovals' parameters type */
export interface ISparedRemovalsParams {
  after: string;
  limit: NumberOrString;
  organizationId: number;
  runId: NumberOrString;
}

/** 'SparedRemovals' return type */
export interface ISparedRemovalsResult {
  missedAt: Date;
  pfaId: string;
}

/** 'SparedRemovals' query type */
export interface ISparedRemovalsQuery {
  params: ISparedRemovalsParams;
  result: ISparedRemovalsResult;
}

const sparedRemovalsIR: any = {"usedParamSet":{"organizationId":true,"runId":true,"after":true,"limit":true},"params":[{"name":"organizationId","required":true,"transform":{"type":"scalar"},"locs":[{"a":177,"b":192}]},{"name":"runId","required":true,"transform":{"type":"scalar"},"locs":[{"a":205,"b":211}]},{"name":"after","required":true,"transform":{"type":"scalar"},"locs":[{"a":228,"b":234}]},{"name":"limit","required":true,"transform":{"type":"scalar"},"locs":[{"a":260,"b":266}]}],"statement":"select c.pfa_id as \"pfaId!\", c.missed_at as \"missedAt!\"\nfrom app_public.pfa_sync_log l\ncross join lateral app_public.pfa_sync_log_spared_removals(l) c\nwhere l.organization_id = :organizationId! and l.id = :runId! and c.pfa_id > :after!\norder by c.pfa_id limit :limit!"};

/**
 * Query generated from SQL:
 * ```
 * select c.pfa_id as "pfaId!", c.missed_at as "missedAt!"
 * from app_public.pfa_sync_log l
 * cross join lateral app_public.pfa_sync_log_spared_removals(l) c
 * where l.organization_id = :organizationId! and l.id = :runId! and c.pfa_id > :after!
 * order by c.pfa_id limit :limit!
 * ```
 */
export const sparedRemovals = new PreparedQuery<ISparedRemovalsParams,ISparedRemovalsResult>(sparedRemovalsIR);


/** 'AcceptSparedRemovals' parameters type */
export interface IAcceptSparedRemovalsParams {
  organizationId: number;
  runId: NumberOrString;
}

/** 'AcceptSparedRemovals' return type */
export interface IAcceptSparedRemovalsResult {
  rowsRemoved: number;
}

/** 'AcceptSparedRemovals' query type */
export interface IAcceptSparedRemovalsQuery {
  params: IAcceptSparedRemovalsParams;
  result: IAcceptSparedRemovalsResult;
}

const acceptSparedRemovalsIR: any = {"usedParamSet":{"organizationId":true,"runId":true},"params":[{"name":"organizationId","required":true,"transform":{"type":"scalar"},"locs":[{"a":78,"b":93}]},{"name":"runId","required":true,"transform":{"type":"scalar"},"locs":[{"a":96,"b":102}]}],"statement":"select rows_removed as \"rowsRemoved!\"\nfrom app_private.accept_spared_removals(:organizationId!, :runId!, null)"};

/**
 * Query generated from SQL:
 * ```
 * select rows_removed as "rowsRemoved!"
 * from app_private.accept_spared_removals(:organizationId!, :runId!, null)
 * ```
 */
export const acceptSparedRemovals = new PreparedQuery<IAcceptSparedRemovalsParams,IAcceptSparedRemovalsResult>(acceptSparedRemovalsIR);


