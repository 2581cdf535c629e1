import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, expect } from 'vitest';
import type { TestDatabase } from '../support/database.ts';
import { environmentOf } from '../support/environment.ts';
import { encryptionKeys } from './world.ts';

/** A worker in a process of its own. */
export interface WorkerProcess {
  child: ChildProcess;
  /** All that it logged so far. */
  log(): string;
}

const children: ChildProcess[] = [];
afterAll(() => children.forEach((child) => child.kill('SIGKILL')));

/** What any process of the product needs for this database. */
export const processEnvironment = (db: TestDatabase) => ({
  DATABASE_URL: db.urls.owner,
  WORKER_DATABASE_URL: db.urls.worker,
  VANGUARD_SECRET: 'x'.repeat(32),
  VANGUARD_ENCRYPTION_KEYS: encryptionKeys,
});

/** A worker as `vanguard worker` is; resolves when it works. */
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
