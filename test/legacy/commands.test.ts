import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { newEncryptionKey } from '../../src/encryption.ts';
import { exportLegacy } from '../../src/legacy/export.ts';
import { launcher, run } from '../cli/vanguard.ts';
import { testDatabase } from '../support/database.ts';
import { environmentOf } from '../support/environment.ts';
import { until } from '../support/until.ts';
import {
  fillLegacyDatabase,
  fillRecords,
  makeLegacyDatabase,
  type LegacyDatabase,
} from './legacy-database.ts';

vi.setConfig({ testTimeout: 60_000 });

const db = await testDatabase();
let folder: string;
let environment: Record<string, string>;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'legacy-commands-'));
  environment = {
    DATABASE_URL: db.urls.owner,
    VANGUARD_SECRET: 'the secret of the tests of moving in',
    VANGUARD_ENCRYPTION_KEYS: newEncryptionKey('test'),
    VANGUARD_DATA_DIR: join(folder, 'unused'),
  };
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const legacy = (...args: string[]) => run(environment, ['legacy', ...args]);

function make(name: string, fill: (legacy: LegacyDatabase) => void): string {
  const path = join(folder, name);
  const database = makeLegacyDatabase(path);
  fill(database);
  database.database.close();
  return path;
}

test('the whole migration: analyze, export, verify, import, repeated import, check, rollback', async () => {
  const file = make('dev.db', fillLegacyDatabase);
  const out = join(folder, 'out');

  const analyzed = await legacy('analyze', file);
  expect(analyzed).toMatchObject({ code: 0, complained: '' });
  expect(analyzed.said).toMatch(/organizations: 28 rows, to app_public\.organizations/);
  expect(analyzed.said).toMatch(/createdAt +DATETIME +14 integer, 14 text +-> created_at/);
  expect(analyzed.said).toMatch(/ai_usage_logs: 0 rows, does not move in/);
  expect(analyzed.said).toMatch(/Nothing stands in its way/);

  expect(await legacy('export', file, '--out', out)).toMatchObject({ code: 0 });
  const verified = await legacy('verify', out);
  expect(verified).toMatchObject({ code: 0 });
  expect(verified.said).toMatch(
    /is whole: 67 rows of 11 tables\. Put it in with: npx vanguard legacy import/,
  );

  const imported = await legacy('import', out);
  expect(imported).toMatchObject({ code: 0, complained: '' });
  expect(imported.said).toMatch(/organizations +-> app_public\.organizations: 28 added/);
  expect(imported.said).toMatch(/Imported\. People sign in with their old passwords\./);
  const again = await legacy('import', out);
  expect(again).toMatchObject({ code: 0 });
  expect(again.said).toMatch(/This export was imported on .* nothing was changed/);

  const checked = await legacy('check', out);
  expect(checked).toMatchObject({ code: 0 });
  expect(checked.said).toMatch(/users +7 rows {2}equal/);
  expect(checked.said).toMatch(/Every value here is what the legacy value becomes/);
  expect(JSON.parse((await legacy('check', out, '--json')).said)).toMatchObject({
    isWhole: true,
    differences: [],
  });

  await db.owner.query(
    `update app_private.legacy_row set line = line || ' ' where table_name = 'users' and line_number = 1`,
  );
  const damaged = await legacy('check', out);
  expect(damaged).toMatchObject({ code: 2 });
  expect(damaged.said).toMatch(/users +7 rows {2}DIFFER/);

  await db.owner.query(`update app_public.users set first_name = 'Anna' where username = 'anna'`);
  const back = await legacy('rollback');
  expect(back).toMatchObject({ code: 0 });
  expect(back.said).toMatch(/users user-1 stays: changed since: first_name/);
  expect(back.said).toMatch(/removed +66 rows/);
  expect(back.said).toContain(`start the prototype as before, with DATABASE_URL="file:${file}"`);
  expect(await legacy('check', out)).toMatchObject({
    code: 1,
    complained: expect.stringContaining('LEGACY_NOT_IMPORTED') as string,
  });
  await db.owner.query('delete from app_public.users');
});

