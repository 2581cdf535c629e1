import { createServer } from 'node:http';
import express from 'express';
import type { Logger } from 'pino';
import type { Address } from '../configuration.ts';
import { createPool } from '../database/pool.ts';
import { answerErrors, notFound } from '../http/errors.ts';
import { securityHeaders } from '../http/headers.ts';
import { hostCheck, requireAllowedHost, requireOwnPages } from '../http/hosts.ts';
import { listen } from '../http/listen.ts';
import { healthRoutes } from '../rest/health.ts';
import type { Metrics } from './metrics.ts';

/** Address and content of an admin port. */
export interface AdminOptions extends Address {
  /** Name of the variable that sets the port, for error messages. */
  variable: 'ADMIN_PORT' | 'WORKER_ADMIN_PORT';
  /** A login that may call the health functions; it gets a connection of its own. */
  databaseUrl: string;
  /** Whether to show the queue and the organizations: only the server does, not each worker again. */
  showsDatabase: boolean;
  /** Valid host names besides localhost, IP addresses and the name of this machine. */
  allowedHosts?: readonly string[] | undefined;
  metrics: Metrics;
  logger: Logger;
}

/** Timeout of the database, in milliseconds, so that monitoring learns soon of a database that does not answer. */
const patience = { statement_timeout: 2000, query_timeout: 2500, connectionTimeoutMillis: 2000 };

/**
 * Serves `/metrics`, `/api/health` and `/api/ready` for monitoring, on a port of their own and without a sign-in; on
 * loopback unless ADMIN_HOST is set. Refuses with PORT_IN_USE, PORT_DENIED or ADDRESS_UNAVAILABLE.
 */
export async function startAdmin(options: AdminOptions): Promise<{ port: number; stop(): Promise<void> }> {
  const { host, variable, databaseUrl, showsDatabase, allowedHosts = [], metrics, logger } = options;
  // Separate from the pool that it monitors, which may be exhausted.
  const pool = createPool(databaseUrl, 'vanguard monitoring', logger, { size: 1, ...patience });
  const app = express();
  const server = createServer(app);
  app.disable('x-powered-by');
  app.set('etag', false);
  app.use(securityHeaders({ production: false }));
  app.use((_request, response, next) => {
    response.setHeader('Cache-Control', 'no-store');
    next();
  });
  app.use(requireAllowedHost(hostCheck(allowedHosts, () => false)), requireOwnPages(allowedHosts));
  app.get('/metrics', async (_request, response) => {
    const text = await metrics.read(showsDatabase ? pool : undefined);
    response.type(metrics.contentType).send(text);
  });
  app.use('/api', healthRoutes(pool));
  app.use(notFound);
  app.use(answerErrors(logger));
  try {
    const port = await listen(server, host, options.port, variable);
    logger.info({ host, port }, 'can be watched');
    return {
      port,
      stop: async () => {
        const closed = new Promise<void>((resolve) => server.close(() => resolve()));
        server.closeAllConnections();
        await closed;
        await pool.end();
      },
    };
  } catch (error) {
    await pool.end();
    throw error;
  }
}
