/** Types generated for queries found in "sql/drift/drift.sql" */
import { PreparedQuery } from '@pgtyped/runtime';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export type NumberOrString = number | string;

export type stringArray = (string)[];

/** 'QueueDriftCheck' parameters type */
export interface IQueueDriftCheckParams {
  organization: string;
  sample?: number | null | void;
}

/** 'QueueDriftCheck' return type */
export interface IQueueDriftCheckResult {
  id: string;
  organizationId: number;
}

/** 'QueueDriftCheck' query type */
export interface IQueueDriftCheckQuery {
  params: IQueueDriftCheckParams;
  result: IQueueDriftCheckResult;
}

const queueDriftCheckIR: any = {"usedParamSet":{"sample":true,"organization":true},"params":[{"name":"sample","required":false,"transform":{"type":"scalar"},"locs":[{"a":148,"b":154}]},{"name":"organization","required":true,"transform":{"type":"scalar"},"locs":[{"a":180,"b":193}]}],"statement":"select q.id as \"id!\", q.organization_id as \"organizationId!\"\nfrom app_public.organizations o\ncross join lateral app_private.queue_drift_check(o.id, :sample, null) q\nwhere o.code = :organization! and o.is_active"};

/**
 * Query generated from SQL:
 * ```
 * select q.id as "id!", q.organization_id as "organizationId!"
 * from app_public.organizations o
 * cross join lateral app_private.queue_drift_check(o.id, :sample, null) q
 * where o.code = :organization! and o.is_active
 * ```
 */
export const queueDriftCheck = new PreparedQuery<IQueueDriftCheckParams,IQueueDriftCheckResult>(queueDriftCheckIR);


/** 'BeginDriftCheck' parameters type */
export interface IBeginDriftCheckParams {
  checkId: NumberOrString;
  organizationId: number;
}

/** 'BeginDriftCheck' return type */
export interface IBeginDriftCheckResult {
  id: string;
  /** Code in PEMS, such as `HOLNG`. Case matters. A numeric code takes precedence over an id with the same digits. */
  organization: string;
  sample: number | null;
}

/** 'BeginDriftCheck' query type */
export interface IBeginDriftCheckQuery {
  params: IBeginDriftCheckParams;
  result: IBeginDriftCheckResult;
}

const beginDriftCheckIR: any = {"usedParamSet":{"organizationId":true,"checkId":true},"params":[{"name":"organizationId","required":true,"transform":{"type":"scalar"},"locs":[{"a":106,"b":121}]},{"name":"checkId","required":true,"transform":{"type":"scalar"},"locs":[{"a":124,"b":132}]}],"statement":"select c.id as \"id!\", o.code as \"organization!\", c.sample as \"sample?\"\nfrom app_private.begin_drift_check(:organizationId!, :checkId!) c\njoin app_public.organizations o on o.id = c.organization_id"};

/**
 * Query generated from SQL:
 * ```
 * select c.id as "id!", o.code as "organization!", c.sample as "sample?"
 * from app_private.begin_drift_check(:organizationId!, :checkId!) c
 * join app_public.organizations o on o.id = c.organization_id
 * ```
 */
export const beginDriftCheck = new PreparedQuery<IBeginDriftCheckParams,IBeginDriftCheckResult>(beginDriftCheckIR);


/** 'DriftSample' parameters type */
export interface IDriftSampleParams {
  checkId: NumberOrString;
  organizationId: number;
}

/** 'DriftSample' return type */
export interface IDriftSampleResult {
  pfaId: string;
}

/** 'DriftSample' query type */
export interface IDriftSampleQuery {
  params: IDriftSampleParams;
  result: IDriftSampleResult;
}

const driftSampleIR: any = {"usedParamSet":{"organizationId":true,"checkId":true},"params":[{"name":"organizationId","required":true,"transform":{"type":"scalar"},"locs":[{"a":51,"b":66}]},{"name":"checkId","required":true,"transform":{"type":"scalar"},"locs":[{"a":69,"b":77}]}],"statement":"select s as \"pfaId!\" from app_private.drift_sample(:organizationId!, :checkId!) s"};

