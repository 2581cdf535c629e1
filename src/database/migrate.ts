import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import graphileMigrate from 'graphile-migrate';
import { clearAllPools } from 'graphile-migrate/dist/pgReal.js';
import { Logger, runMigrations } from 'graphile-worker';
import { VanguardError } from '../errors.ts';
import { withClient } from './bootstrap.ts';
import { checkDatabase, migrationsFolder } from './state.ts';
import { checkPooler } from './usable.ts';

/** Silences the console output of a library, which throws its errors anyway. */
const quiet = <T>(LoggerOf: new (factory: () => () => void) => T) => new LoggerOf(() => () => undefined);

/**
 * Applies the committed migrations to a database, after those of the queue, on which they depend. Idempotent, and safe
 * with several concurrent processes.
 *
 * @param ownerUrl Connects as vanguard_owner, directly or through a pooler of sessions.
 */
export async function migrate(ownerUrl: string): Promise<void> {
  const applicationName = `vanguard migrate ${randomUUID()}`;
  const connection = new URL(ownerUrl);
  connection.searchParams.set('application_name', applicationName);
  try {
    await withClient(ownerUrl, checkDatabase);
    await checkPooler(ownerUrl);
    await migrateQueue(ownerUrl);
    await graphileMigrate.migrate({
      connectionString: connection.href,
      migrationsFolder,
      logger: quiet(graphileMigrate.Logger),
    });
    clearAllPools();
    await disconnected(ownerUrl, applicationName);
  } catch (error) {
    if (error instanceof VanguardError) throw error;
    throw new VanguardError(
      'MIGRATION_FAILED',
      `The migration of the database failed: ${(error as Error).message}.`,
      {
        hint: 'The failed migration was rolled back. Fix the cause in the message, and run `npx vanguard migrate` again.',
        cause: error,
      },
    );
  } finally {
    // The library keeps its connection for a while and ends the whole process when the connection breaks, as it does
    // when the database stops.
    clearAllPools();
  }
}

/** Waits until the connections of this name are closed, which takes a moment. */
async function disconnected(ownerUrl: string, applicationName: string): Promise<void> {
  await withClient(ownerUrl, async (client) => {
    const isConnected = async () => {
      const query = 'select from pg_stat_activity where application_name = $1';
      return (await client.query(query, [applicationName])).rows.length > 0;
    };
    while (await isConnected()) await sleep(5);
  });
}

/** Installs or updates the queue, and grants it to the worker's role. */
export async function migrateQueue(ownerUrl: string): Promise<void> {
  await runMigrations({ connectionString: ownerUrl, logger: quiet(Logger) });
  const grants = await readFile(new URL('queue-grants.sql', import.meta.url), 'utf8');
  await withClient(ownerUrl, async (client) => {
    await client.query('begin');
    await client.query("select pg_advisory_xact_lock(hashtext('vanguard queue grants'))");
    await client.query(grants);
    await client.query('commit');
  });
}

/**
 * Applies migrations/current on top of the committed migrations, once: for development and for tests of unfinished
 * work.
 */
export async function applyCurrent(ownerUrl: string): Promise<void> {
  await graphileMigrate.watch(
    { connectionString: ownerUrl, migrationsFolder, logger: quiet(graphileMigrate.Logger) },
    true,
    false,
  );
}
