/** Types generated for queries found in "sql/retention/retention.sql" */
import { PreparedQuery } from '@pgtyped/runtime';

/** 'EnforceRetention' parameters type */
export interface IEnforceRetentionParams {
  batch: number;
  changesDays: number;
  exchangesDays: number;
  failedJobsDays: number;
  privateChangesDays: number;
  rejectsDays: number;
  sessionsDays: number;
  syncLogDays: number;
}

/** 'EnforceRetention' return type */
export interface IEnforceRetentionResult {
  changes: number;
  exchanges: number;
  failedJobs: number;
  modifications: number;
  privateChanges: number;
  rejects: number;
  sessions: number;
  syncLog: number;
  throttles: number;
}

/** 'EnforceRetention' query type */
export interface IEnforceRetentionQuery {
  params: IEnforceRetentionParams;
  result: IEnforceRetentionResult;
}

const enforceRetentionIR: any = {"usedParamSet":{"syncLogDays":true,"rejectsDays":true,"sessionsDays":true,"failedJobsDays":true,"changesDays":true,"exchangesDays":true,"privateChangesDays":true,"batch":true},"params":[{"name":"syncLogDays","required":true,"transform":{"type":"scalar"},"locs":[{"a":322,"b":334}]},{"name":"rejectsDays","required":true,"transform":{"type":"scalar"},"locs":[{"a":360,"b":372}]},{"name":"sessionsDays","required":true,"transform":{"type":"scalar"},"locs":[{"a":398,"b":411}]},{"name":"failedJobsDays","required":true,"transform":{"type":"scalar"},"locs":[{"a":439,"b":454}]},{"name":"changesDays","required":true,"transform":{"type":"scalar"},"locs":[{"a":480,"b":492}]},{"name":"exchangesDays","required":true,"transform":{"type":"scalar"},"locs":[{"a":518,"b":532}]},{"name":"privateChangesDays","required":true,"transform":{"type":"scalar"},"locs":[{"a":560,"b":579}]},{"name":"batch","required":true,"transform":{"type":"scalar"},"locs":[{"a":583,"b":589}]}],"statement":"select sync_log as \"syncLog!\", rejects as \"rejects!\", sign_ins as \"sessions!\", throttles as \"throttles!\",\n  failed_jobs as \"failedJobs!\", changes as \"changes!\", modifications as \"modifications!\", exchanges as \"exchanges!\",\n  private_changes as \"privateChanges!\"\nfrom app_private.enforce_retention(\n  make_interval(days => :syncLogDays!), make_interval(days => :rejectsDays!), make_interval(days => :sessionsDays!),\n  make_interval(days => :failedJobsDays!), make_interval(days => :changesDays!), make_interval(days => :exchangesDays!),\n  make_interval(days => :privateChangesDays!), :batch!)"};

/**
 * Query generated from SQL:
 * ```
 * select sync_log as "syncLog!", rejects as "rejects!", sign_ins as "sessions!", throttles as "throttles!",
 *   failed_jobs as "failedJobs!", changes as "changes!", modifications as "modifications!", exchanges as "exchanges!",
 *   private_changes as "privateChanges!"
 * from app_private.enforce_retention(
 *   make_interval(days => :syncLogDays!), make_interval(days => :rejectsDays!), make_interval(days => :sessionsDays!),
 *   make_interval(days => :failedJobsDays!), make_interval(days => :changesDays!), make_interval(days => :exchangesDays!),
 *   make_interval(days => :privateChangesDays!), :batch!)
 * ```
 */
export const enforceRetention = new PreparedQuery<IEnforceRetentionParams,IEnforceRetentionResult>(enforceRetentionIR);


/** 'ForgetEvents' parameters type */
export interface IForgetEventsParams {
  batch: number;
  eventsDays: number;
}

/** 'ForgetEvents' return type */
export interface IForgetEventsResult {
  forgotten: number;
}

/** 'ForgetEvents' query type */
export interface IForgetEventsQuery {
  params: IForgetEventsParams;
  result: IForgetEventsResult;
}

const forgetEventsIR: any = {"usedParamSet":{"eventsDays":true,"batch":true},"params":[{"name":"eventsDays","required":true,"transform":{"type":"scalar"},"locs":[{"a":55,"b":66}]},{"name":"batch","required":true,"transform":{"type":"scalar"},"locs":[{"a":70,"b":76}]}],"statement":"select app_private.forget_events(make_interval(days => :eventsDays!), :batch!) as \"forgotten!\""};

/**
 * Query generated from SQL:
 * ```
 * select app_private.forget_events(make_interval(days => :eventsDays!), :batch!) as "forgotten!"
 * ```
 */
export const forgetEvents = new PreparedQuery<IForgetEventsParams,IForgetEventsResult>(forgetEventsIR);


/** 'DeleteDriftChecks' parameters type */
export interface IDeleteDriftChecksParams {
  batch: number;
  syncLogDays: number;
}

/** 'DeleteDriftChecks' return type */
export interface IDeleteDriftChecksResult {
  deleted: number;
}

/** 'DeleteDriftChecks' query type */
export interface IDeleteDriftChecksQuery {
  params: IDeleteDriftChecksParams;
  result: IDeleteDriftChecksResult;
}

const deleteDriftChecksIR: any = {"usedParamSet":{"syncLogDays":true,"batch":true},"params":[{"name":"syncLogDays","required":true,"transform":{"type":"scalar"},"locs":[{"a":61,"b":73}]},{"name":"batch","required":true,"transform":{"type":"scalar"},"locs":[{"a":77,"b":83}]}],"statement":"select app_private.delete_drift_checks(make_interval(days => :syncLogDays!), :batch!) as \"deleted!\""};

/**
 * Query generated from SQL:
 * ```
 * select app_private.delete_drift_checks(make_interval(days => :syncLogDays!), :batch!) as "deleted!"
 * ```
 */
export const deleteDriftChecks = new PreparedQuery<IDeleteDriftChecksParams,IDeleteDriftChecksResult>(deleteDriftChecksIR);


