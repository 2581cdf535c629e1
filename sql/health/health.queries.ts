/** Types generated for queries found in "sql/health/health.sql" */
import { PreparedQuery } from '@pgtyped/runtime';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export type stringArray = (string)[];

/** 'Monitoring' parameters type */
export type IMonitoringParams = void;

/** 'Monitoring' return type */
export interface IMonitoringResult {
  monitoring: Json;
}

/** 'Monitoring' query type */
export interface IMonitoringQuery {
  params: IMonitoringParams;
  result: IMonitoringResult;
}

const monitoringIR: any = {"usedParamSet":{},"params":[],"statement":"select app_private.monitoring() as \"monitoring!\""};

/**
 * Query generated from SQL:
 * ```
 * select app_private.monitoring() as "monitoring!"
 * ```
 */
export const monitoring = new PreparedQuery<IMonitoringParams,IMonitoringResult>(monitoringIR);


/** 'MigrationState' parameters type */
export interface IMigrationStateParams {
  expected: stringArray;
}

/** 'MigrationState' return type */
export interface IMigrationStateResult {
  hasQueue: boolean;
  missing: stringArray;
  unknown: stringArray;
}

/** 'MigrationState' query type */
export interface IMigrationStateQuery {
  params: IMigrationStateParams;
  result: IMigrationStateResult;
}

const migrationStateIR: any = {"usedParamSet":{"expected":true},"params":[{"name":"expected","required":true,"transform":{"type":"scalar"},"locs":[{"a":117,"b":126}]}],"statement":"select m.missing as \"missing!\", m.unknown as \"unknown!\", d.has_queue as \"hasQueue!\"\nfrom app_private.migration_state(:expected!) m, app_private.database_state('') d"};

/**
 * Query generated from SQL:
 * ```
 * select m.missing as "missing!", m.unknown as "unknown!", d.has_queue as "hasQueue!"
 * from app_private.migration_state(:expected!) m, app_private.database_state('') d
 * ```
 */
export const migrationState = new PreparedQuery<IMigrationStateParams,IMigrationStateResult>(migrationStateIR);