/**
 * Query generated from SQL:
 * ```
 * select s as "pfaId!" from app_private.drift_sample(:organizationId!, :checkId!) s
 * ```
 */
export const driftSample = new PreparedQuery<IDriftSampleParams,IDriftSampleResult>(driftSampleIR);


/** 'ReportDriftProgress' parameters type */
export interface IReportDriftProgressParams {
  checkId: NumberOrString;
  organizationId: number;
  rowsRead: number;
}

/** 'ReportDriftProgress' return type */
export interface IReportDriftProgressResult {
  report_drift_progress: undefined | null;
}

/** 'ReportDriftProgress' query type */
export interface IReportDriftProgressQuery {
  params: IReportDriftProgressParams;
  result: IReportDriftProgressResult;
}

const reportDriftProgressIR: any = {"usedParamSet":{"organizationId":true,"checkId":true,"rowsRead":true},"params":[{"name":"organizationId","required":true,"transform":{"type":"scalar"},"locs":[{"a":41,"b":56}]},{"name":"checkId","required":true,"transform":{"type":"scalar"},"locs":[{"a":59,"b":67}]},{"name":"rowsRead","required":true,"transform":{"type":"scalar"},"locs":[{"a":70,"b":79}]}],"statement":"select app_private.report_drift_progress(:organizationId!, :checkId!, :rowsRead!)"};

/**
 * Query generated from SQL:
 * ```
 * select app_private.report_drift_progress(:organizationId!, :checkId!, :rowsRead!)
 * ```
 */
export const reportDriftProgress = new PreparedQuery<IReportDriftProgressParams,IReportDriftProgressResult>(reportDriftProgressIR);


/** 'CompareDrift' parameters type */
export interface ICompareDriftParams {
  begunAt: NumberOrString;
  checkId: NumberOrString;
  isLast: boolean;
  organizationId: number;
  pfaIds?: stringArray | null | void;
}

/** 'CompareDrift' return type */
export interface ICompareDriftResult {
  moved: stringArray | null;
}

/** 'CompareDrift' query type */
export interface ICompareDriftQuery {
  params: ICompareDriftParams;
  result: ICompareDriftResult;
}

const compareDriftIR: any = {"usedParamSet":{"organizationId":true,"checkId":true,"pfaIds":true,"begunAt":true,"isLast":true},"params":[{"name":"organizationId","required":true,"transform":{"type":"scalar"},"locs":[{"a":33,"b":48}]},{"name":"checkId","required":true,"transform":{"type":"scalar"},"locs":[{"a":51,"b":59}]},{"name":"pfaIds","required":false,"transform":{"type":"scalar"},"locs":[{"a":62,"b":68}]},{"name":"begunAt","required":true,"transform":{"type":"scalar"},"locs":[{"a":95,"b":103}]},{"name":"isLast","required":true,"transform":{"type":"scalar"},"locs":[{"a":141,"b":148}]}],"statement":"select app_private.compare_drift(:organizationId!, :checkId!, :pfaIds,\n  timestamptz 'epoch' + :begunAt!::bigint * interval '1 microsecond', :isLast!) as \"moved?\""};

/**
 * Query generated from SQL:
 * ```
 * select app_private.compare_drift(:organizationId!, :checkId!, :pfaIds,
 *   timestamptz 'epoch' + :begunAt!::bigint * interval '1 microsecond', :isLast!) as "moved?"
 * ```
 */
export const compareDrift = new PreparedQuery<ICompareDriftParams,ICompareDriftResult>(compareDriftIR);


/** 'EndDriftCheck' parameters type */
export interface IEndDriftCheckParams {
  checkId: NumberOrString;
  code?: string | null | void;
  hint?: string | null | void;
  message?: string | null | void;
  organizationId: number;
}

/** 'EndDriftCheck' return type */
export interface IEndDriftCheckResult {
  leftOut: number;
  missingInMirror: number;
  missingInPems: number;
  recordsCompared: number;
  recordsDiffering: number;
  unreadable: number;
}

