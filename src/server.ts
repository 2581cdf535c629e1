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

/** Parts and settings of the server. */
export interface ServerOptions {
  authenticatorUrl: string;
  encryptionKeys: string;
  host: string;
  port: number;
  /** In the format of TRUST_PROXY; undefined: no proxy is trusted. */
  trustProxy?: number | string[];
  production: boolean;
  /** Whether signed-in users may query the GraphQL schema. */
  introspection: boolean;
  logLevel: string;
  /** Address for monitoring; undefined: none. */
  admin?: Address;
  /** Origins whose pages may call the API; empty: only the app's own pages. */
  corsOrigins?: readonly string[];
  /** In the format of ALLOWED_HOSTS. */
  allowedHosts?: readonly string[];
  /** Folder of the built web app, if it is not the default of `npm run build`. */
  webFolder?: string;
  /** Limits of concurrent requests. */
  admission?: AppOptions['admission'];
  /** Intervals and timeouts of websockets; tests shorten them. */
  realtime?: AppOptions['realtime'];
}

/** A running server. */
export interface RunningServer {
  url: string;
  port: number;
  adminPort: number | undefined;
  /**
   * Accepts no more requests, finishes the running ones (at most 10 s), closes websockets, and releases the database.
   */
  stop(): Promise<void>;
}

/** Grace period for running requests when the server stops, in milliseconds. */
const drainTime = 10_000;

/** Timeouts of a statement, of a lock and of an idle transaction, in milliseconds. */
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
  // Health checks, sign-in and identity look-ups never wait behind other work.
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
        // Kept-alive connections become idle one by one, as their requests end.
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
