import pg from 'pg';
import type { Logger } from 'pino';
import { clientSignal } from '../http/client-gone.ts';

/** How large a pool is, and how long its statements may take, in milliseconds; 0 or nothing: for ever. */
export interface PoolOptions {
  size?: number;
  statement_timeout?: number;
  lock_timeout?: number;
  idle_in_transaction_session_timeout?: number;
  /** How long to wait for an answer, whatever became of the server. */
  query_timeout?: number;
  connectionTimeoutMillis?: number;
}

/** A pool of connections of one role. An idle connection that breaks is logged and replaced. */
export function createPool(
  url: string,
  name: string,
  logger: Logger,
  { size = 10, connectionTimeoutMillis = 10_000, query_timeout, ...limits }: PoolOptions = {},
): pg.Pool {
  // Poolers refuse them as parameters of the connection.
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
  // The same for one that is in use: its user gets the error from the query, but the event must have a listener, or it ends the process.
  pool.on('connect', (client) => {
    client.on('error', () => undefined);
  });
  return pool;
}

/**
 * Cancels what a connection of `pool` runs for a client of HTTP that goes away.
 *
 * The statement is cancelled through `controlPool`. A cancelled connection is closed at its release and never used again,
 * so that a late cancellation cannot hit the statement of another request.
 */
export function cancelForGoneClients(pool: pg.Pool, controlPool: pg.Pool, logger: Logger): void {
  const connect = pool.connect.bind(pool) as () => Promise<pg.PoolClient & { processID?: number }>;
  pool.connect = (async (callback?: unknown) => {
    // Pool.query itself connects with a callback: its statements are short.
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
        .catch((error: Error) => logger.warn({ error: error.message }, 'a query could not be cancelled'));
    };
    signal.addEventListener('abort', cancel, { once: true });
    client.release = (error) => {
      signal.removeEventListener('abort', cancel);
      release(isCancelled || error);
    };
    return client;
  }) as typeof pool.connect;
}
