import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { afterAll, inject } from 'vitest';
import { bootstrapDatabase, withClient } from '../../src/database/bootstrap.ts';
import { roleUrls, urlTo, type RoleUrls } from '../../src/database/roles.ts';
import { testSecret, type Cluster } from './clusters.ts';

export interface UseOptions {
  /** Commits the changes; otherwise they are rolled back. */
  commit?: boolean;
}

/** A database of one test file: cloned from the migrated template, dropped at the end. */
export interface TestDatabase {
  name: string;
  /** Connection strings of the roles. */
  urls: RoleUrls;
  /** For bootstrap and changes that need a superuser; tests of behavior never use it. */
  superuserUrl: string;
  /** As vanguard_owner, which owns everything and is no superuser. */
  owner: pg.Pool;
  /** As vanguard_authenticator, without another role. */
  authenticator: pg.Pool;
  /** As vanguard_worker. */
  worker: pg.Pool;
  /** As a signed-in user, with the settings that the server gives a request: in a transaction that rolls back. */
  asUser<T>(userId: number, use: (client: pg.PoolClient) => Promise<T>, options?: UseOptions): Promise<T>;
  /** As the visitor with the given settings; without any, anonymous. */
  asVisitor<T>(
    settings: Record<string, string>,
    use: (client: pg.PoolClient) => Promise<T>,
    options?: UseOptions,
  ): Promise<T>;
  /** As the worker, in a transaction that is committed by default, because others must see its changes. */
  asWorker<T>(use: (client: pg.PoolClient) => Promise<T>, options?: UseOptions): Promise<T>;
  /** As the owner, likewise rolled back. */
  asOwner<T>(use: (client: pg.PoolClient) => Promise<T>, options?: UseOptions): Promise<T>;
  /** Disconnects and drops the database. `testDatabase` does this automatically. */
  close(): Promise<void>;
}

/** At the top of a test file: `const db = await testDatabase();` */
export async function testDatabase(): Promise<TestDatabase> {
  const database = await createTestDatabase();
  afterAll(() => database.close());
  return database;
}

/**
 * Like `testDatabase`, but the caller closes it. Outside a test file, the caller names the clusters and the version.
 */
export async function createTestDatabase(
  clustersUrl = inject('clustersUrl'),
  postgresVersion = inject('postgresVersion'),
): Promise<TestDatabase> {
  const response = await fetch(`${clustersUrl}/${postgresVersion}`);
  if (!response.ok) throw new Error(`There is no database to test on.\n${await response.text()}`);
  const cluster = (await response.json()) as Cluster;
  const name = `${cluster.prefix}${randomBytes(6).toString('hex')}`;
  const superuser = (database: string) => urlTo(cluster.superuserUrl, database);

  await withClient(superuser('postgres'), async (client) => {
    await client.query(`create database ${name} owner vanguard_owner template ${cluster.template}`);
  });
  await bootstrapDatabase(cluster.superuserUrl, name);

  const urls = roleUrls(cluster.superuserUrl, testSecret, name);
  const pool = (connectionString: string) => {
    const made = new pg.Pool({ connectionString, max: 4, allowExitOnIdle: true });
    made.on('error', () => undefined); // dropping the database ends what is idle
    return made;
  };
  const [owner, authenticator, worker] = [pool(urls.owner), pool(urls.authenticator), pool(urls.worker)];

  const asVisitor: TestDatabase['asVisitor'] = (settings, use, options) =>
    inTransaction(authenticator, options?.commit ?? false, async (client) => {
      await client.query('select set_config(key, value, true) from json_each_text($1)', [
        JSON.stringify({ role: 'vanguard_visitor', ...settings }),
      ]);
      return use(client);
    });
  const asUser: TestDatabase['asUser'] = async (userId, use, options) =>
    asVisitor(await claimSettings(owner, userId), use, options);

  return {
    ...{ name, urls, superuserUrl: superuser(name), owner, authenticator, worker, asVisitor, asUser },
    asWorker: (use, options) => inTransaction(worker, options?.commit ?? true, use),
    asOwner: (use, options) => inTransaction(owner, options?.commit ?? false, use),
    close: async () => {
      await Promise.all([owner.end(), authenticator.end(), worker.end()]);
      await withClient(superuser('postgres'), async (client) => {
        await client.query(`drop database if exists ${name} with (force)`);
      });
    },
  };
}

async function inTransaction<T>(
  pool: pg.Pool,
  commit: boolean,
  use: (client: pg.PoolClient) => Promise<T>,
): Promise<T> {
  const client = await pool.connect();
  try {
    await client.query('begin');
    const result = await use(client);
    if (commit) await client.query('commit');
    return result;
  } finally {
    await client.query('rollback').catch(() => undefined);
    client.release();
  }
}

/** The settings of a request by this user, from the same query as the server's, which needs a session. */
async function claimSettings(owner: pg.Pool, userId: number): Promise<Record<string, string>> {
  const { rows } = await owner.query<Claims>(
    `select is_administrator, organization_ids, writable_organization_ids, administered_organization_ids
    from app_private.request_claims($1)`,
    [userId],
  );
  const [claims] = rows;
  if (!claims)
    throw new Error(`User ${userId} does not exist or is switched off: the server lets nobody in.`);
  const list = (ids: number[]) => `{${ids.join(',')}}`;
  return {
    'jwt.claims.user_id': String(userId),
    'jwt.claims.organization_ids': list(claims.organization_ids),
    'jwt.claims.writable_organization_ids': list(claims.writable_organization_ids),
    'jwt.claims.administered_organization_ids': list(claims.administered_organization_ids),
    'jwt.claims.is_administrator': String(claims.is_administrator),
  };
}

interface Claims {
  is_administrator: boolean;
  organization_ids: number[];
  writable_organization_ids: number[];
  administered_organization_ids: number[];
}
