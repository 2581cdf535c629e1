import cors from 'cors';
import type { RequestHandler } from 'express';
import helmet from 'helmet';

/** Content security policy of API responses, which are no pages: forbids loading, running and framing. */
const nothing = {
  defaultSrc: ["'none'"],
  baseUri: ["'none'"],
  formAction: ["'none'"],
  frameAncestors: ["'none'"],
};

/** Policy of GraphiQL, which exists outside production only: its page holds scripts and starts workers. */
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
 * Returns the policy of web app pages: only the app's own scripts, fonts and requests, no inline scripts, no eval.
 *
 * @param nonce Nonce of the response. The component library puts its variables into <style> elements, which carry the
 *   nonce. `style` attributes in HTML stay forbidden; styles that scripts set on elements are allowed.
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

/** Paths of the GraphiQL page and its assets. */
const graphiqlPaths = /^\/(graphiql|ruru-static)(\/|$)/;

/** Time for which browsers remember to use TLS only, in seconds: half a year. */
const rememberTls = 15_552_000;

/**
 * Sets the security headers of every response, errors included. The strict policy is for the API. GraphiQL and the
 * pages of the web app have their own.
 */
export function securityHeaders({ production }: { production: boolean }): RequestHandler {
  const withPolicy = (directives: Record<string, string[]>) =>
    helmet({
      contentSecurityPolicy: { useDefaults: false, directives },
      // Only behind TLS, because a browser that has seen the header also uses TLS for localhost.
      strictTransportSecurity: production ? { maxAge: rememberTls, includeSubDomains: true } : false,
      frameguard: { action: 'deny' },
    });
  const strict = withPolicy(nothing);
  if (production) return strict;
  const forGraphiql = withPolicy(graphiql);
  return (request, response, next) =>
    (graphiqlPaths.test(request.path) ? forGraphiql : strict)(request, response, next);
}

/**
 * Allows pages of the given origins to call the API with the refresh cookie. Without origins, browsers allow only the
 * app's own pages.
 */
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
