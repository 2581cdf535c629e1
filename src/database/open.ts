import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Configuration } from '../configuration.ts';
import type { Secrets } from '../secrets.ts';
import { bootstrap, mayBootstrap, withClient } from './bootstrap.ts';
import { startEmbeddedDatabase, type EmbeddedDatabase } from './embedded.ts';
import { databaseName, loginRoles, roleUrls, urlTo, type LoginRole, type RoleUrls } from './roles.ts';
import { checkMigrations, databaseState } from './state.ts';

/** Name of the database on the embedded server. */
const embeddedDatabaseName = 'vanguard';

/** A usable database and its connections. */
export interface OpenDatabase {
  urls: RoleUrls;
  /** Connection string of a login that may run the bootstrap, if any. */
  superuserUrl: string | undefined;
  /** Name of the database. */
  name: string;
  /** Set if the database is the embedded one. */
  embedded: EmbeddedDatabase | undefined;
  /** Stops the embedded server, unless it was already running. */
  close(): Promise<void>;
}

/**
 * Returns the connection string of each role for the database of DATABASE_URL. If DATABASE_URL has a login other than
 * vanguard_owner, the passwords are those that bootstrap derives from VANGUARD_SECRET.
 */
export function configuredRoleUrls(
  configuration: Configuration & { databaseUrl: string },
  { secret }: Secrets,
): RoleUrls {
  const { databaseUrl, authenticatorDatabaseUrl, workerDatabaseUrl } = configuration;
  const derived = roleUrls(databaseUrl, secret);
  return {
    owner:
      decodeURIComponent(new URL(databaseUrl).username) === 'vanguard_owner' ? databaseUrl : derived.owner,
    authenticator: authenticatorDatabaseUrl ?? derived.authenticator,
    worker: workerDatabaseUrl ?? derived.worker,
  };
}

/** Opens the database: DATABASE_URL, else the embedded server in the data folder, which is started if necessary. */
export async function openDatabase(configuration: Configuration, secrets: Secrets): Promise<OpenDatabase> {
  const { databaseUrl } = configuration;
  if (databaseUrl) {
    const isSuperuser = !configuration.rootDatabaseUrl && (await isSuperuserOf(databaseUrl));
    return {
      urls: configuredRoleUrls({ ...configuration, databaseUrl }, secrets),
      superuserUrl: configuration.rootDatabaseUrl ?? (isSuperuser ? databaseUrl : undefined),
      name: databaseName(databaseUrl),
      embedded: undefined,
      close: () => Promise.resolve(),
    };
  }
  const embedded = await startEmbeddedDatabase({ folder: join(configuration.dataFolder, 'database') });
  const urls = roleUrls(embedded.superuserUrl, secrets.secret, embeddedDatabaseName);
  return {
    urls,
    superuserUrl: embedded.superuserUrl,
    name: embeddedDatabaseName,
    embedded,
    close: async () => {
      if (!embedded.adopted && !(await isUsed(embedded.superuserUrl))) await embedded.stop();
    },
  };
}

/** Queries the maintenance database, because the named database may not exist yet. */
async function isSuperuserOf(databaseUrl: string): Promise<boolean> {
  return mayBootstrap(databaseUrl).catch((error: Error) => {
    // Without a password, the URL only locates the database; the passwords of the roles are derived.
    if (new URL(databaseUrl).password === '') return false;
    if ((error.cause as { code?: string } | undefined)?.code !== '3D000') throw error;
    return mayBootstrap(urlTo(databaseUrl, 'postgres'));
  });
}

/** Returns whether other processes are connected: they adopted the server meanwhile, so it must not stop. */
async function isUsed(superuserUrl: string): Promise<boolean> {
  return withClient(superuserUrl, async (client) => {
    // The last connection of this process takes a moment to close.
    for (let attempt = 0; attempt < 20; attempt++) {
      const { rows } = await client.query(
        "select from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()",
      );
      if (rows.length === 0) return false;
      await sleep(25);
    }
    return true;
  });
}

/**
 * Runs the bootstrap if permitted, with the passwords of the connection strings. Elsewhere an operator has run `npx
 * vanguard bootstrap`.
 */
export async function ensureBootstrap(database: OpenDatabase, { secret }: Secrets): Promise<void> {
  if (!database.superuserUrl) return;
  const chosen = Object.values(database.urls)
    .map((url: string) => new URL(url))
    .filter(({ username }) => loginRoles.some((role) => role === username))
    .map(({ username, password }) => [username, decodeURIComponent(password)]);
  await bootstrap(
    database.superuserUrl,
    database.name,
    secret,
    Object.fromEntries(chosen) as Partial<Record<LoginRole, string>>,
  );
}

/** Prepares a new embedded database like `start`, so that every command works on a new data folder. */
export async function prepareIfNew(
  database: OpenDatabase & { embedded: EmbeddedDatabase },
  configuration: Configuration,
  secrets: Secrets,
): Promise<void> {
  const exists = await withClient(database.embedded.superuserUrl, async (client) => {
    const { rowCount } = await client.query('select from pg_database where datname = $1', [database.name]);
    return rowCount === 1;
  });
  if (exists && (await withClient(urlTo(database.embedded.superuserUrl, database.name), databaseState)))
    return;
  await ensureBootstrap(database, secrets);
  // Other commands do not load the libraries that migrate.
  const [{ migrate }, { seed }] = await Promise.all([import('./migrate.ts'), import('./seed.ts')]);
  await migrate(database.urls.owner);
  await withClient(database.urls.owner, (client) => seed(client, configuration));
}

/**
 * Runs a command on a database with the migrations of this version, and closes it afterwards. Prepares a new embedded
 * database first. Throws DATABASE_NOT_MIGRATED, DATABASE_OTHER_HISTORY or DATABASE_NEWER.
 */
export async function withMigratedDatabase<T>(
  configuration: Configuration,
  secrets: Secrets,
  use: (database: OpenDatabase) => Promise<T>,
): Promise<T> {
  const database = await openDatabase(configuration, secrets);
  try {
    const { embedded } = database;
    if (embedded) await prepareIfNew({ ...database, embedded }, configuration, secrets);
    await withClient(database.urls.owner, checkMigrations);
    return await use(database);
  } finally {
    await database.close();
  }
}
