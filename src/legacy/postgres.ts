import { existsSync, readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import pg from 'pg';
import { VanguardError } from '../errors.ts';
import type { LegacySource, OpenOptions } from './source.ts';
import { largestRow, largestValue, quoted, valueTooLarge, type LegacyTable } from './tables.ts';
import type { CanonicalValue } from './values.ts';

// Reads the prototype's later version on PostgreSQL, in one read-only transaction. Messages show its address without
// the password.

/** Timeouts of a connection and of a statement, in milliseconds. */
const connectTimeoutMs = 10_000;
const statementTimeoutMs = 300_000;
/** The server ends a transaction that is idle for longer: a suspended export would hold back its vacuum. */
const idleTimeoutMs = 600_000;
/** Size of a fetch: maximum number of rows, and approximate number of bytes. */
const largestFetch = { rows: 2000, bytes: 32_000_000 };

/**
 * Returns whether a text is an address: it has a scheme other than `file:`, or keywords of libpq. Such a text may hold
 * a password, so messages never repeat it.
 */
export const isAddress = (text: string): boolean =>
  !/^file:/i.test(text) &&
  (/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ||
    /^(postgres|postgresql|prisma)\b/i.test(text) ||
    /\b(host|dbname|password)\s*=/i.test(text)) &&
  !existsSync(text);

interface Address {
  config: pg.ClientConfig;
  /** TLS settings to try in order, for servers without TLS. */
  encryptions: (false | ConnectionOptions)[];
  schema: string;
  /** Without user and password, for messages and the manifest. */
  shown: string;
}

function invalid(problem: string, cause?: unknown): VanguardError {
  return new VanguardError('LEGACY_ADDRESS_INVALID', `The address of the legacy database ${problem}.`, {
    hint: 'Give a file, or postgresql://USER@HOST:PORT/DATABASE?schema=public with the password in PGPASSWORD.',
    cause,
  });
}

/** Parses an address of PostgreSQL, in the notation of Prisma or libpq. Errors: LEGACY_ADDRESS_INVALID. */
function parseAddress(text: string, environment: NodeJS.ProcessEnv): Address {
  const [, scheme] = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text) ?? [];
  if (scheme === undefined) throw invalid('is no URL');
  if (!/^postgres(ql)?$/i.test(scheme)) throw invalid(`begins with ${scheme}://, which is no PostgreSQL`);
  let parts: { user: string; password: string; database: string; host: string };
  let url: URL;
  try {
    url = new URL(text);
    parts = {
      user: decodeURIComponent(url.username),
      password: decodeURIComponent(url.password),
      database: decodeURIComponent(url.pathname.slice(1)),
      host: decodeURIComponent(url.hostname).replace(/^\[(.+)\]$/, '$1'),
    };
  } catch (error) {
    // The message of the error contains the whole address.
    throw invalid(
      'is no URL: characters such as @, /, # and % of a password are written as %40, %2F, %23 and %25',
      {
        name: (error as Error).name,
      },
    );
  }
  const said = url.searchParams;
  const host = said.get('host') ?? (parts.host || environment.PGHOST || 'localhost');
  const port = Number(said.get('port') ?? (url.port || environment.PGPORT || '5432'));
  if (!(Number.isInteger(port) && port > 0 && port < 65_536)) throw invalid('has no valid port');
  const user = said.get('user') ?? (parts.user || environment.PGUSER);
  const password = said.get('password') ?? (parts.password || environment.PGPASSWORD);
  const database = parts.database || environment.PGDATABASE || user;
  if (!database) throw invalid('names no database');
  const schema = said.get('schema') ?? 'public';
  const seconds = Number(said.get('connect_timeout') ?? '0');
  const options = said.get('options') ?? environment.PGOPTIONS;
  return {
    config: {
      ...{ host, port, database, application_name: 'vanguard legacy', keepAlive: true },
      ...(user ? { user } : {}),
      ...(password ? { password } : {}),
      ...(options ? { options } : {}),
      connectionTimeoutMillis: seconds > 0 ? seconds * 1000 : connectTimeoutMs,
    },
    encryptions: encryptionsOf(said, environment),
    schema,
    shown: `postgresql://${host.startsWith('/') ? '' : host.includes(':') ? `[${host}]` : host}:${port}/${encodeURIComponent(database)}?${host.startsWith('/') ? `host=${host}&` : ''}schema=${encodeURIComponent(schema)}`,
  };
}

