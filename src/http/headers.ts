import cors from 'cors';
import type { RequestHandler } from 'express';
import helmet from 'helmet';

/** An answer of the API is no page: nothing may be loaded, run or framed by it. */
const nothing = {
  defaultSrc: ["'none'"],
  baseUri: ["'none'"],
  formAction: ["'none'"],
  frameAncestors: ["'none'"],
};

/** GraphiQL, which exists outside production only: its page holds scripts and starts workers. */
const graphiql = {
  ...nothing,
  scriptSrc: ["'self'", "'unsafe-inline'"],
  styleSrc: ["'self'", "'unsafe-inline'"],
  imgSrc: ["'self'", 'data:'],
  fontSrc: ["'self'", 'data:'],
  connectSrc: ["'self'"],
  workerSrc: ["'self'", 'blob:'],
};

/**
 * The web app's pages: scripts, fonts and requests of our own only, nothing that stands in the page itself, no eval.
 *
 * @param nonce Of this answer. The components library puts its variables into <style> elements, which carry it. Attributes
 *   `style` in HTML stay forbidden: what scripts set on an element is not one.
 */
export const pagePolicy = (nonce: string): string =>
  Object.entries({
    'default-src': "'none'",
    'script-src': "'self'",
    'style-src': `'self' 'nonce-${nonce}'`,
    'img-src': "'self' data:",
    'font-src': "'self'",
    'connect-src': "'self'",
    'manifest-src': "'self'",
    'object-src': "'none'",
    'base-uri': "'none'",
    'form-action': "'self'",
    'frame-ancestors': "'none'",
  })
    .map(([name, value]) => `${name} ${value}`)
    .join(';');

/** Where GraphiQL's page and what it loads are. */
const graphiqlPaths = /^\/(graphiql|ruru-static)(\/|$)/;

/** How long browsers remember to come by TLS only, in seconds: half a year. */
const rememberTls = 15_552_000;

/**
 * The headers that every answer has, also refusals. The strict policy is the API's; GraphiQL has one of its own, and so
 * have the pages of the web app.
 */
export function securityHeaders({ production }: { production: boolean }): RequestHandler {
  const withPolicy = (directives: Record<string, string[]>) =>
    helmet({
      contentSecurityPolicy: { useDefaults: false, directives },
      // Only behind TLS: a browser that has seen it comes to localhost by TLS too.
      strictTransportSecurity: production ? { maxAge: rememberTls, includeSubDomains: true } : false,
      frameguard: { action: 'deny' },
    });
  const strict = withPolicy(nothing);
  if (production) return strict;
  const forGraphiql = withPolicy(graphiql);
  return (request, response, next) =>
    (graphiqlPaths.test(request.path) ? forGraphiql : strict)(request, response, next);
}

/** Lets pages of the origins named call the API, with the refresh cookie; without any, a browser lets only our own. */
export function crossOrigin(origins: readonly string[]): RequestHandler {
  if (origins.length === 0) return (_request, _response, next) => next();
  return cors({
    origin: [...origins],
    credentials: true,
    methods: ['GET', 'POST'],
    allowedHeaders: ['Authorization', 'Content-Type', 'X-Request-Id'],
    exposedHeaders: ['X-Request-Id', 'Retry-After'],
    maxAge: 600,
  });
}
