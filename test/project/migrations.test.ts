import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { expect, test } from 'vitest';
import { projectFolder } from '../../src/configuration.ts';
import { bootstrap } from '../../src/database/bootstrap.ts';
import { migrate } from '../../src/database/migrate.ts';
import { committedMigrations } from '../../src/database/state.ts';
import { testSecret } from '../support/clusters.ts';
import { testDatabase } from '../support/database.ts';

const db = await testDatabase();

const statements = (sql: string) =>
  sql
    .replace(/--.*$/gm, '')
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .trim();

/** The files under migrations/current that hold SQL. */
async function uncommitted(folder: string): Promise<string[]> {
  const files = (await readdir(folder)).filter((name) => name.endsWith('.sql'));
  const contents = await Promise.all(
    files.map(async (name) => [name, statements(await readFile(join(folder, name), 'utf8'))] as const),
  );
  return contents.filter(([, sql]) => sql !== '').map(([name]) => name);
}

test('migrations/current is empty', async () => {
  expect(
    await uncommitted(join(projectFolder, 'migrations/current')),
    'run `npm run db:commit -- MESSAGE`',
  ).toEqual([]);
});

test('SQL in such a folder is reported, comments are not', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'vanguard-current-'));
  try {
    await writeFile(join(folder, '1-current.sql'), '-- nothing yet\n/* nor\nhere */\n');
    expect(await uncommitted(folder)).toEqual([]);
    await writeFile(join(folder, '2-more.sql'), '-- a table\ncreate table t ();\n');
    expect(await uncommitted(folder)).toEqual(['2-more.sql']);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('the committed migrations apply to an empty database, twice', async () => {
  const empty = await bootstrap(db.superuserUrl, `${db.name}_empty`, testSecret);
  await migrate(empty.owner);
  await migrate(empty.owner);
  const client = new pg.Client({ connectionString: empty.owner });
  await client.connect();
  try {
    const { rows } = await client.query<{ filename: string; hash: string }>(
      'select filename, hash from graphile_migrate.migrations order by filename',
    );
    const committed = await committedMigrations();
    expect(rows).toEqual(committed);
    expect(committed).not.toEqual([]);
  } finally {
    await client.end();
  }
});
