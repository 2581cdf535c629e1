import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Configuration } from '../configuration.ts';
import type { Secrets } from '../secrets.ts';
import { bootstrap, mayBootstrap, withClient } from './bootstrap.ts';
import { startEmbeddedDatabase, type EmbeddedDatabase } from './embedded.ts';
import { databaseName, loginRoles, roleUrls, urlTo, type LoginRole, type RoleUrls } from './roles.ts';
import { checkMigrations, databaseState } from './state.ts';

/** The database of the product's own server. */
const embeddedDatabaseName = 'vanguard';

/** A database that can be used, and how. */
export interface OpenDatabase {
  urls: RoleUrls;
  /** A login that may do the bootstrap, where there is one. */
  superuserUrl: string | undefined;
  /** The name of the database. */
  name: string;
  /** Set when the database is the embedded one. */
  embedded: EmbeddedDatabase | undefined;
  /** Stops the embedded server, unless it was running already. */
  close(): Promise<void>;
}

/**
 * How each role reaches the database that DATABASE_URL names. Where that is another login than vanguard_owner, the
 * passwords are those that bootstrap derives from VANGUARD_SECRET.
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

/** Finds the database: DATABASE_URL, else the embedded server in the data folder, which is started when it does not run. */
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

/** Asked in the maintenance database where the one that is named is still to be made. */
async function isSuperuserOf(databaseUrl: string): Promise<boolean> {
  return mayBootstrap(databaseUrl).catch((error: Error) => {
    // Without a password it only says where the database is; the roles' own are derived.
    if (new URL(databaseUrl).password === '') return false;
    if ((error.cause as { code?: string } | undefined)?.code !== '3D000') throw error;
    return mayBootstrap(urlTo(databaseUrl, 'postgres'));
  });
}

/** Whether others stay connected: they adopted the server meanwhile, and it must not be stopped under them. */
async function isUsed(superuserUrl: string): Promise<boolean> {
  return withClient(superuserUrl, async (client) => {
    // Our own last connection takes a moment to go.
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

/** Does the bootstrap where we may, with the passwords that the connection strings hold; elsewhere somebody has done it with `npx vanguard bootstrap`. */
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

/** Prepares a new embedded database as `start` does, so that every command works on a new data folder. */
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
  // Other commands need not load the libraries that migrate.
  const [{ migrate }, { seed }] = await Promise.all([import('./migrate.ts'), import('./seed.ts')]);
  await migrate(database.urls.owner);
  await withClient(database.urls.owner, (client) => seed(client, configuration));
}

/**
 * Runs a command on a database that has the migrations of this version, and closes it afterwards. Prepares a new embedded
 * database first. Fails with DATABASE_NOT_MIGRATED, DATABASE_OTHER_HISTORY or DATABASE_NEWER.
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
