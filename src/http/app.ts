import '../graphql/environment.ts';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import express from 'express';
import proxyAddress from 'proxy-addr';
import type pg from 'pg';
import type { Logger } from 'pino';
import { postgraphile } from 'postgraphile';
import { grafserv } from 'postgraphile/grafserv/express/v4';
import { clientAddress } from '../auth/client-address.ts';
import { authRoutes } from '../auth/routes.ts';
import type { Metrics } from '../admin/metrics.ts';
import type { SigningKeys } from '../auth/keys.ts';
import { createTokens } from '../auth/tokens.ts';
import { graphqlPreset } from '../graphql/preset.ts';
import { createHub, realtimeTimes, type RealtimeTimes } from '../realtime/hub.ts';
import { createSockets, socketTimes, type SocketTimes } from '../realtime/sockets.ts';
import { healthRoutes } from '../rest/health.ts';
import { recordRoutes } from '../rest/records.ts';
import { syncRoutes } from '../rest/sync.ts';
import { admitSignIn, createAdmission, type AdmissionLimits } from './admission.ts';
import { authenticate, requireSignIn, requireSignInForData } from './authenticate.ts';
import { readJson } from './body.ts';
import { watchClient } from './client-gone.ts';
import { largestBody, requireReadableAddress } from './request.ts';
import { answerErrors, notFound } from './errors.ts';
import { graphiql } from './graphiql.ts';
import { compress } from './compress.ts';
import { crossOrigin, securityHeaders } from './headers.ts';
import { hostCheck, requireAllowedHost } from './hosts.ts';
import { mountedAt, observe } from './observe.ts';
import { originCheck, requireOwnOrigin } from './origin.ts';
import { webApp } from './web.ts';

/** Parts and settings of the HTTP application. */
export interface AppOptions {
  /** Connects as vanguard_authenticator. */
  pool: pg.Pool;
  /** A pool of the same role, reserved for health checks, sign-in and identity look-ups. */
  reservedPool: pg.Pool;
  /** Connection string of the same role, for the listening connection. */
  databaseUrl: string;
  signingKeys: SigningKeys;
  production: boolean;
  introspection: boolean;
  trustProxy: number | string[];
  logger: Logger;
  /** Origins whose pages may call the API. */
  corsOrigins?: readonly string[];
  /** Host names of the server, besides localhost, IP addresses and the name of this machine. */
  allowedHosts?: readonly string[];
  metrics?: Metrics;
  /** Limits of concurrent requests. */
  admission?: AdmissionLimits;
  /** Folder of the built web app, if it is not the default of `npm run build`. */
  webFolder?: string;
  /** Intervals and timeouts of websockets; tests shorten them. */
  realtime?: Partial<RealtimeTimes & SocketTimes>;
}

/** The HTTP application, before it listens. */
export interface App {
  server: Server;
  /** Closes all websockets and accepts no more. */
  closeSockets(): Promise<void>;
  /** Releases everything that the application holds. */
  release(): Promise<void>;
}

/** Assembles the HTTP application: this function lists, in order, everything that handles a request. */
export async function createApp({
  pool,
  reservedPool,
  databaseUrl,
  signingKeys,
  production,
  introspection,
  trustProxy,
  logger,
  corsOrigins = [],
  allowedHosts = [],
  metrics,
  admission: limits,
  webFolder,
  realtime,
}: AppOptions): Promise<App> {
  const app = express();
  // Ignores upgrades to protocols other than websockets, e.g. h2c, and stays with HTTP/1.1.
  const server = createServer(
    { shouldUpgradeCallback: ({ headers }) => headers.upgrade?.toLowerCase() === 'websocket' },
    app,
  );
  // Longer than the usual minute for which proxies and clients keep an idle connection, so that none sends into a
  // closed one.
  server.keepAliveTimeout = 65_000;
  const tokens = createTokens(signingKeys);
  app.disable('x-powered-by');
  app.set('etag', false);
  app.set('trust proxy', trustProxy);

  const admission = createAdmission(limits);
  metrics?.watchAdmission(() => admission.figures());
  app.use(observe(logger, metrics), watchClient, securityHeaders({ production }), crossOrigin(corsOrigins));
  app.use('/api', mountedAt('/api'), (_request, response, next) => {
    response.setHeader('Cache-Control', 'no-store');
    next();
  });
  const isTrusted = app.get('trust proxy fn') as (address: string, distance: number) => boolean;
  const isAllowedHost = hostCheck(allowedHosts, (address) => isTrusted(address, 0));
  app.use(requireAllowedHost(isAllowedHost), compress());
  // All other addresses belong to the web app, which reports unreadable ones itself.
  app.use(['/api', '/graphql'], requireReadableAddress);
  app.use('/api', healthRoutes(reservedPool));
  app.get('/.well-known/jwks.json', async (_request, response) => {
    response.json(await signingKeys.published());
  });
  app.use(webApp({ production, logger, ...(webFolder === undefined ? {} : { folder: webFolder }) }));
  // A page without data: its queries go to /graphql.
  if (!production) app.use('/graphiql', mountedAt('/graphiql')).use(graphiql());
  const addressOf = (request: IncomingMessage) =>
    clientAddress({ ip: proxyAddress(request, isTrusted), socket: request.socket });
  const isOwn = originCheck(corsOrigins, (address) => isTrusted(address, 0));
  app.use(authenticate(reservedPool, tokens, production));
  app.use(
    '/api/auth',
    mountedAt('/api/auth'),
    requireOwnOrigin(isOwn),
    readJson('10kb'),
    admitSignIn(admission),
    authRoutes({ pool: reservedPool, tokens, production, logger }),
  );
  // Requests without rights are refused before their body is read.
  app.use('/api/pfa/:org', mountedAt('/api/pfa/:org'), requireSignIn);
  app.use('/api/sync', mountedAt('/api/sync'), requireSignIn);
  if (production) app.use('/graphql', requireSignIn);
  app.use(readJson(largestBody));
  app.use('/api/pfa/:org', recordRoutes(pool, admission));
  app.use('/api/sync', syncRoutes(pool, admission));
  if (!production) app.post('/graphql', requireSignInForData);

  const hub = createHub({
    ...{ pool, databaseUrl, production, logger, metrics },
    times: { ...realtimeTimes, ...realtime },
  });
  const sockets = createSockets({
    ...{ hub, pool: reservedPool, tokens, production, introspection, isOwn, isAllowedHost },
    ...{ addressOf, logger, metrics },
    times: { ...socketTimes, ...realtime },
  });
  const { findSubscriber } = sockets;
  const api = postgraphile(graphqlPreset({ pool, admission, introspection, logger, findSubscriber }));
  const graphql = api.createServ(grafserv);
  try {
    // Builds the schema from the database. If that failed later, this process would answer every request with an error.
    // Therefore the start fails instead.
    await api.getSchema();
  } catch (error) {
    await sockets.close();
    await api.release();
    throw error;
  }
  await graphql.addTo(app, server, false);
  sockets.attach(server, graphql);

  app.use(notFound);
  app.use(answerErrors(logger));
  let closing: Promise<void> | undefined;
  const closeSockets = () => (closing ??= sockets.close());
  return {
    server,
    closeSockets,
    release: async () => {
      await closeSockets();
      await api.release();
    },
  };
}
