import type { Task } from 'graphile-worker';
import type pg from 'pg';
import type { Logger } from 'pino';
import type { Retention } from '../src/configuration.ts';
import type { Vault } from '../src/encryption.ts';

/** What every task may use. */
export interface TaskContext {
  /** Connects as vanguard_worker. */
  pool: pg.Pool;
  vault: Vault;
  /** How long what only grows is kept. */
  retention: Retention;
  logger: Logger;
}

/** A task, given what it may use. */
export type WorkerTask = (context: TaskContext) => Task;
