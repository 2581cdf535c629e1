import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { launcher, spawned } from '../cli/vanguard.ts';
import { environmentOf } from '../support/environment.ts';
import { until } from '../support/until.ts';

vi.setConfig({ testTimeout: 120_000 });

// Any command may be the first one on a new data folder.

let base: string;
let legacyFile: string;
beforeAll(() => {
  base = mkdtempSync(join(tmpdir(), 'vanguard-new-folder-'));
  chmodSync(base, 0o711); // as root, the user that PostgreSQL runs as must get in
  legacyFile = join(base, 'legacy.db');
  const legacy = new DatabaseSync(legacyFile);
  legacy.exec(
    'create table organizations (id text primary key, code text, name text, isActive integer, updatedAt integer)',
  );
  legacy.close();
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

let folders = 0;
const newFolder = () => ({ VANGUARD_DATA_DIR: join(base, String(++folders)) });

test.each([
  ['legacy analyze', () => ['legacy', 'analyze', legacyFile], 0, /Nothing stands in its way/],
  ['legacy rollback', () => ['legacy', 'rollback'], 1, /^LEGACY_NOT_IMPORTED: /],
  ['connection test', () => ['connection', 'test', 'HOLNG'], 1, /^NO_PEMS_CONNECTION: /],
  ['migrate', () => ['migrate'], 0, /up to date/],
  ['push status', () => ['push', 'status'], 0, /HOLNG/],
])('%s works on a new data folder, and so does the next command', async (_, args, code, words) => {
  const environment = newFolder();
  const ran = await spawned(environment, args());
  expect({ code: ran.code, text: ran.said + ran.complained }).toEqual({
    code,
    text: expect.stringMatching(words) as string,
  });
  expect(await spawned(environment, ['seed'])).toMatchObject({ code: 0, complained: '' });
  const status = await spawned(environment, ['sync', 'status']);
  expect(status).toMatchObject({ code: 0, said: expect.stringContaining('HOLNG') as string });
});

test('a command that was killed while PostgreSQL initialised leaves nothing that stops the next one', async () => {
  const environment = newFolder();
  const killed = spawn(process.execPath, [launcher, 'sync', 'status'], {
    env: environmentOf(environment),
    stdio: 'ignore',
  });
  const database = join(environment.VANGUARD_DATA_DIR, 'database');
  await until(
    'it initialises',
    () => existsSync(database) && readdirSync(database).some((name) => name.startsWith('initialising-')),
  );
  killed.kill('SIGKILL');
  await once(killed, 'exit');
  expect(await spawned(environment, ['sync', 'status'])).toMatchObject({ code: 0, complained: '' });
  expect(readdirSync(database).filter((name) => /initialising|unfinished/.test(name))).toEqual([]);
});
