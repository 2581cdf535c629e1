import type { Task } from 'graphile-worker';
import type pg from 'pg';
import type { Logger } from 'pino';
import type { Metrics } from '../src/admin/metrics.ts';
import type { Retention, RunLimits } from '../src/configuration.ts';
import type { Vault } from '../src/encryption.ts';

/** What every task may use. */
export interface TaskContext {
  /** Connects as vanguard_worker. */
  pool: pg.Pool;
  vault: Vault;
  /** How long what only grows is kept. */
  retention: Retention;
  /** How much one run may read. */
  runLimits: RunLimits;
  logger: Logger;
  /** Where requests to PEMS are counted. */
  metrics: Pick<Metrics, 'pemsRequest'>;
  /** What the queue calls this worker, once it is on the list of those that live. A run says who does it. */
  workerId: Promise<string>;
  /** Aborted as soon as the worker is told to stop: nothing new is begun then. */
  stopping: AbortSignal;
  /** The pause before a request to PEMS is repeated, in milliseconds; undefined: the client's own. */
  pemsRetryDelayMs: number | undefined;
}

/** A task, given what it may use. */
export type WorkerTask = (context: TaskContext) => Task;
