import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type pg from 'pg';
import { migrationState, type IMigrationStateResult } from '../../sql/health/health.queries.ts';
import { VanguardError } from '../errors.ts';

// Whether a database is one that this version may use. Asked before anything in it is touched.

export const migrationsFolder = fileURLToPath(new URL('../../migrations', import.meta.url));

/** The committed migrations in order, as the database names them: by number, without what the file name says of them. */
export async function committedMigrations(): Promise<string[]> {
  const files = await readdir(join(migrationsFolder, 'committed'));
  return files
    .filter((name) => name.endsWith('.sql'))
    .map((name) => `${name.slice(0, 6)}.sql`)
    .sort();
}

/** The migrations that this version knows: those on disk when it was started, whatever an upgrade puts there later. */
const known = committedMigrations();

/** What a query says of a database that has not been migrated at all: our functions, schemas or rights are not there. */
const notMigrated = ['42883', '42P01', '3F000', '42501'];

/**
 * For who works with the data (server, worker). Refuses with DATABASE_NEWER when a newer version has been at the
 * database, with DATABASE_NOT_MIGRATED when it is behind.
 */
export async function checkMigrations(client: Pick<pg.ClientBase, 'query'>): Promise<void> {
  const state = await databaseState(client);
  if (!state) throw behind('');
  if (state.unknown.length > 0) throw newer(state.unknown);
  if (state.missing.length > 0) throw behind(`: it lacks ${count(state.missing)}`);
}

/** What of this version's migrations a database has, and whether the queue is there; undefined when it has nothing of ours. */
export async function databaseState(
  client: Pick<pg.ClientBase, 'query'>,
): Promise<IMigrationStateResult | undefined> {
  const rows = await migrationState
    .run({ expected: await known }, client)
    .catch((error: pg.DatabaseError): IMigrationStateResult[] => {
      if (!notMigrated.includes(error.code ?? '')) throw error;
      return [];
    });
  return rows[0];
}

/**
 * For who changes the database itself (bootstrap, migrate, start). Refuses with DATABASE_NOT_OURS when there is something
 * else in it, with DATABASE_NEWER when a newer version has been at it. A new, empty database is fine.
 */
export async function checkDatabase(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ is_ours: boolean; has_migrations: boolean; others: string[] }>(`
    select to_regnamespace('app_core') is not null and to_regnamespace('app_private') is not null as is_ours,
      to_regclass('graphile_migrate.migrations') is not null as has_migrations,
      array(
        select format('%I.%I', n.nspname, c.relname)
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname !~ '^pg_'
          and n.nspname not in ('information_schema', 'graphile_worker', 'graphile_migrate')
          and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
        order by 1
      ) as others`);
  const { is_ours, has_migrations, others } = rows[0]!;
  if (!is_ours && others.length > 0) {
    throw new VanguardError(
      'DATABASE_NOT_OURS',
      `The database holds something else: ${others.slice(0, 3).join(', ')}${others.length > 3 ? ` and ${others.length - 3} more` : ''}. Nothing was changed in it.`,
      { hint: 'Give PFA Vanguard a database of its own: correct the name at the end of DATABASE_URL.' },
    );
  }
  if (!is_ours || !has_migrations) return;
  const expected = await known;
  const applied = await client.query<{ filename: string }>(
    'select filename from graphile_migrate.migrations where filename <> all ($1) order by filename',
    [expected],
  );
  if (applied.rows.length > 0) throw newer(applied.rows.map(({ filename }) => filename));
}

function behind(what: string): VanguardError {
  return new VanguardError('DATABASE_NOT_MIGRATED', `The database is not up to date${what}.`, {
    hint: 'Run `npx vanguard migrate` (for a new database `npx vanguard bootstrap` before).',
  });
}

function newer(unknown: string[]): VanguardError {
  return new VanguardError(
    'DATABASE_NEWER',
    `A newer version of PFA Vanguard has been at this database: it has ${count(unknown)} that this version does not know.`,
    { hint: 'Start the version that migrated it, or restore the backup from before.' },
  );
}

const count = (names: string[]) =>
  `${names.length === 1 ? 'the migration' : `${names.length} migrations,`} ${names.length > 3 ? `${names[0]} to ${names.at(-1)}` : names.join(', ')}`;
