import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type pg from 'pg';
import { catalogueDifferences, readCatalogue } from './catalogue.ts';

// migrations/fixtures holds the current definition of each function, view and trigger. These checks enforce that.

/** Folder of the fixtures, relative to the project. */
const root = 'migrations/fixtures';

/** Reads all fixtures of a project: their SQL by path below migrations/fixtures. */
export async function readFixtures(projectFolder: string): Promise<Map<string, string>> {
  const folder = join(projectFolder, root);
  const paths = (await readdir(folder, { recursive: true })).filter((path) => path.endsWith('.sql')).sort();
  return new Map(
    await Promise.all(
      paths.map(
        async (path) => [path.replaceAll('\\', '/'), await readFile(join(folder, path), 'utf8')] as const,
      ),
    ),
  );
}

/** Returns the objects that need a fixture, each with the path of its fixture. */
const objectsQuery = `
  with ours as (select n.oid, n.nspname from pg_namespace n where n.nspname in ('app_public', 'app_core', 'app_private'))
  select format('%s/functions/%s.sql', n.nspname, p.proname) as path,
    case p.prokind when 'p' then 'procedure ' else 'function ' end || p.oid::regprocedure as object
  from pg_proc p join ours n on n.oid = p.pronamespace
  union all
  select format('%s/views/%s.sql', n.nspname, c.relname),
    format('%s %I.%I', case c.relkind when 'm' then 'materialized view' else 'view' end, n.nspname, c.relname)
  from pg_class c join ours n on n.oid = c.relnamespace
  where c.relkind in ('v', 'm')
  union all
  select format('%s/triggers/%s.%s.sql', n.nspname, c.relname, t.tgname),
    format('trigger %I on %I.%I', t.tgname, n.nspname, c.relname)
  from pg_trigger t join pg_class c on c.oid = t.tgrelid join ours n on n.oid = c.relnamespace
  where not t.tgisinternal
  order by 1, 2`;

/** Returns the expected fixture paths of all objects that a fixture defines. */
function definedIn(sql: string): string[] {
  const found = [
    ...[...sql.matchAll(/^create (?:or replace )?(?:function|procedure) (\w+)\.(\w+)\s*\(/gm)].map(
      ([, schema, name]) => `${schema}/functions/${name}.sql`,
    ),
    ...[
      ...sql.matchAll(/^create (?:or replace )?(?:materialized )?view (?:if not exists )?(\w+)\.(\w+)\s/gm),
    ].map(([, schema, name]) => `${schema}/views/${name}.sql`),
    ...[
      ...sql.matchAll(/^create (?:or replace )?(?:constraint )?trigger (\w+)\s[^;]*?\son (\w+)\.(\w+)\s/gm),
    ].map(([, name, schema, table]) => `${schema}/triggers/${table}.${name}.sql`),
  ];
  return [...new Set(found)];
}

/** Statements that a fixture may contain: the definition of its object, its grants and its comment. */
const allowed =
  /^(create or replace (function|procedure|view|trigger)|create materialized view if not exists|create (unique )?index if not exists|comment on|grant|revoke)\b/;

/** Returns the beginning of each statement that does not belong in a fixture. */
function strayStatements(sql: string): string[] {
  const withoutBodies = sql
    .replace(/\$(\w*)\$[^]*?\$\1\$/g, "''")
    .replace(/--.*$/gm, '')
    .replace(/'(?:[^']|'')*'/g, "''")
    .replace(/^begin atomic$[^]*?^end;$/gm, ';');
  return withoutBodies
    .split(';')
    .map((statement) => statement.replace(/\s+/g, ' ').trim())
    .filter((statement) => statement !== '' && !allowed.test(statement))
    .map((statement) => statement.slice(0, 60));
}

/**
 * Names each object that does not have exactly one fixture, and each fixture that does not define exactly one object.
 */
export async function misplacedFixtures(
  client: Pick<pg.ClientBase, 'query'>,
  fixtures: ReadonlyMap<string, string>,
): Promise<string[]> {
  const { rows } = await client.query<{ path: string; object: string }>(objectsQuery);
  const objects = new Map<string, string>();
  const problems: string[] = [];
  for (const { path, object } of rows) {
    const other = objects.get(path);
    if (other) problems.push(`${other} and ${object} share a name. Give one of them another name.`);
    else objects.set(path, object);
  }
  const definers = new Map<string, string[]>();
  for (const [path, sql] of fixtures) {
    const defined = definedIn(sql);
    if (defined.length !== 1)
      problems.push(`${root}/${path} defines ${defined.length} objects. Let it define one.`);
    for (const stray of strayStatements(sql))
      problems.push(`${root}/${path} also contains: ${stray}. Move that to migrations/current.`);
    for (const one of defined) definers.set(one, [...(definers.get(one) ?? []), path]);
  }
  for (const [path, object] of objects) {
    const files = definers.get(path) ?? [];
    if (files.length === 0)
      problems.push(`${object} has no fixture. Move its definition to ${root}/${path}.`);
    if (files.length > 1)
      problems.push(`${object} has ${files.length} fixtures: ${files.join(', ')}. Keep ${path}.`);
    if (files.length === 1 && files[0] !== path)
      problems.push(`${root}/${files[0]} defines ${object}. Rename it to ${path}.`);
  }
  for (const [path, files] of definers)
    if (!objects.has(path))
      problems.push(
        `${root}/${files[0]} defines something that no migration makes. Add \`--!include ${files[0]}\` to migrations/current.`,
      );
  return problems.sort();
}