/**
 * Returns the TLS settings as libpq defines them: without sslmode, TLS is optional, and only verify-... checks the
 * certificate.
 */
function encryptionsOf(said: URLSearchParams, environment: NodeJS.ProcessEnv): Address['encryptions'] {
  const mode = said.get('sslmode') ?? environment.PGSSLMODE ?? 'prefer';
  const [certificate, key] = [said.get('sslcert'), said.get('sslkey')];
  // Prisma's sslcert is the certificate of the authority; libpq's is that of the client and comes with a key.
  const authority = said.get('sslrootcert') ?? environment.PGSSLROOTCERT ?? (key ? null : certificate);
  const identity = said.get('sslidentity');
  const read = (path: string) => {
    try {
      return readFileSync(path);
    } catch (error) {
      throw invalid(`names a certificate or key that cannot be read: ${(error as Error).message}`, error);
    }
  };
  const files: ConnectionOptions = {
    ...(authority && authority !== 'system' ? { ca: read(authority) } : {}),
    ...(key && certificate ? { cert: read(certificate), key: read(key) } : {}),
    ...(identity ? { pfx: read(identity), passphrase: said.get('sslpassword') ?? '' } : {}),
  };
  const isStrict = said.get('sslaccept') === 'strict';
  const trusting = { ...files, rejectUnauthorized: false };
  const anyName = { ...files, checkServerIdentity: () => undefined };
  switch (mode) {
    case 'disable':
      return [false];
    case 'allow':
    case 'prefer':
      return isStrict ? [files] : [trusting, false];
    case 'require':
    case 'no-verify':
      return [isStrict ? files : mode === 'require' && authority ? anyName : trusting];
    case 'verify-ca':
      return [anyName];
    case 'verify-full':
      return [files];
    default:
      throw invalid('has an sslmode that PostgreSQL does not know');
  }
}

/** Converts an error of a server or its network into a problem that an operator can act on. */
function serverError(error: unknown, { shown, config }: Address): unknown {
  if (error instanceof VanguardError) return error;
  const first = error instanceof AggregateError ? (error.errors[0] as unknown) : error;
  const { code = '', message: text = '' } = first as NodeJS.ErrnoException;
  // The server may repeat the password in its message.
  const secret = typeof config.password === 'string' ? config.password : '';
  const message = (text || String(first)).replaceAll(secret || '\0', '(hidden)');
  const told = (name: string, what: string, hint: string) =>
    new VanguardError(name, `${shown} ${what}: ${message}.`, { hint, cause: error });
  if (code === '28P01' || code === '28000' || /password must be a string/.test(message))
    return told(
      'LEGACY_DATABASE_REFUSED',
      'does not let us in',
      'Check the user, and set PGPASSWORD to the password.',
    );
  if (code === '3D000')
    return told(
      'LEGACY_DATABASE_REFUSED',
      'is not there',
      'Correct the name of the database in the address.',
    );
  if (code === '53300' || code === '57P03')
    return told('LEGACY_DATABASE_REFUSED', 'has no connection for us', 'Wait, and try again.');
  if (code === '42501')
    return told(
      'LEGACY_DATABASE_DENIED',
      'holds rows that we may not read',
      'Sign in as the owner of the tables, or grant SELECT on all of them; row level security must not apply to the user.',
    );
  if (code === '55P03')
    return told(
      'LEGACY_DATABASE_LOCKED',
      'has a locked table',
      'Wait until the migration or repair there has ended.',
    );
  if (code === '57014' || code === '40001')
    return told(
      'LEGACY_DATABASE_LOCKED',
      'did not answer in time',
      'Try again when the server has less to do, and read from the primary instead of a standby.',
    );
  if (
    /^(57P0[12]|08\d\d\d|25P03)$/.test(code) ||
    /ECONNRESET|EPIPE/.test(code) ||
    /^Connection terminated/.test(message)
  )
    return told('LEGACY_DATABASE_LOST', 'closed the connection', 'Start the command again: it begins anew.');
  if (/^[A-Z0-9]{5}$/.test(code) && /\d/.test(code))
    return told(
      'LEGACY_DATABASE_UNREADABLE',
      `cannot be read (${code})`,
      'Have the prototype checked, or restore a backup of it.',
    );
  return undefined;
}

