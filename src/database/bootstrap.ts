import { readFile } from 'node:fs/promises';
import pg from 'pg';
import { VanguardError } from '../errors.ts';
import { checkDatabase } from './state.ts';
import { checkExtensions, checkServer, connectionFailure } from './usable.ts';
import { loginRoles, rolePassword, roleUrls, urlTo, type LoginRole, type RoleUrls } from './roles.ts';

const sql = (file: string) => readFile(new URL(file, import.meta.url), 'utf8');

/**
 * Creates the roles, the database, and everything that requires a superuser. Idempotent, even if several processes do
 * it at once in one cluster. Returns the connection string of each role.
 *
 * @param superuserUrl A login that may create roles and databases.
 * @param database The database to prepare; created if it does not exist.
 * @param secret Secret that the passwords of the roles are derived from.
 * @param passwords Passwords that replace the derived ones.
 */
export async function bootstrap(
  superuserUrl: string,
  database: string,
  secret: string,
  passwords: Partial<Record<LoginRole, string>> = {},
): Promise<RoleUrls> {
  await withClient(urlTo(superuserUrl, 'postgres'), async (client) => {
    await checkServer(client);
    await checkExtensions(client);
    const existing = await client.query('select from pg_database where datname = $1', [database]);
    // A mistyped name must not remove the rights of another application's database.
    if (existing.rows.length > 0) await withClient(urlTo(superuserUrl, database), checkDatabase);
    await client.query('begin');
    await client.query(await sql('bootstrap.sql'));
    for (const role of loginRoles) {
      // A utility statement takes no parameters.
      const password = client.escapeLiteral(passwords[role] ?? rolePassword(secret, role));
      await client.query(`alter role ${role} password ${password}`);
    }
    await client.query('commit');
    const { rows } = await client.query('select 1 from pg_database where datname = $1', [database]);
    if (rows.length === 0) {
      // From PostgreSQL 16 on, a login that is not a superuser can give a database only to a role that it may become.
      const { rows: here } = await client.query<{ must: boolean }>(
        `select current_setting('server_version_num')::integer >= 160000 and not rolsuper as must
        from pg_roles where rolname = current_user`,
      );
      if (here[0]?.must) await client.query('grant vanguard_owner to current_user with set true');
      await createDatabase(client, database);
    }
  });
  await bootstrapDatabase(superuserUrl, database);
  return roleUrls(superuserUrl, secret, database);
}

/**
 * Creates an empty database that sorts and folds text like the embedded one, whatever the locale of the cluster. Text
 * sorts by code point, and upper and lower know all of Unicode.
 */
async function createDatabase(client: pg.ClientBase, database: string): Promise<void> {
  const { rows } = await client.query<{ version: number }>(
    "select current_setting('server_version_num')::integer / 10000 as version",
  );
  const collation = "locale_provider libc lc_collate 'C' lc_ctype";
  const locales =
    rows[0]!.version >= 17
      ? ["locale_provider builtin builtin_locale 'C.UTF-8' lc_collate 'C' lc_ctype 'C'"]
      : [`${collation} 'C.UTF-8'`, `${collation} 'en_US.UTF-8'`];
  for (const locale of locales) {
    try {
      await client.query(
        `create database ${pg.escapeIdentifier(database)} owner vanguard_owner
        template template0 encoding 'UTF8' ${locale}`,
      );
      return;
    } catch (error) {
      // The operating system of the server lacks this locale.
      if ((error as pg.DatabaseError).code !== unknownLocale || locale === locales.at(-1)) throw error;
    }
  }
}

/** SQLSTATE of PostgreSQL for a locale that its system does not have. */
const unknownLocale = '42809';

/** The part of the bootstrap that belongs to one database: its rights, and the right to change settings. */
export async function bootstrapDatabase(superuserUrl: string, database: string): Promise<void> {
  await withClient(urlTo(superuserUrl, database), async (client) => {
    await client.query(await sql('bootstrap-database.sql'));
  });
}

/**
 * Checks the results of the bootstrap, as the role that uses them. Refuses with BOOTSTRAP_INCOMPLETE: after a revoke
 * that only warned, every role could read the tenant's key.
 */
export async function checkBootstrap(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ problem: string }>(`
    select 'everybody may call set_config in this database' as problem
    from pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
    where p.oid = 'pg_catalog.set_config(text, text, boolean)'::regprocedure and a.grantee = 0
    union all
    select format('the role %s may do more than it should', r.rolname)
    from pg_roles r
    where r.rolname like 'vanguard\\_%' and (r.rolsuper or r.rolbypassrls or r.rolcreaterole or r.rolcreatedb)`);
  if (rows.length > 0) {
    throw new VanguardError(
      'BOOTSTRAP_INCOMPLETE',
      `The database is not safe to use: ${rows.map((r) => r.problem).join('; ')}.`,
      {
        hint: 'Run `npx vanguard bootstrap` with the connection string of a superuser.',
      },
    );
  }
}

/** Returns whether a login may create roles: `start` then runs the bootstrap itself. */
export async function mayBootstrap(url: string): Promise<boolean> {
  return withClient(url, async (client) => {
    const { rows } = await client.query<{ may: boolean }>(
      'select rolsuper or (rolcreaterole and rolcreatedb) as may from pg_roles where rolname = current_user',
    );
    return rows[0]?.may ?? false;
  });
}

/**
 * Runs a function on a connection of its own and closes the connection. Fails with DATABASE_UNREACHABLE or
 * DATABASE_FULL, without the password.
 */
export async function withClient<T>(url: string, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({
    connectionString: url,
    application_name: 'vanguard',
    connectionTimeoutMillis: 10_000,
  });
  // The pending query also receives the error of a broken connection.
  client.on('error', () => undefined);
  try {
    await client.connect();
  } catch (error) {
    // After an error on this side, such as a missing password, the socket would stay open until PostgreSQL's timeout.
    client.end().catch(() => undefined);
    throw connectionFailure(url, error);
  }
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}
