import { createMetrics } from './admin/metrics.ts';
import { startAdmin } from './admin/server.ts';
import { openSigningKeys } from './auth/keys.ts';
import { checkBootstrap } from './database/bootstrap.ts';
import type { Address } from './configuration.ts';
import { cancelForGoneClients, createPool } from './database/pool.ts';
import { checkMigrations } from './database/state.ts';
import { checkPooler, checkServer, connectionFailure } from './database/usable.ts';
import { createVault } from './encryption.ts';
import { createApp, type App, type AppOptions } from './http/app.ts';
import { listen, shownUrl } from './http/listen.ts';
import { createLogger } from './logger.ts';

/** What the server needs to know. */
export interface ServerOptions {
  authenticatorUrl: string;
  encryptionKeys: string;
  host: string;
  port: number;
  /** As TRUST_PROXY; nothing: no proxy is trusted. */
  trustProxy?: number | string[];
  production: boolean;
  /** Whether who has signed in may ask what the GraphQL schema is. */
  introspection: boolean;
  logLevel: string;
  /** Where it can be watched; undefined: nowhere. */
  admin?: Address;
  /** Origins whose pages may call the API; none: only its own. */
  corsOrigins?: readonly string[];
  /** As ALLOWED_HOSTS. */
  allowedHosts?: readonly string[];
  /** Where the web app was built to; by default where `npm run build` does. */
  webFolder?: string;
  /** How much runs at once. */
  admission?: AppOptions['admission'];
  /** How long things of websockets take; tests are in a hurry. */
  realtime?: AppOptions['realtime'];
}

/** A server that listens. */
export interface RunningServer {
  url: string;
  port: number;
  adminPort: number | undefined;
  /** Takes no more requests, finishes those under way (10 s at most), closes websockets, lets go of the database. */
  stop(): Promise<void>;
}

/** How long requests under way may take to finish when the server stops, in milliseconds. */
const drainTime = 10_000;

/** How long a request may keep the database busy, wait for a lock, or leave a transaction lying, in milliseconds. */
const requestLimits = {
  statement_timeout: 30_000,
  lock_timeout: 10_000,
  idle_in_transaction_session_timeout: 60_000,
};

/** Starts the API server. Refuses with PORT_IN_USE, ADDRESS_UNAVAILABLE, DATABASE_UNREACHABLE, BOOTSTRAP_INCOMPLETE, DATABASE_NOT_MIGRATED, ... */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const logger = createLogger('server', options.logLevel);
  const pool = createPool(options.authenticatorUrl, 'vanguard server', logger, {
    size: 20,
    ...requestLimits,
  });
  // Health checks, sign-in and the look-up of who asks never wait behind the work of others.
  const reservedPool = createPool(options.authenticatorUrl, 'vanguard server', logger, {
    size: 5,
    ...requestLimits,
  });
  cancelForGoneClients(pool, reservedPool, logger);
  const metrics = createMetrics('server');
  metrics.watchPool('api', pool);
  metrics.watchPool('reserved', reservedPool);
  let app: App | undefined;
  let admin: Awaited<ReturnType<typeof startAdmin>> | undefined;
  try {
    const client = await pool.connect().catch((cause: unknown) => {
      throw connectionFailure(options.authenticatorUrl, cause);
    });
    try {
      await checkServer(client);
      await checkBootstrap(client);
      await checkMigrations(client);
    } finally {
      client.release();
    }
    await checkPooler(options.authenticatorUrl);
    const signingKeys = await openSigningKeys(pool, createVault(options.encryptionKeys), logger);
    const {
      production,
      introspection,
      trustProxy = 0,
      corsOrigins,
      allowedHosts,
      webFolder,
      realtime,
    } = options;
    const { server } = (app = await createApp({
      pool,
      reservedPool,
      admission: options.admission,
      databaseUrl: options.authenticatorUrl,
      signingKeys,
      production,
      introspection,
      trustProxy,
      logger,
      corsOrigins,
      allowedHosts,
      metrics,
      webFolder,
      realtime,
    }));
    admin =
      options.admin &&
      (await startAdmin({
        ...options.admin,
        variable: 'ADMIN_PORT',
        databaseUrl: options.authenticatorUrl,
        showsDatabase: true,
        allowedHosts,
        metrics,
        logger,
      }));
    const port = await listen(server, options.host, options.port, 'PORT');
    logger.info({ host: options.host, port }, 'listening');
    return {
      url: shownUrl(options.host, port),
      port,
      adminPort: admin?.port,
      stop: async () => {
        const closed = new Promise<void>((resolve) => server.close(() => resolve()));
        const goodbye = app?.closeSockets();
        // Connections that clients keep alive become idle one by one, as their requests are answered.
        server.closeIdleConnections();
        const idle = setInterval(() => server.closeIdleConnections(), 50);
        const timer = setTimeout(() => server.closeAllConnections(), drainTime);
        await closed;
        await goodbye;
        clearInterval(idle);
        clearTimeout(timer);
        await app?.release();
        await admin?.stop();
        await Promise.all([pool.end(), reservedPool.end()]);
        logger.info('stopped');
      },
    };
  } catch (error) {
    await app?.release();
    await admin?.stop();
    await Promise.all([pool.end(), reservedPool.end()]);
    throw error;
  }
}