async function connect(address: Address): Promise<pg.Client> {
  for (const [i, ssl] of address.encryptions.entries()) {
    const client = new pg.Client({ ...address.config, ssl });
    // The query reports the error too.
    client.on('error', () => undefined);
    try {
      await client.connect();
      return client;
    } catch (error) {
      await client.end().catch(() => undefined);
      const { message = '', code = '' } = error as NodeJS.ErrnoException;
      // 28000: a server may also admit this user only without TLS.
      if (i + 1 < address.encryptions.length && (/does not support SSL/.test(message) || code === '28000'))
        continue;
      const known = serverError(error, address);
      if (known instanceof VanguardError && known.code !== 'LEGACY_DATABASE_LOST') throw known;
      const first = error instanceof AggregateError ? (error.errors[0] as NodeJS.ErrnoException) : error;
      throw new VanguardError(
        'LEGACY_DATABASE_UNREACHABLE',
        `${address.shown} does not answer as PostgreSQL: ${(first as Error).message}.`,
        {
          hint: /SSL|TLS|certificate/i.test(message)
            ? 'Correct sslmode and sslrootcert in the address, or the certificate of the server.'
            : 'Correct host and port, start PostgreSQL, or let this machine through to it.',
          cause: error,
        },
      );
    }
  }
  throw invalid('names no way to connect');
}

/** Finds a table that only the database of this product has. */
const ours = `select from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where n.nspname = 'app_private' and c.relname = 'legacy_import'`;

