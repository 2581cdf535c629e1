import pg from 'pg';
import type { Logger } from 'pino';
import { clientSignal } from '../http/client-gone.ts';

/** Size of a pool, and timeout of its statements in milliseconds; 0 or absent: no timeout. */
export interface PoolOptions {
  size?: number;
  statement_timeout?: number;
  lock_timeout?: number;
  idle_in_transaction_session_timeout?: number;
  /** Timeout of a response even if the server is gone, in milliseconds. */
  query_timeout?: number;
  connectionTimeoutMillis?: number;
}

/** Returns a pool of connections of a role. A broken idle connection is logged and replaced. */
export function createPool(
  url: string,
  name: string,
  logger: Logger,
  { size = 10, connectionTimeoutMillis = 10_000, query_timeout, ...limits }: PoolOptions = {},
): pg.Pool {
  // Poolers refuse these settings as parameters of the connection.
  const settings = Object.entries(limits)
    .map(([name, value]) => `set ${name} = ${value};`)
    .join('');
  const pool = new pg.Pool({
    connectionString: url,
    application_name: name,
    max: size,
    ...(query_timeout === undefined ? {} : { query_timeout }),
    verify: (client, done) => {
      if (settings === '') done();
      else client.query(settings).then(() => done(), done);
    },
    connectionTimeoutMillis,
  });
  pool.on('error', (error) => logger.warn({ error: error.message }, 'an idle database connection broke'));
  // The same for a connection in use: its user gets the error from the query, but without a listener the event would
  // end the process.
  pool.on('connect', (client) => {
    client.on('error', () => undefined);
  });
  return pool;
}

/**
 * Cancels the statement of a connection of `pool` when its HTTP client disconnects.
 *
 * The cancellation runs through `controlPool`. A cancelled connection is closed at its release and never reused, so
 * that a late cancellation cannot hit another request.
 */
export function cancelForGoneClients(pool: pg.Pool, controlPool: pg.Pool, logger: Logger): void {
  const connect = pool.connect.bind(pool) as () => Promise<pg.PoolClient & { processID?: number }>;
  pool.connect = (async (callback?: unknown) => {
    // Pool.query connects with a callback: its statements are short.
    if (callback !== undefined) return (connect as (callback: unknown) => unknown)(callback);
    const signal = clientSignal();
    signal?.throwIfAborted();
    const client = await connect();
    if (!signal) return client;
    const release = client.release.bind(client);
    if (signal.aborted) {
      release();
      signal.throwIfAborted();
    }
    let isCancelled = false;
    const cancel = () => {
      isCancelled = true;
      controlPool
        .query('select pg_cancel_backend($1)', [client.processID])
        .catch((error: Error) => logger.warn({ error: error.message }, 'could not cancel a query'));
    };
    signal.addEventListener('abort', cancel, { once: true });
    client.release = (error) => {
      signal.removeEventListener('abort', cancel);
      release(isCancelled || error);
    };
    return client;
  }) as typeof pool.connect;
}
