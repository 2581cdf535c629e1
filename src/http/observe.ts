import { randomUUID } from 'node:crypto';
import type { Request, RequestHandler, Response } from 'express';
import type { Logger } from 'pino';
import { pinoHttp } from 'pino-http';
import type { Metrics } from '../admin/metrics.ts';
import { logAsRequest } from '../logger.ts';
import { findIdentity } from './request.ts';

/** Request ids accepted from clients; other requests get a generated id. */
const wellFormedId = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** Mount pattern of the router that handles a request. */
const mounts = new WeakMap<object, string>();

/** Marks requests as handled by a mounted router: `app.use(pattern, mountedAt(pattern), router)`. */
export function mountedAt(pattern: string): RequestHandler {
  return (request, _response, next) => {
    mounts.set(request, pattern);
    next();
  };
}

/** Names of the handlers of requests outside the API. */
const answerers = new WeakMap<object, string>();

/** Counts and logs a request under this name, e.g. `(page)`. */
export function answeredAs(request: object, what: string): void {
  answerers.set(request, what);
}

/**
 * Returns the route pattern of a request, e.g. `/api/pfa/:org/draft`: never its path, which holds codes, ids and arbitrary
 * text. Returns `MOUNT/*` if only the router matched, and `(none)` if nothing did.
 */
export function routeOf(request: Request): string {
  const answerer = answerers.get(request);
  if (answerer) return answerer;
  const mount = mounts.get(request);
  const route = request.route as { path?: unknown } | undefined;
  if (typeof route?.path === 'string') {
    // A route of the app itself has no mount.
    return mount && !route.path.startsWith(mount) ? `${mount}${route.path}`.replace(/\/$/, '') : route.path;
  }
  return mount ? `${mount}/*` : '(none)';
}

const isHealthCheck = (request: { url?: string }) => /^\/api\/(health|ready)(\?|$)/.test(request.url ?? '');

/**
 * Handles every request first: assigns an id (the client's X-Request-Id if well formed), returns it as X-Request-Id, counts
 * and measures the request, and logs its end. Logs id, method, route, status, duration and user id; never a header, a body, a
 * query string or a path.
 */
export function observe(logger: Logger, metrics: Metrics | undefined): RequestHandler[] {
  const about = (request: Request, response: Response) => ({
    requestId: request.id,
    method: request.method,
    route: routeOf(request),
    status: response.writableFinished ? response.statusCode : 499,
    userId: findIdentity(request)?.userId,
  });
  const log = pinoHttp<Request, Response>({
    logger,
    wrapSerializers: false,
    serializers: { req: () => undefined, res: () => undefined },
    genReqId: ({ headers }) => {
      const given = headers['x-request-id'];
      return typeof given === 'string' && wellFormedId.test(given) ? given : randomUUID();
    },
    customLogLevel: (request, response) => {
      if (response.statusCode >= 500) return 'warn';
      return isHealthCheck({ url: request.originalUrl }) ? 'trace' : 'info';
    },
    customSuccessObject: (request, response, { responseTime }: { responseTime: number }) => ({
      ...about(request, response),
      milliseconds: responseTime,
    }),
    customErrorObject: (request, response, _error, { responseTime }: { responseTime: number }) => ({
      ...about(request, response),
      milliseconds: responseTime,
    }),
    customSuccessMessage: () => 'request',
    customErrorMessage: () => 'request',
  });
  const measure: RequestHandler = (request, response, next) => {
    const began = performance.now();
    const requestId = request.id as string;
    response.setHeader('X-Request-Id', requestId);
    response.once('close', () => {
      const { method, route, status } = about(request, response);
      metrics?.request(method, route, status, (performance.now() - began) / 1000);
    });
    logAsRequest(requestId, next);
  };
  return [log, measure];
}
