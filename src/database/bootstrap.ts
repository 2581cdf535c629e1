import { readFile } from 'node:fs/promises';
import pg from 'pg';
import { VanguardError } from '../errors.ts';
import { checkDatabase } from './state.ts';
import { checkExtensions, checkServer, connectionFailure } from './usable.ts';
import { loginRoles, rolePassword, roleUrls, urlTo, type LoginRole, type RoleUrls } from './roles.ts';

const sql = (file: string) => readFile(new URL(file, import.meta.url), 'utf8');

/**
 * Makes the roles, the database and what only a superuser may make. Idempotent, and safe when several processes do it
 * at once in one cluster. Returns how each role connects.
 *
 * @param superuserUrl A login that may create roles and databases.
 * @param database The database to prepare; made when it does not exist.
 * @param secret What the passwords of the roles are derived from.
 * @param passwords Those that somebody chose instead.
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
    // A name that was mistyped must not take its rights from somebody else's database.
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
      // From PostgreSQL 16 on, who is no superuser may give a database only to a role it may become.
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
 * Makes an empty database whose text sorts and folds as in the embedded one, whatever the locale of the cluster: by code
 * point, and upper and lower know all of Unicode.
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
      // The system of the server has no such locale.
      if ((error as pg.DatabaseError).code !== unknownLocale || locale === locales.at(-1)) throw error;
    }
  }
}

/** SQLSTATE of PostgreSQL for a locale that its system does not have. */
const unknownLocale = '42809';

/** The part of bootstrap that belongs to one database: rights on it, and who may change settings. */
export async function bootstrapDatabase(superuserUrl: string, database: string): Promise<void> {
  await withClient(urlTo(superuserUrl, database), async (client) => {
    await client.query(await sql('bootstrap-database.sql'));
  });
}

/**
 * What bootstrap has to have done, looked at as the role that uses it. Refuses with BOOTSTRAP_INCOMPLETE: a revoke that
 * only warned would leave the tenant's key to everybody.
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

/** Whether a login may create roles: then `start` does the bootstrap by itself. */
export async function mayBootstrap(url: string): Promise<boolean> {
  return withClient(url, async (client) => {
    const { rows } = await client.query<{ may: boolean }>(
      'select rolsuper or (rolcreaterole and rolcreatedb) as may from pg_roles where rolname = current_user',
    );
    return rows[0]?.may ?? false;
  });
}

/** Runs something on a connection of its own and closes it. Fails with DATABASE_UNREACHABLE or DATABASE_FULL, without the password. */
export async function withClient<T>(url: string, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({
    connectionString: url,
    application_name: 'vanguard',
    connectionTimeoutMillis: 10_000,
  });
  // A connection that breaks also reports it to whoever waits for an answer.
  client.on('error', () => undefined);
  try {
    await client.connect();
  } catch (error) {
    // What broke off on our side, as for want of a password, leaves the socket open until PostgreSQL loses patience.
    client.end().catch(() => undefined);
    throw connectionFailure(url, error);
  }
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}
