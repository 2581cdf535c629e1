/** Types generated for queries found in "sql/retention/retention.sql" */
import { PreparedQuery } from '@pgtyped/runtime';

/** 'EnforceRetention' parameters type */
export interface IEnforceRetentionParams {
  batch: number;
  changesDays: number;
  failedJobsDays: number;
  rejectsDays: number;
  sessionsDays: number;
  syncLogDays: number;
}

/** 'EnforceRetention' return type */
export interface IEnforceRetentionResult {
  changes: number;
  failedJobs: number;
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

const enforceRetentionIR: any = {"usedParamSet":{"syncLogDays":true,"rejectsDays":true,"sessionsDays":true,"failedJobsDays":true,"changesDays":true,"batch":true},"params":[{"name":"syncLogDays","required":true,"transform":{"type":"scalar"},"locs":[{"a":218,"b":230}]},{"name":"rejectsDays","required":true,"transform":{"type":"scalar"},"locs":[{"a":256,"b":268}]},{"name":"sessionsDays","required":true,"transform":{"type":"scalar"},"locs":[{"a":294,"b":307}]},{"name":"failedJobsDays","required":true,"transform":{"type":"scalar"},"locs":[{"a":335,"b":350}]},{"name":"changesDays","required":true,"transform":{"type":"scalar"},"locs":[{"a":376,"b":388}]},{"name":"batch","required":true,"transform":{"type":"scalar"},"locs":[{"a":392,"b":398}]}],"statement":"select sync_log as \"syncLog!\", rejects as \"rejects!\", sign_ins as \"sessions!\", throttles as \"throttles!\", failed_jobs as \"failedJobs!\", changes as \"changes!\"\nfrom app_private.enforce_retention(\n  make_interval(days => :syncLogDays!), make_interval(days => :rejectsDays!), make_interval(days => :sessionsDays!),\n  make_interval(days => :failedJobsDays!), make_interval(days => :changesDays!), :batch!)"};

/**
 * Query generated from SQL:
 * ```
 * select sync_log as "syncLog!", rejects as "rejects!", sign_ins as "sessions!", throttles as "throttles!", failed_jobs as "failedJobs!", changes as "changes!"
 * from app_private.enforce_retention(
 *   make_interval(days => :syncLogDays!), make_interval(days => :rejectsDays!), make_interval(days => :sessionsDays!),
 *   make_interval(days => :failedJobsDays!), make_interval(days => :changesDays!), :batch!)
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


