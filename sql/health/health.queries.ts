/** Types generated for queries found in "sql/health/health.sql" */
import { PreparedQuery } from '@pgtyped/runtime';

/** 'DatabaseState' parameters type */
export interface IDatabaseStateParams {
  migration: string;
}

/** 'DatabaseState' return type */
export interface IDatabaseStateResult {
  hasQueue: boolean;
  isMigrated: boolean;
}

/** 'DatabaseState' query type */
export interface IDatabaseStateQuery {
  params: IDatabaseStateParams;
  result: IDatabaseStateResult;
}

const databaseStateIR: any = {"usedParamSet":{"migration":true},"params":[{"name":"migration","required":true,"transform":{"type":"scalar"},"locs":[{"a":94,"b":104}]}],"statement":"select is_migrated as \"isMigrated!\", has_queue as \"hasQueue!\" from app_private.database_state(:migration!)"};

/**
 * Query generated from SQL:
 * ```
 * select is_migrated as "isMigrated!", has_queue as "hasQueue!" from app_private.database_state(:migration!)
 * ```
 */
export const databaseState = new PreparedQuery<IDatabaseStateParams,IDatabaseStateResult>(databaseStateIR);


