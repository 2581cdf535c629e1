import { globSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import pg from 'pg';
import { projectFolder } from '../../src/configuration.ts';
import { fixtureChanges, misplacedFixtures, readFixtures } from '../../tools/database/fixtures.ts';
import { testDatabase } from '../support/database.ts';

// Each object has one fixture, equal to the migrated object. The tests also check that violations are found.

const db = await testDatabase();
const client = new pg.Client({ connectionString: db.urls.owner });
const fixtures = await readFixtures(projectFolder);
beforeAll(() => client.connect());
afterAll(() => client.end());

/** The fixtures with one of them changed. */
function edited(path: string, edit: (sql: string) => string): Map<string, string> {
  const before = fixtures.get(path);
  if (before === undefined) throw new Error(`There is no fixture ${path}.`);
  const after = edit(before);
  expect(after, 'the violation is planted').not.toBe(before);
  return new Map(fixtures).set(path, after);
}

/** Without a part, which must exist. */
const without = (part: RegExp) => (sql: string) => sql.replace(part, '');

const inRolledBack = async <T>(sql: string, use: () => Promise<T>) => {
  await client.query(`begin; ${sql}`);
  try {
    return await use();
  } finally {
    await client.query('rollback');
  }
};

test('each function, view and trigger has exactly one fixture, at the path of its name', async () => {
  expect(await misplacedFixtures(client, fixtures)).toEqual([]);
});

test('the test of an object is at the path of its fixture', () => {
  const tests = globSync('*/{functions,views,triggers}/*.test.ts', {
    cwd: join(projectFolder, 'test/database'),
  });
  expect(tests.length).toBeGreaterThan(30);
  expect(tests.filter((path) => !fixtures.has(path.replace(/\.test\.ts$/, '.sql')))).toEqual([]);
});

test('running all fixtures again changes nothing', async () => {
  expect(await fixtureChanges(client, fixtures)).toEqual([]);
});

const planted = 'app_private/functions/planted.sql';

test.each([
  [
    'a function that no fixture defines',
    'create function app_private.planted() returns integer language sql stable return 1',
    `function app_private.planted() has no fixture. Move its definition to migrations/fixtures/${planted}.`,
  ],
  [
    'a view that no fixture defines',
    'create view app_private.planted with (security_invoker = true) as select 1 as one',
    'view app_private.planted has no fixture. Move its definition to migrations/fixtures/app_private/views/planted.sql.',
  ],
  [
    'a trigger that no fixture defines',
    `create trigger planted before update on app_public.pfa_fields
      for each row execute function app_private.touch_updated_at()`,
    'trigger planted on app_public.pfa_fields has no fixture. Move its definition to migrations/fixtures/app_public/triggers/pfa_fields.planted.sql.',
  ],
  [
    'a second function of the same name',
    'create function app_private.touch_updated_at(integer) returns integer language sql stable return 1',
    'function app_private.touch_updated_at() and function app_private.touch_updated_at(integer) share a name. Give one of them another name.',
  ],
])('%s is reported', async (_, sql, problem) => {
  expect(await inRolledBack(sql, () => misplacedFixtures(client, fixtures))).toEqual([problem]);
});

test('a second fixture of an object, one at another path, and one that no migration includes, are reported', async () => {
  const path = 'app_private/functions/touch_updated_at.sql';
  const sql = fixtures.get(path)!;
  const elsewhere = 'app_private/functions/touch.sql';
  expect(await misplacedFixtures(client, new Map(fixtures).set(elsewhere, sql))).toEqual([
    `function app_private.touch_updated_at() has 2 fixtures: ${path}, ${elsewhere}. Keep ${path}.`,
  ]);
  const moved = new Map(fixtures).set(elsewhere, sql);
  moved.delete(path);
  expect(await misplacedFixtures(client, moved)).toEqual([
    `migrations/fixtures/${elsewhere} defines function app_private.touch_updated_at(). Rename it to ${path}.`,
  ]);
  const definition =
    'create or replace function app_private.planted() returns integer language sql return 1;';
  expect(await misplacedFixtures(client, new Map(fixtures).set(planted, definition))).toEqual([
    `migrations/fixtures/${planted} defines something that no migration makes. Add \`--!include ${planted}\` to migrations/current.`,
  ]);
  expect(await misplacedFixtures(client, new Map(fixtures).set(planted, '-- nothing'))).toEqual([
    `migrations/fixtures/${planted} defines 0 objects. Let it define one.`,
  ]);
});

test.each([
  'alter table app_public.users add column age integer;',
  '  create table app_private.planted ();',
  'do $$ begin null; end $$;',
  'CREATE OR REPLACE FUNCTION app_private.planted() RETURNS integer LANGUAGE sql RETURN 1;',
])('a fixture that also contains %s is reported', async (statement) => {
  const path = 'app_core/functions/current_user_id.sql';
  const problems = await misplacedFixtures(
    client,
    edited(path, (sql) => `${sql}${statement}`),
  );
  expect(problems).toHaveLength(1);
  expect(problems[0]).toMatch(`migrations/fixtures/${path} also contains: `);
});

test.each([
  [
    'the body of a function',
    'app_core/functions/current_user_id.sql',
    (sql: string) => sql.replace('jwt.claims.user_id', 'jwt.claims.somebody'),
    'function app_core.current_user_id()',
  ],
  [
    'a grant that is gone',
    'app_core/functions/current_user_id.sql',
    without(/^grant .*$/m),
    'function app_core.current_user_id()',
  ],
  [
    'a comment that is gone',
    'app_public/functions/save_draft.sql',
    without(/^comment on [^]*?;$/m),
    'function app_public.save_draft(integer,text,jsonb,bigint)',
  ],
  [
    'a view',
    'app_public/views/pfa_record.sql',
    (sql: string) => sql.replace('r.forecast_cost_cents - r.plan_cost_cents', 'r.plan_cost_cents'),
    'view app_public.pfa_record',
  ],
  [
    'the comment on a column of a view',
    'app_public/views/pfa_change.sql',
    without(/^comment on column [^]*?;$/m),
    'column app_public.pfa_change.organization_id',
  ],
  [
    'a materialized view, which `if not exists` would leave as it is',
    'app_private/views/pfa_timeline_bounds.sql',
    (sql: string) => sql.replace(/\bmin\(/, 'max('),
    'materialized view app_private.pfa_timeline_bounds',
  ],
  [
    'the index of a materialized view',
    'app_private/views/pfa_timeline_bounds.sql',
    without(/^create unique index [^]*?;$/m),
    'migrations/fixtures/app_private/views/pfa_timeline_bounds.sql',
  ],
  [
    'a trigger',
    'app_public/triggers/users._100_touch.sql',
    (sql: string) => sql.replace('before update', 'before insert or update'),
    'trigger _100_touch on app_public.users',
  ],
  [
    'what does not run a second time',
    'app_core/functions/current_user_id.sql',
    (sql: string) => sql.replace('create or replace', 'create'),
    'migrations/fixtures/app_core/functions/current_user_id.sql',
  ],
])('a fixture that differs from the database is reported: %s', async (_, path, edit, name) => {
  const problems = await fixtureChanges(client, edited(path, edit));
  expect(problems.filter((problem) => problem.startsWith(name))).toHaveLength(1);
  expect(await fixtureChanges(client, fixtures), 'the check leaves no trace').toEqual([]);
});