/**
 * Removes everything that only fixtures provide: comments and grants of functions, views and triggers, and materialized
 * views, which a fixture does not replace. A comment or grant that is missing in a fixture thus becomes visible.
 */
const stripQuery = `
do $$
declare
  statement text;
begin
  for statement in
    with ours as (select n.oid from pg_namespace n where n.nspname in ('app_public', 'app_core', 'app_private'))
    select format('drop materialized view if exists %I.%I cascade', c.relnamespace::regnamespace, c.relname)
    from pg_class c where c.relnamespace in (select oid from ours) and c.relkind = 'm'
    order by 1
  loop
    execute statement;
  end loop;
  for statement in
    with ours as (select n.oid from pg_namespace n where n.nspname in ('app_public', 'app_core', 'app_private')),
    routine as (
      select p.*, case p.prokind when 'p' then 'procedure ' else 'function ' end || p.oid::regprocedure as name
      from pg_proc p where p.pronamespace in (select oid from ours)
    ),
    view as (select c.* from pg_class c where c.relnamespace in (select oid from ours) and c.relkind = 'v')
    select format('comment on %s is null', name) from routine
    union all
    select format('revoke all on %s from %s', name, case a.grantee when 0 then 'public' else a.grantee::regrole::text end)
    from routine, aclexplode(proacl) a where a.grantee <> proowner
    union all
    select format('comment on view %s is null', oid::regclass) from view
    union all
    select format('comment on column %s.%I is null', v.oid::regclass, a.attname)
    from view v join pg_attribute a on a.attrelid = v.oid where a.attnum > 0
    union all
    select format('revoke all on %s from %s', oid::regclass, case a.grantee when 0 then 'public' else a.grantee::regrole::text end)
    from view, aclexplode(relacl) a where a.grantee <> relowner
    union all
    select format('revoke all (%I) on %s from %s', t.attname, v.oid::regclass,
      case a.grantee when 0 then 'public' else a.grantee::regrole::text end)
    from view v join pg_attribute t on t.attrelid = v.oid, aclexplode(t.attacl) a
    union all
    select format('comment on trigger %I on %s is null', t.tgname, t.tgrelid::regclass)
    from pg_trigger t join pg_class c on c.oid = t.tgrelid
    where c.relnamespace in (select oid from ours) and not t.tgisinternal
  loop
    execute statement;
  end loop;
end;
$$`;

/**
 * Runs all fixtures again on a migrated database and names every change; there should be none. Rolls everything back.
 *
 * @param client Requires a connection as vanguard_owner, outside a transaction.
 */
export async function fixtureChanges(
  client: Pick<pg.ClientBase, 'query'>,
  fixtures: ReadonlyMap<string, string>,
): Promise<string[]> {
  await client.query('begin');
  try {
    const before = await readCatalogue(client);
    await client.query(stripQuery);
    const failures = await runInAnyOrder(client, fixtures);
    if (failures.size > 0)
      return [...failures].map(([path, message]) => `${root}/${path} cannot run again: ${message}.`).sort();
    return catalogueDifferences(before, await readCatalogue(client)).map(
      (difference) =>
        `${difference} when the fixtures run again. Include its fixture in migrations/current, or correct the fixture.`,
    );
  } finally {
    await client.query('rollback');
  }
}

/**
 * Runs scripts and repeats the failed ones after the others, as long as that makes progress. Returns the errors of the
 * rest.
 */
async function runInAnyOrder(
  client: Pick<pg.ClientBase, 'query'>,
  scripts: ReadonlyMap<string, string>,
): Promise<Map<string, string>> {
  let left = new Map(scripts);
  for (;;) {
    const failures = new Map<string, string>();
    for (const [path, sql] of left) {
      await client.query('savepoint fixture');
      try {
        await client.query(sql);
        await client.query('release savepoint fixture');
      } catch (error) {
        await client.query('rollback to savepoint fixture');
        failures.set(path, (error as Error).message);
      }
    }
    if (failures.size === 0 || failures.size === left.size) return failures;
    left = new Map([...left].filter(([path]) => failures.has(path)));
  }
}