/** 'EndDriftCheck' query type */
export interface IEndDriftCheckQuery {
  params: IEndDriftCheckParams;
  result: IEndDriftCheckResult;
}

const endDriftCheckIR: any = {"usedParamSet":{"organizationId":true,"checkId":true,"code":true,"message":true,"hint":true},"params":[{"name":"organizationId","required":true,"transform":{"type":"scalar"},"locs":[{"a":256,"b":271}]},{"name":"checkId","required":true,"transform":{"type":"scalar"},"locs":[{"a":274,"b":282}]},{"name":"code","required":false,"transform":{"type":"scalar"},"locs":[{"a":285,"b":289}]},{"name":"message","required":false,"transform":{"type":"scalar"},"locs":[{"a":292,"b":299}]},{"name":"hint","required":false,"transform":{"type":"scalar"},"locs":[{"a":302,"b":306}]}],"statement":"select records_compared as \"recordsCompared!\", records_differing as \"recordsDiffering!\",\n  missing_in_pems as \"missingInPems!\", missing_in_mirror as \"missingInMirror!\", unreadable as \"unreadable!\",\n  left_out as \"leftOut!\"\nfrom app_private.end_drift_check(:organizationId!, :checkId!, :code, :message, :hint)"};

/**
 * Query generated from SQL:
 * ```
 * select records_compared as "recordsCompared!", records_differing as "recordsDiffering!",
 *   missing_in_pems as "missingInPems!", missing_in_mirror as "missingInMirror!", unreadable as "unreadable!",
 *   left_out as "leftOut!"
 * from app_private.end_drift_check(:organizationId!, :checkId!, :code, :message, :hint)
 * ```
 */
export const endDriftCheck = new PreparedQuery<IEndDriftCheckParams,IEndDriftCheckResult>(endDriftCheckIR);


/** 'DriftCheck' parameters type */
export interface IDriftCheckParams {
  checkId: NumberOrString;
  organizationId: number;
}

/** 'DriftCheck' return type */
export interface IDriftCheckResult {
  /** Number of listed differences, at most 1,000. */
  differencesKept: number;
  /** Reason for the failure: a stable code. */
  errorCode: string | null;
  /** Suggested action. */
  errorHint: string | null;
  /** Reason for the failure, in a sentence. */
  errorMessage: string | null;
  /** When the comparison ended. */
  finishedAt: Date | null;
  /** Identifier. */
  id: string;
  /** Number of differing keys in all records. */
  keysDiffering: number;
  /** Number of records without a result, because they kept changing during the comparison. */
  leftOut: number;
  /** Number of records that only PEMS has. */
  missingInMirror: number;
  /** Number of records that PEMS lacks. */
  missingInPems: number;
  /** Number of compared records, with those on one side only. */
  recordsCompared: number;
  /** Number of records that are on both sides and differ. */
  recordsDiffering: number;
  /** When it was requested. */
  requestedAt: Date;
  /** Number of rows read from PEMS so far. */
  rowsRead: number;
  /** Number of records, drawn at random. Null: all records. */
  sample: number | null;
  /** When the comparison began. */
  startedAt: Date | null;
  /** `queued`, `running`, `succeeded`, `failed`. */
  state: string;
  /** Number of records that PEMS returned in an invalid form, or more than once. */
  unreadable: number;
}

/** 'DriftCheck' query type */
export interface IDriftCheckQuery {
  params: IDriftCheckParams;
  result: IDriftCheckResult;
}