/** Opens a database of the prototype by its address. Errors: LEGACY_ADDRESS_INVALID, LEGACY_DATABASE_... */
export async function openLegacyServer(
  given: string,
  { patience = 5000, environment = process.env }: OpenOptions,
): Promise<LegacySource> {
  const address = parseAddress(given, environment);
  const client = await connect(address);
  const ask = async <Row extends pg.QueryResultRow>(text: string, values: unknown[] = []): Promise<Row[]> => {
    try {
      return (await client.query<Row>(text, values)).rows;
    } catch (error) {
      throw serverError(error, address) ?? error;
    }
  };
  const close = async () => {
    // Nothing was written, so the end of the connection may end the transaction.
    await client.end().catch(() => undefined);
  };
  try {
    await ask('begin isolation level repeatable read, read only');
    // With row_security off, insufficient rights are an error instead of missing rows.
    for (const [name, value] of Object.entries({
      row_security: 'off',
      search_path: 'pg_catalog',
      statement_timeout: statementTimeoutMs,
      lock_timeout: patience,
      idle_in_transaction_session_timeout: idleTimeoutMs,
      client_encoding: "'UTF8'",
      timezone: "'UTC'",
      datestyle: "'ISO, YMD'",
      intervalstyle: "'iso_8601'",
      extra_float_digits: 3,
    }))
      await ask(`set local ${name} = ${value}`);
    const [server] = await ask<{ version: string; encoding: string; schema: string | null }>(
      `select current_setting('server_version') as version, current_setting('server_encoding') as encoding,
        (select oid::text from pg_catalog.pg_namespace where nspname = $1) as schema`,
      [address.schema],
    );
    const { version, encoding, schema } = server!;
    if (encoding === 'SQL_ASCII')
      throw new VanguardError(
        'LEGACY_DATABASE_UNREADABLE',
        `${address.shown} has the encoding SQL_ASCII, which does not say what its bytes mean.`,
        { hint: 'Dump the database, and restore it into one with the encoding UTF8.' },
      );
    const isOurs = (await ask(ours)).length > 0;
    const tables = schema === null ? [] : await readTables(ask, schema);
    if (isOurs && (/^(app_(public|core|private)|graphile_.*)$/.test(address.schema) || tables.length === 0))
      throw new VanguardError(
        'LEGACY_DATABASE_OWN',
        `${address.shown} is a database of PFA Vanguard itself, not of the prototype.`,
        { hint: 'Give the DATABASE_URL of the prototype.' },
      );
    if (schema === null || tables.length === 0)
      throw new VanguardError(
        'LEGACY_DATABASE_NO_TABLES',
        `${address.shown} has no ${schema === null ? 'schema of this name' : 'tables'}.`,
        { hint: 'Give the DATABASE_URL of the prototype, with its ?schema=.' },
      );
    const hidden = tables.filter(({ isReadable }) => !isReadable).map(({ name }) => name);
    if (hidden.length > 0)
      throw new VanguardError(
        'LEGACY_DATABASE_DENIED',
        `${address.shown} has tables that this user may not read: ${hidden.join(', ')}.`,
        {
          hint: 'Sign in as the owner of the tables, or grant SELECT on all of them and USAGE on the schema.',
        },
      );
    const from = ({ name }: LegacyTable) => {
      const table = tables.find((one) => one.name === name)!;
      return `${table.isWhole ? 'only ' : ''}${quoted(address.schema)}.${quoted(name)}`;
    };
    const largest = new Map<string, number>();
    return {
      source: {
        ...{ path: address.shown, bytes: null, sha256: null, walSha256: null, encoding: 'utf-8' },
        server: `PostgreSQL ${version}`,
      },
      tables: () => Promise.resolve(tables),
      count: async (table) => {
        const sizes = table.columns.map(sizeOf);
        const all = sizes.join(' + ') || '0';
        const [found] = await ask<{ rows: string; largest: string | null }>(
          `select count(*)::text as rows, max(${all})::text as largest from ${from(table)}`,
        );
        const size = Number(found!.largest ?? 0);
        largest.set(table.name, size);
        if (size > largestValue) await refuseLargest(ask, table, sizes, from(table));
        return Number(found!.rows);
      },
      rows: async function* (table) {
        const order = table.primaryKey.map((key) => {
          const { type } = table.columns.find(({ name }) => name === key)!;
          return /^(text|character|uuid|name|citext)/.test(type)
            ? `${quoted(key)}::text collate "C"`
            : quoted(key);
        });
        if (table.columns.length === 0) return;
        await ask(
          `declare vanguard_legacy no scroll cursor for select ${table.columns.map(textOf).join(', ')} from ${from(table)}
            order by ${order.length > 0 ? order.join(', ') : 'ctid'}`,
        );
        const size = Math.max(1, largest.get(table.name) ?? largestRow);
        const atOnce = Math.max(1, Math.min(largestFetch.rows, Math.floor(largestFetch.bytes / size)));
        for (;;) {
          let rows: (string | null)[][];
          try {
            ({ rows } = await client.query<(string | null)[]>({
              text: `fetch forward ${atOnce} from vanguard_legacy`,
              rowMode: 'array',
            }));
          } catch (error) {
            throw serverError(error, address) ?? error;
          }
          for (const row of rows) yield row.map((value, i) => canonical(value, table.columns[i]!.type));
          if (rows.length < atOnce) break;
        }
        await ask('close vanguard_legacy');
      },
      lastMigration: async (table) => {
        const rows = await ask<{ name: string }>(
          `select migration_name::text as name from ${from(table)} where finished_at is not null order by finished_at desc, migration_name desc limit 1`,
        );
        return rows[0]?.name ?? null;
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

interface ServerTable extends LegacyTable {
  isReadable: boolean;
  /** Without partitions. */
  isWhole: boolean;
}

/** Returns the tables of a schema. Reads the catalog, because information_schema hides tables from this user. */
async function readTables(
  ask: <Row extends pg.QueryResultRow>(text: string, values: unknown[]) => Promise<Row[]>,
  schema: string,
): Promise<ServerTable[]> {
  interface Found {
    name: string;
    is_readable: boolean;
    is_whole: boolean;
    columns: { name: string; type: string }[];
    primary_key: string[];
    foreign_keys: { columns: string[]; parent: string; parentColumns: string[] }[];
  }
  const names = (table: string, columns: string) =>
    `(select json_agg(a.attname order by k.n) from unnest(${columns}) with ordinality k(attnum, n)
      join pg_attribute a on a.attrelid = ${table} and a.attnum = k.attnum)`;
  const found = await ask<Found>(
    `select c.relname::text as name, has_schema_privilege(c.relnamespace, 'usage') and has_table_privilege(c.oid, 'select') as is_readable,
      c.relkind = 'r' as is_whole,
      coalesce((select json_agg(json_build_object('name', a.attname, 'type', format_type(coalesce(nullif(t.typbasetype, 0), a.atttypid),
          case when t.typbasetype = 0 then a.atttypmod else t.typtypmod end)) order by a.attnum)
        from pg_attribute a join pg_type t on t.oid = a.atttypid
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped), '[]') as columns,
      coalesce((select ${names('c.oid', 'p.conkey')} from pg_constraint p where p.conrelid = c.oid and p.contype = 'p'), '[]') as primary_key,
      coalesce((select json_agg(json_build_object('columns', ${names('f.conrelid', 'f.conkey')}, 'parent', r.relname,
          'parentColumns', ${names('f.confrelid', 'f.confkey')}) order by f.conname)
        from pg_constraint f join pg_class r on r.oid = f.confrelid
        where f.conrelid = c.oid and f.contype = 'f' and r.relnamespace = c.relnamespace), '[]') as foreign_keys
    from pg_class c
    where c.relnamespace = $1::oid and c.relkind in ('r', 'p')
      and not coalesce((to_jsonb(c)->>'relispartition')::boolean, false)
      and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
    order by c.relname::text collate "C"`,
    [schema],
  );
  return found.map(({ name, is_readable, is_whole, columns, primary_key, foreign_keys }) => ({
    ...{ name, columns, columnsLeftOut: [], primaryKey: primary_key, foreignKeys: foreign_keys },
    ...{ isReadable: is_readable, isWhole: is_whole },
  }));
}

type Column = LegacyTable['columns'][number];

const isTimeWithZone = (type: string) => /^timestamp.* with time zone$/.test(type);

/** Returns the SQL expression for a column as text. */
function textOf({ name, type }: Column): string {
  const column = quoted(name);
  if (type === 'bytea') return `encode(${column}, 'hex')`;
  // As JSON: the prototype's SQLite version stores JSON instead of lists.
  if (type.endsWith('[]')) return `to_jsonb(${column})::text`;
  if (isTimeWithZone(type)) return `(${column} at time zone 'UTC')::text || 'Z'`;
  return `${column}::text`;
}

function sizeOf({ name, type }: Column): string {
  const column = quoted(name);
  return `coalesce(octet_length(${type === 'bytea' ? column : `${column}::text`})::bigint, 0)`;
}

async function refuseLargest(
  ask: <Row extends pg.QueryResultRow>(text: string) => Promise<Row[]>,
  table: LegacyTable,
  sizes: string[],
  from: string,
): Promise<void> {
  const shown = table.primaryKey.map((key) => `left(${quoted(key)}::text, 200)`);
  const [found] = await ask<{ id: string; sizes: string[] }>(
    `select ${shown.join(` || ', ' || `) || 'ctid::text'} as id, array[${sizes.join(', ')}]::text[] as sizes from ${from}
      where greatest(${sizes.join(', ')}) > ${largestValue} or ${sizes.join(' + ')} > ${largestRow} limit 1`,
  );
  if (!found) return;
  const bytes = found.sizes.map(Number);
  const largest = bytes.indexOf(Math.max(...bytes));
  throw valueTooLarge(
    table,
    { key: table.primaryKey.join(', ') || 'ctid', id: found.id },
    { column: table.columns[largest]!.name, bytes: bytes[largest]! },
  );
}

/** Returns the canonical form of a value, by the declared type of its column. */
function canonical(text: string | null, type: string): CanonicalValue {
  if (text === null) return null;
  if (type === 'bytea') return { blob: Buffer.from(text, 'hex').toString('base64') };
  if (/^(smallint|integer|bigint)$/.test(type)) {
    const number = Number(text);
    return Number.isSafeInteger(number) ? number : { integer: text };
  }
  if (/^(real|double precision)$/.test(type)) {
    const number = Number(text);
    return Number.isNaN(number) ? text : { real: Object.is(number, -0) ? '-0' : String(number) };
  }
  // Infinity and NaN stay text.
  if (/^numeric/.test(type)) return /^-?\d/.test(text) ? { decimal: text } : text;
  return text;
}
