import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { projectFolder } from '../../src/configuration.ts';
import { lintSql, longLines, maxLineLength } from '../../tools/lint-sql.ts';

test('a line of 121 characters fails, one of 120 passes', () => {
  const [longest, tooLong] = ['x'.repeat(maxLineLength), 'x'.repeat(maxLineLength + 1)];
  expect(longLines('a.sql', `select 1;\n${longest}\r\n${'é'.repeat(maxLineLength)}\n`)).toEqual([]);
  expect(longLines('a.sql', `${longest}\n-- ${tooLong}\n${tooLong}`)).toEqual([
    'a.sql:2: The line has 124 characters; at most 120 are allowed.',
    'a.sql:3: The line has 121 characters; at most 120 are allowed.',
  ]);
});

test('npm run lint finds a long line in every folder of SQL', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'vanguard-lint-sql-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await expect(lintSql(folder)).rejects.toThrow('There are no SQL files');
  const long = [
    'migrations/committed/000001-tables.sql',
    'migrations/current/1-current.sql',
    'migrations/fixtures/app_core/functions/usd.sql',
    'sql/area/area.sql',
  ];
  for (const path of long) {
    await mkdir(join(folder, path, '..'), { recursive: true });
    await writeFile(join(folder, path), `select 1;\n${'-'.repeat(200)}\n`);
  }
  await writeFile(join(folder, 'sql', 'area', 'area.queries.ts'), `${'/'.repeat(200)}\n`);
  expect(await lintSql(folder)).toEqual(
    long.map((path) => `${path}:2: The line has 200 characters; at most 120 are allowed.`),
  );
});

test('the SQL of this project has no long line', async () => {
  expect(await lintSql(projectFolder)).toEqual([]);
});
