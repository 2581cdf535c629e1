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

/** What an admin port shows, and where. */
export interface AdminOptions extends Address {
  /** The variable that sets the port, for who has to change it. */
  variable: 'ADMIN_PORT' | 'WORKER_ADMIN_PORT';
  /** A login that may call the functions of health; it gets a connection of its own. */
  databaseUrl: string;
  /** Whether also queue and organizations are shown: by the server, not by each worker once more. */
  showsDatabase: boolean;
  /** Names by which it may be reached, besides localhost, IP addresses and this machine's own. */
  allowedHosts?: readonly string[] | undefined;
  metrics: Metrics;
  logger: Logger;
}

/** How long the database may take to answer, in milliseconds: who watches must learn soon that it does not. */
const patience = { statement_timeout: 2000, query_timeout: 2500, connectionTimeoutMillis: 2000 };

/**
 * `/metrics`, `/api/health` and `/api/ready` on a port of their own, without signing in: it is for monitoring, and on
 * loopback unless ADMIN_HOST says otherwise. Refuses with PORT_IN_USE, PORT_DENIED or ADDRESS_UNAVAILABLE.
 */
export async function startAdmin(options: AdminOptions): Promise<{ port: number; stop(): Promise<void> }> {
  const { host, variable, databaseUrl, showsDatabase, allowedHosts = [], metrics, logger } = options;
  // Apart from the pool that it watches: that one may be exhausted.
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
