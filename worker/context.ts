import type { Task } from 'graphile-worker';
import type pg from 'pg';
import type { Logger } from 'pino';
import type { Vault } from '../src/encryption.ts';

/** What every task may use. */
export interface TaskContext {
  /** Connects as vanguard_worker. */
  pool: pg.Pool;
  vault: Vault;
  logger: Logger;
}

/** A task, given what it may use. */
export type WorkerTask = (context: TaskContext) => Task;
