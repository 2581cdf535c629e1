import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, expect, test, vi } from 'vitest';
import { exportLegacy } from '../../src/legacy/export.ts';
import { readRows, type Manifest } from '../../src/legacy/manifest.ts';
import { environmentOf } from '../support/environment.ts';
import { fillLegacyDatabase, fillRecords, makeLegacyDatabase } from './legacy-database.ts';

// Real-world files: interrupted, under other names, with contents that some versions of SQLite cannot read.

vi.setConfig({ testTimeout: 60_000 });
const folder = mkdtempSync(join(tmpdir(), 'legacy-files-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let made = 0;
const fresh = () => join(folder, `place-${++made}`);

/** A database created by these statements. */
function databaseOf(sql: string): string {
  const path = `${fresh()}.db`;
  const database = new DatabaseSync(path);
  database.exec(sql);
  database.close();
  return path;
}

async function rowsOf(out: string, { tables }: Manifest, name: string) {
  const rows = [];
  for await (const row of readRows(
    out,
    tables.find((table) => table.name === name)!,
  ))
    rows.push(row);
  return rows;
}

test('changes of a process killed in a transaction are refused, or rolled back in a copy', async () => {
  const path = `${fresh()}.db`;
  const legacy = makeLegacyDatabase(path);
  fillLegacyDatabase(legacy);
  fillRecords(legacy, 'org-holng', 3000);
  legacy.database.close();
  // With a cache of five pages, most changes reach the file before the commit.
  const child = spawn(
    process.execPath,
    [
      '--eval',
      `const { DatabaseSync } = require('node:sqlite');
      const database = new DatabaseSync(process.argv[1]);
      database.exec("pragma cache_size = 5; begin; update pfa_records set category = 'NEVER COMMITTED'");
      console.log('written');
      setInterval(() => undefined, 1000);`,
      path,
    ],
    { env: environmentOf({}), stdio: ['ignore', 'pipe', 'inherit'] },
  );
  await once(child.stdout, 'data');
  const aside = `${fresh()}.db`;
  copyFileSync(path, aside);
  copyFileSync(`${path}-journal`, `${aside}-journal`);
  // The file is locked in the meantime.
  await expect(exportLegacy(path, fresh(), { patience: 50 })).rejects.toMatchObject({
    code: 'LEGACY_FILE_LOCKED',
  });
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(readFileSync(path).includes('NEVER COMMITTED')).toBe(true);

  for (const file of [path, aside]) {
    const before = readFileSync(file);
    const refusal = await exportLegacy(file, fresh()).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code: 'LEGACY_FILE_INTERRUPTED' });
    expect((refusal as { hint: string }).hint).toMatch(/--copy.*Keep place-\d+\.db-journal beside/);
    const out = fresh();
    const manifest = await exportLegacy(file, out, { copy: true });
    const rows = await rowsOf(out, manifest, 'pfa_records');
    expect(rows).toHaveLength(3000);
    expect(JSON.stringify(rows)).not.toContain('NEVER COMMITTED');
    // The prototype's file does not change.
    expect(readFileSync(file).equals(before)).toBe(true);
  }
});

test('a path has the same meaning as in Prisma', async () => {
  const path = databaseOf('create table t (a); insert into t values (1)');
  for (const written of [`file:${path}`, `file://${path}`, `file:${path}?connection_limit=1`])
    expect((await exportLegacy(written, fresh())).source.path).toBe(path);
  expect((await exportLegacy(`file:./${relative('.', path)}`, fresh())).source.path).toBe(path);
});

test('a database without tables is refused', async () => {
  await expect(exportLegacy(databaseOf('create table t (a); drop table t'), fresh())).rejects.toMatchObject({
    code: 'LEGACY_FILE_NO_TABLES',
    message: expect.stringMatching(/is a database without tables/) as string,
  });
});

test.each([
  [
    'create table a (id integer primary key, data blob); insert into a values (7, zeroblob(420000000))',
    'a: the row with id 7 has 420,000,000 bytes in data',
  ],
  [
    "create table a (k text primary key, v text) without rowid; insert into a values ('x', cast(zeroblob(100000001) as text))",
    'a: the row with k x has 100,000,001 bytes in v',
  ],
  [
    'create table a (v, w, x); insert into a values (zeroblob(70000000), zeroblob(70000001), zeroblob(70000000))',
    'a: the row with rowid 1 has 70,000,001 bytes in w',
  ],
])(
  'a value too large for an export is reported with table, row, column and size: %s',
  async (sql, message) => {
    const out = fresh();
    await expect(exportLegacy(databaseOf(sql), out)).rejects.toMatchObject({
      code: 'LEGACY_VALUE_TOO_LARGE',
      message: expect.stringContaining(message) as string,
    });
  },
);

test('a generated column is exported, or reported if its function is unknown', async () => {
  const path = `${fresh()}.db`;
  const database = new DatabaseSync(path);
  database.function('slug', { deterministic: true }, (text) => String(text).toLowerCase());
  database.exec(`create table t (name text, short text generated always as (slug(name)), kept text as (slug(name)) stored,
      upper text as (upper(name)));
    create index t_slug on t (slug(name)); insert into t values ('A')`);
  database.close();
  const out = fresh();
  const manifest = await exportLegacy(path, out);
  expect(manifest.tables[0]).toMatchObject({ columnsLeftOut: ['short'] });
  expect(await rowsOf(out, manifest, 't')).toEqual([['A', 'a', 'A']]);
});

test('virtual tables are exported with their content', async () => {
  const path =
    databaseOf(`create virtual table notes using fts5(title, body); insert into notes values ('a', 'b');
    create virtual table boxes using rtree(id, x0, x1); insert into boxes values (1, 2, 3)`);
  const out = fresh();
  const manifest = await exportLegacy(path, out);
  expect(manifest.tables.map(({ name }) => name)).toEqual(['boxes', 'notes']);
  expect(await rowsOf(out, manifest, 'notes')).toEqual([['a', 'b']]);
  expect(await rowsOf(out, manifest, 'boxes')).toEqual([[1, { real: '2' }, { real: '3' }]]);
});
