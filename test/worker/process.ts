import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, expect } from 'vitest';
import type { TestDatabase } from '../support/database.ts';
import { environmentOf } from '../support/environment.ts';
import { encryptionKeys } from './world.ts';

/** A worker in its own process. */
export interface WorkerProcess {
  child: ChildProcess;
  /** The log so far. */
  log(): string;
}

const children: ChildProcess[] = [];
afterAll(() => children.forEach((child) => child.kill('SIGKILL')));

/** Environment of all processes of the product on this database. */
export const processEnvironment = (db: TestDatabase) => ({
  DATABASE_URL: db.urls.owner,
  WORKER_DATABASE_URL: db.urls.worker,
  VANGUARD_SECRET: 'x'.repeat(32),
  VANGUARD_ENCRYPTION_KEYS: encryptionKeys,
});

/** Starts a worker like `vanguard worker`; resolves once it is ready. */
export async function workerProcess(
  db: TestDatabase,
  logLevel = 'silent',
  { execArgv = [], environment = {} }: { execArgv?: string[]; environment?: Record<string, string> } = {},
): Promise<WorkerProcess> {
  const child = fork(fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url)), ['worker'], {
    execArgv,
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
    env: environmentOf({ ...processEnvironment(db), LOG_LEVEL: logLevel, ...environment }),
  });
  children.push(child);
  let log = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (log += text));
  const [message] = (await once(child, 'message')) as [{ type: string }];
  expect(message, log).toMatchObject({ type: 'ready' });
  return { child, log: () => log };
}
