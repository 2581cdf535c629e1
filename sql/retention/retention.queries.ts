/** Types generated for queries found in "sql/retention/retention.sql" */
import { PreparedQuery } from '@pgtyped/runtime';

/** 'EnforceRetention' parameters type */
export interface IEnforceRetentionParams {
  batch: number;
  failedJobsDays: number;
  rejectsDays: number;
  sessionsDays: number;
  syncLogDays: number;
}

/** 'EnforceRetention' return type */
export interface IEnforceRetentionResult {
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

const enforceRetentionIR: any = {"usedParamSet":{"syncLogDays":true,"rejectsDays":true,"sessionsDays":true,"failedJobsDays":true,"batch":true},"params":[{"name":"syncLogDays","required":true,"transform":{"type":"scalar"},"locs":[{"a":195,"b":207}]},{"name":"rejectsDays","required":true,"transform":{"type":"scalar"},"locs":[{"a":233,"b":245}]},{"name":"sessionsDays","required":true,"transform":{"type":"scalar"},"locs":[{"a":271,"b":284}]},{"name":"failedJobsDays","required":true,"transform":{"type":"scalar"},"locs":[{"a":312,"b":327}]},{"name":"batch","required":true,"transform":{"type":"scalar"},"locs":[{"a":331,"b":337}]}],"statement":"select sync_log as \"syncLog!\", rejects as \"rejects!\", sign_ins as \"sessions!\", throttles as \"throttles!\", failed_jobs as \"failedJobs!\"\nfrom app_private.enforce_retention(\n  make_interval(days => :syncLogDays!), make_interval(days => :rejectsDays!), make_interval(days => :sessionsDays!),\n  make_interval(days => :failedJobsDays!), :batch!)"};

/**
 * Query generated from SQL:
 * ```
 * select sync_log as "syncLog!", rejects as "rejects!", sign_ins as "sessions!", throttles as "throttles!", failed_jobs as "failedJobs!"
 * from app_private.enforce_retention(
 *   make_interval(days => :syncLogDays!), make_interval(days => :rejectsDays!), make_interval(days => :sessionsDays!),
 *   make_interval(days => :failedJobsDays!), :batch!)
 * ```
 */
export const enforceRetention = new PreparedQuery<IEnforceRetentionParams,IEnforceRetentionResult>(enforceRetentionIR);