test('rows that cannot be migrated are listed, as text and as JSON, with exit code 2', async () => {
  const file = make('bad.db', (bad) => {
    fillLegacyDatabase(bad);
    bad.database.exec(`update users set "isActive" = 'perhaps' where id = 'user-6'`);
  });
  const out = join(folder, 'bad');
  const analyzed = await legacy('analyze', file);
  expect(analyzed).toMatchObject({ code: 2 });
  expect(analyzed.said).toContain('users user-6: isActive "perhaps" is neither true (1) nor false (0)');
  await legacy('export', file, '--out', out);
  const refused = await legacy('import', out);
  expect(refused).toMatchObject({ code: 2 });
  expect(refused.said).toMatch(/Nothing was changed\. Rows that cannot be migrated: 1\./);
  expect(JSON.parse((await legacy('import', out, '--json')).said)).toMatchObject({
    imported: false,
    problems: [{ table: 'users', id: 'user-6', column: 'isActive', value: 'perhaps' }],
  });
  expect((await db.owner.query('select from app_public.users')).rowCount).toBe(0);

  writeFileSync(join(folder, 'key'), 'too short');
  expect(await legacy('import', out, '--key-file', join(folder, 'key'))).toMatchObject({
    code: 1,
    complained: expect.stringContaining('AES-256 needs 32 bytes') as string,
  });
  const taken = await legacy('import', out, '--quarantine');
  expect(taken).toMatchObject({ code: 0 });
  expect(taken.said).toMatch(/users +-> app_public\.users: 6 added, 1 quarantined/);
  expect(await legacy('rollback')).toMatchObject({ code: 0 });
});

test('an import killed with -9 at any point leaves the database unchanged', async () => {
  const out = join(folder, 'killed');
  const file = make('killed.db', (killed) => {
    fillLegacyDatabase(killed);
    fillRecords(killed, 'org-holng', 10_000);
  });
  await exportLegacy(file, out);
  const count = async () =>
    (
      await db.owner.query<{ rows: number }>(`select
        (select count(*) from app_public.organizations) + (select count(*) from app_public.users) + (select count(*) from app_core.pfa_mirror)
        + (select count(*) from app_private.legacy_row) + (select count(*) from app_private.legacy_import where rolled_back_at is null) as rows`)
    ).rows[0]!.rows;
  const sessions = async () =>
    (
      await db.owner.query<{ query: string; waits: boolean }>(
        `select query, wait_event_type = 'Lock' as waits from pg_stat_activity where datname = current_database() and application_name = 'vanguard'`,
      )
    ).rows;
  expect(await count()).toBe('0');
  const indexes = `select indexdef from pg_indexes where tablename = 'pfa_mirror' order by 1`;
  const before = (await db.owner.query(indexes)).rows;
  const killed = async (isThere: () => Promise<unknown>) => {
    const child = spawn(process.execPath, [launcher, 'legacy', 'import', out], {
      env: environmentOf(environment),
      stdio: 'ignore',
      detached: true,
    });
    const ended = once(child, 'exit');
    await isThere();
    process.kill(-child.pid!, 'SIGKILL');
    await ended;
  };
  const nothingIsThere = async (where: string) => {
    await until('its session is gone', async () => (await sessions()).length === 0);
    expect(await count(), where).toBe('0');
  };

  await killed(() =>
    until('it copies', async () => (await sessions()).some(({ query }) => query.startsWith('copy pg_temp'))),
  );
  await nothingIsThere('while it copies');
  // Another transaction blocks it where it writes.
  for (const table of ['app_public.users', 'app_core.pfa_mirror', 'app_private.legacy_row']) {
    const holder = await db.owner.connect();
    try {
      await holder.query(`begin; lock table ${table} in share mode`);
      await killed(() =>
        until(`it waits for ${table}`, async () => (await sessions()).some(({ waits }) => waits)),
      );
    } finally {
      await holder.query('rollback');
      holder.release();
    }
    await nothingIsThere(table);
  }
  expect((await db.owner.query(indexes)).rows).toEqual(before);
  expect(await legacy('import', out)).toMatchObject({ code: 0 });
  expect(await legacy('check', out)).toMatchObject({ code: 0 });
});
