import type { Task } from 'graphile-worker';
import type pg from 'pg';
import type { Logger } from 'pino';
import type { Metrics } from '../src/admin/metrics.ts';
import type { Retention, RunLimits } from '../src/configuration.ts';
import type { Vault } from '../src/encryption.ts';

/** Objects that every task may use. */
export interface TaskContext {
  /** Connects as vanguard_worker. */
  pool: pg.Pool;
  vault: Vault;
  /** Retention of data that only grows. */
  retention: Retention;
  /** Limits of one run. */
  runLimits: RunLimits;
  logger: Logger;
  /** Counter of requests to PEMS. */
  metrics: Pick<Metrics, 'pemsRequest'>;
  /** Resolves to the id of this worker in the queue, once the worker is registered. Each run records this id. */
  workerId: Promise<string>;
  /** Aborts when the worker stops: tasks begin nothing new after that. */
  stopping: AbortSignal;
  /** Delay before a request to PEMS is retried, in milliseconds; undefined: the client's default. */
  pemsRetryDelayMs: number | undefined;
}

/** Function that makes a task from its context. */
export type WorkerTask = (context: TaskContext) => Task;