const driftCheckIR: any = {"usedParamSet":{"organizationId":true,"checkId":true},"params":[{"name":"organizationId","required":true,"transform":{"type":"scalar"},"locs":[{"a":662,"b":677}]},{"name":"checkId","required":true,"transform":{"type":"scalar"},"locs":[{"a":690,"b":698}]}],"statement":"select c.id as \"id!\", c.sample as \"sample?\", c.state as \"state!\", c.rows_read as \"rowsRead!\",\n  c.records_compared as \"recordsCompared!\", c.records_differing as \"recordsDiffering!\",\n  c.keys_differing as \"keysDiffering!\", c.missing_in_pems as \"missingInPems!\",\n  c.missing_in_mirror as \"missingInMirror!\", c.unreadable as \"unreadable!\", c.left_out as \"leftOut!\",\n  c.differences_kept as \"differencesKept!\", c.requested_at as \"requestedAt!\", c.started_at as \"startedAt?\",\n  c.finished_at as \"finishedAt?\", c.error_code as \"errorCode?\", c.error_message as \"errorMessage?\",\n  c.error_hint as \"errorHint?\"\nfrom app_public.pfa_drift_check c\nwhere c.organization_id = :organizationId! and c.id = :checkId!"};

/**
 * Query generated from SQL:
 * ```
 * select c.id as "id!", c.sample as "sample?", c.state as "state!", c.rows_read as "rowsRead!",
 *   c.records_compared as "recordsCompared!", c.records_differing as "recordsDiffering!",
 *   c.keys_differing as "keysDiffering!", c.missing_in_pems as "missingInPems!",
 *   c.missing_in_mirror as "missingInMirror!", c.unreadable as "unreadable!", c.left_out as "leftOut!",
 *   c.differences_kept as "differencesKept!", c.requested_at as "requestedAt!", c.started_at as "startedAt?",
 *   c.finished_at as "finishedAt?", c.error_code as "errorCode?", c.error_message as "errorMessage?",
 *   c.error_hint as "errorHint?"
 * from app_public.pfa_drift_check c
 * where c.organization_id = :organizationId! and c.id = :checkId!
 * ```
 */
export const driftCheck = new PreparedQuery<IDriftCheckParams,IDriftCheckResult>(driftCheckIR);


/** 'DriftDifferences' parameters type */
export interface IDriftDifferencesParams {
  checkId: NumberOrString;
  organizationId: number;
}

/** 'DriftDifferences' return type */
export interface IDriftDifferencesResult {
  /** The key, if the difference concerns one. */
  key: string | null;
  /** `differs` in a key, `missing-in-pems`, `missing-in-mirror`, `unreadable` (see message). */
  kind: string;
  /** Reason why the row is unreadable. */
  message: string | null;
  /** Value in the mirror. Null for an empty key. */
  mirrorValue: Json | null;
  /** Value in PEMS. Null for an empty key. */
  pemsValue: Json | null;
  /** The record. Null if PEMS returned a row without an id. */
  pfaId: string | null;
}

/** 'DriftDifferences' query type */
export interface IDriftDifferencesQuery {
  params: IDriftDifferencesParams;
  result: IDriftDifferencesResult;
}

const driftDifferencesIR: any = {"usedParamSet":{"organizationId":true,"checkId":true},"params":[{"name":"organizationId","required":true,"transform":{"type":"scalar"},"locs":[{"a":220,"b":235}]},{"name":"checkId","required":true,"transform":{"type":"scalar"},"locs":[{"a":254,"b":262}]}],"statement":"select d.kind as \"kind!\", d.pfa_id as \"pfaId?\", d.key as \"key?\", d.mirror_value as \"mirrorValue?\",\n  d.pems_value as \"pemsValue?\", d.message as \"message?\"\nfrom app_public.pfa_drift_difference d\nwhere d.organization_id = :organizationId! and d.check_id = :checkId!\norder by d.number"};

/**
 * Query generated from SQL:
 * ```
 * select d.kind as "kind!", d.pfa_id as "pfaId?", d.key as "key?", d.mirror_value as "mirrorValue?",
 *   d.pems_value as "pemsValue?", d.message as "message?"
 * from app_public.pfa_drift_difference d
 * where d.organization_id = :organizationId! and d.check_id = :checkId!
 * order by d.number
 * ```
 */
export const driftDifferences = new PreparedQuery<IDriftDifferencesParams,IDriftDifferencesResult>(driftDifferencesIR);


