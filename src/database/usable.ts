import pg from 'pg';
import { VanguardError } from '../errors.ts';
import { databaseName, loginRoles } from './roles.ts';

// Explains why a database cannot be used.

const oldestVersion = 15;
/** Timeout of a second connection, in milliseconds. A pooler with a full pool lets it wait. */
const poolerTimeoutMs = 10_000;

/** Converts the error of a connection to `url` into one for operators. It omits the password. */
export function connectionFailure(url: string, error: unknown): VanguardError {
  if (error instanceof VanguardError) return error;
  // Node returns one error for each address of a host.
  const cause = error instanceof AggregateError ? (error.errors[0] as unknown) : error;
  const { code = '', message } = cause as NodeJS.ErrnoException;
  const { hostname, port, username } = new URL(url);
  const where = `PostgreSQL at ${hostname}:${port || '5432'} (database ${databaseName(url)}, user ${decodeURIComponent(username)})`;
  if (code === '53300')
    return new VanguardError('DATABASE_FULL', `${where} has no connection free: ${message}.`, {
      hint: 'Raise max_connections of PostgreSQL, end programs that hold connections, or lower WORKER_CONCURRENCY.',
      cause: error,
    });
  return new VanguardError(
    'DATABASE_UNREACHABLE',
    `${where} does not let us in: ${message || String(cause)}.`,
    {
      hint: hintFor(code, message, username),
      cause: error,
    },
  );
}

function hintFor(code: string, message: string, username: string): string {
  if (code === '28P01' && loginRoles.some((role) => role === username))
    return `The password of ${username} was derived from VANGUARD_SECRET by \`npx vanguard bootstrap\`: run it once, or set the secret that it was run with.`;
  if (code === '3D000')
    return 'Correct the name at the end of DATABASE_URL, or run `npx vanguard bootstrap` once.';
  if (code === '57P03') return 'Wait until PostgreSQL has started, then try again.';
  if (code === 'ENOTFOUND' || code.startsWith('EAI_'))
    return 'Correct the host in DATABASE_URL, or the name server of this machine.';
  if (code === 'ECONNREFUSED') return 'Start PostgreSQL, or correct the host and port in DATABASE_URL.';
  if (/SSL|TLS|certificate/i.test(message) || /CERT|SSL|TLS/.test(code))
    return 'Correct sslmode and sslrootcert in DATABASE_URL, or the certificate of PostgreSQL.';
  return 'Check DATABASE_URL: host, port, user, password and database.';
}

/** Returns whether a database is read-only: a standby, or one with default_transaction_read_only. */
export async function isReadOnly(client: Pick<pg.ClientBase, 'query'>): Promise<boolean> {
  const { rows } = await client.query<{ read_only: boolean }>(
    "select current_setting('transaction_read_only') = 'on' as read_only",
  );
  return rows[0]?.read_only ?? false;
}

/** Checks the server of a connection. Fails with DATABASE_TOO_OLD or DATABASE_READ_ONLY. */
export async function checkServer(client: Pick<pg.ClientBase, 'query'>): Promise<void> {
  const { rows } = await client.query<{ version: number; shown: string; in_recovery: boolean }>(
    `select current_setting('server_version_num')::integer / 10000 as version,
      current_setting('server_version') as shown, pg_is_in_recovery() as in_recovery`,
  );
  const { version, shown, in_recovery } = rows[0]!;
  if (version < oldestVersion)
    throw new VanguardError('DATABASE_TOO_OLD', `The database is PostgreSQL ${shown}, which is too old.`, {
      hint: `Set DATABASE_URL to a PostgreSQL ${oldestVersion} to 18.`,
    });
  if (await isReadOnly(client))
    throw new VanguardError(
      'DATABASE_READ_ONLY',
      in_recovery
        ? 'The database is a standby, which can only be read.'
        : 'The database can only be read: default_transaction_read_only is on.',
      {
        hint: in_recovery
          ? 'Set DATABASE_URL to the primary, or promote this standby.'
          : 'Set default_transaction_read_only to off for this database and its roles.',
      },
    );
}

/** Extensions that the migrations create. Part of PostgreSQL, but in a separate package on some systems. */
const extensions = ['btree_gin'];

/** Checks that the server has the extensions that the migrations create. Fails with DATABASE_EXTENSION_MISSING. */
export async function checkExtensions(client: Pick<pg.ClientBase, 'query'>): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    'select name from unnest($1::text[]) name where name not in (select a.name from pg_available_extensions a)',
    [extensions],
  );
  if (rows.length === 0) return;
  const names = rows.map(({ name }) => name).join(', ');
  throw new VanguardError('DATABASE_EXTENSION_MISSING', `PostgreSQL lacks the extension ${names}.`, {
    hint: 'Install the contrib package of PostgreSQL on the server, such as postgresql-contrib, and try again.',
  });
}

/** Checks the encoding of a database. Fails with DATABASE_ENCODING. */
export async function checkEncoding(client: Pick<pg.ClientBase, 'query'>): Promise<void> {
  const { rows } = await client.query<{ encoding: string }>(
    "select current_setting('server_encoding') as encoding",
  );
  const { encoding } = rows[0]!;
  if (encoding !== 'UTF8')
    throw new VanguardError('DATABASE_ENCODING', `The database has the encoding ${encoding}, not UTF8.`, {
      hint: "Create a database with `encoding 'UTF8' template template0`, and set DATABASE_URL to it.",
    });
}

/**
 * Checks that a connection keeps its session. Behind a pooler of transactions, two open connections share a session, or
 * one connection changes its session. Fails with POOLER_UNSUPPORTED.
 */
export async function checkPooler(url: string): Promise<void> {
  const clients = [1, 2].map(
    () =>
      new pg.Client({
        connectionString: url,
        application_name: 'vanguard',
        connectionTimeoutMillis: poolerTimeoutMs,
        query_timeout: poolerTimeoutMs,
      }),
  );
  try {
    const seen: number[] = [];
    for (const client of clients) {
      // The query reports the error too.
      client.on('error', () => undefined);
      await client.connect();
    }
    for (const client of [...clients, ...clients]) {
      const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
      seen.push(rows[0]!.pid);
    }
    const [first, second, firstAgain, secondAgain] = seen;
    if (first !== second && first === firstAgain && second === secondAgain) {
      await Promise.all(clients.map((client) => client.end()));
      return;
    }
  } catch (error) {
    throw connectionFailure(url, error);
  } finally {
    for (const client of clients) client.end().catch(() => undefined);
  }
  throw new VanguardError(
    'POOLER_UNSUPPORTED',
    'A pooler between PFA Vanguard and PostgreSQL changes the session between transactions.',
    { hint: 'Set pool_mode = session in the pooler, or set DATABASE_URL to PostgreSQL itself.' },
  );
}
