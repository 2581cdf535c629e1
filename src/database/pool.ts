import pg from 'pg';
import type { Logger } from 'pino';

/** A pool of connections of one role. An idle connection that breaks is logged and replaced. */
export function createPool(url: string, name: string, logger: Logger, size = 10): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    application_name: name,
    max: size,
    connectionTimeoutMillis: 10_000,
  });
  pool.on('error', (error) => logger.warn({ error: error.message }, 'an idle database connection broke'));
  // The same for one that is in use: its user gets the error from the query, but the event must have a listener, or it ends the process.
  pool.on('connect', (client) => {
    client.on('error', () => undefined);
  });
  return pool;
}
