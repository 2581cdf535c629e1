import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type pg from 'pg';
import { migrationState, type IMigrationStateResult } from '../../sql/health/health.queries.ts';
import { VanguardError } from '../errors.ts';
import { checkEncoding, checkExtensions, checkServer } from './usable.ts';

// Checks whether this version may use a database, before it changes anything in it.

export const migrationsFolder = fileURLToPath(new URL('../../migrations', import.meta.url));

/** A committed migration, as graphile-migrate records it in the database. */
interface Migration {
  /** Its number without the message, such as `000003.sql`. */
  filename: string;
  /** Covers its text and all migrations before it. */
  hash: string;
}

/** The committed migrations, in order. */
export async function committedMigrations(): Promise<Migration[]> {
  const folder = join(migrationsFolder, 'committed');
  const files = (await readdir(folder)).filter((name) => name.endsWith('.sql')).sort();
  return Promise.all(
    files.map(async (name) => {
      const [, hash] = /^--! Hash: (\S+)$/m.exec(await readFile(join(folder, name), 'utf8')) ?? [];
      if (!hash) throw new Error(`migrations/committed/${name} has no hash.`);
      return { filename: `${name.slice(0, 6)}.sql`, hash };
    }),
  );
}

let committed: Promise<Migration[]> | undefined;

/** Returns the migrations of this version. Reads them once, so that an upgrade on disk does not change the result. */
const knownMigrations = () => (committed ??= committedMigrations());

/** SQLSTATEs of a database without our functions, schemas or rights. */
const notMigrated = ['42883', '42P01', '3F000', '42501'];

/**
 * Checks that a database has exactly the migrations of this version, for the server and the worker. Fails with
 * DATABASE_OTHER_HISTORY, DATABASE_NEWER or DATABASE_NOT_MIGRATED.
 */
export async function checkMigrations(client: Pick<pg.ClientBase, 'query'>): Promise<void> {
  const state = await databaseState(client);
  if (!state) throw behind('');
  await checkUnknown(state.unknown);
  if (state.missing.length > 0) {
    const names = (await knownMigrations())
      .filter(({ hash }) => state.missing.includes(hash))
      .map(({ filename }) => filename);
    throw behind(`: it lacks ${count(names)}`);
  }
}

/**
 * Returns which migrations of this version a database lacks (hashes), which it has that this version does not know
 * (file names), and whether the queue is there. Returns undefined for a database without any object of this product.
 */
export async function databaseState(
  client: Pick<pg.ClientBase, 'query'>,
): Promise<IMigrationStateResult | undefined> {
  const rows = await migrationState
    .run({ expected: (await knownMigrations()).map(({ hash }) => hash) }, client)
    .catch((error: pg.DatabaseError): IMigrationStateResult[] => {
      if (!notMigrated.includes(error.code ?? '')) throw error;
      return [];
    });
  return rows[0];
}

/**
 * Checks that bootstrap, migrate and start may change a database. Fails with DATABASE_NOT_OURS when it holds something
 * else, and with DATABASE_OTHER_HISTORY or DATABASE_NEWER. A new, empty database passes.
 */
export async function checkDatabase(client: pg.ClientBase): Promise<void> {
  await checkServer(client);
  await checkExtensions(client);
  await checkEncoding(client);
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
  const unknown = await client.query<{ filename: string }>(
    'select filename from graphile_migrate.migrations where hash <> all ($1) order by filename',
    [(await knownMigrations()).map(({ hash }) => hash)],
  );
  await checkUnknown(unknown.rows.map(({ filename }) => filename));
}

/** Fails if a database has migrations that this version does not know. */
async function checkUnknown(unknown: string[]): Promise<void> {
  if (unknown.length === 0) return;
  // A newer version adds migrations. The same number with another content belongs to another history.
  if ((await knownMigrations()).some(({ filename }) => unknown.includes(filename))) {
    throw new VanguardError(
      'DATABASE_OTHER_HISTORY',
      'A development version of PFA Vanguard with other migrations made this database. Nothing was changed in it.',
      {
        hint: 'Start over with another VANGUARD_DATA_DIR or database as docs/how-to/start-over.md says, or run `npm run db:reset` if you rewrote a migration yourself.',
      },
    );
  }
  throw newer(unknown);
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
