import type { Request, RequestHandler } from 'express';
import type { z } from 'zod';
import type { Identity } from '../auth/identity.ts';
import { VanguardError } from '../errors.ts';

/** The largest body of a request, in bytes. */
export const largestBody = 1_000_000;

/** Refuses, with INVALID_INPUT, an address whose percent encoding is not UTF-8: Node would read it as other characters. */
export const requireReadableAddress: RequestHandler = (request, _response, next) => {
  try {
    decodeURIComponent(request.originalUrl);
  } catch {
    throw new VanguardError('INVALID_INPUT', 'The address of the request is not percent-encoded UTF-8.', {
      hint: 'Encode each part of it with `encodeURIComponent`.',
    });
  }
  next();
};

/** What the authentication found out about each request. */
const identities = new WeakMap<object, Identity>();

export function setIdentity(request: object, identity: Identity): void {
  identities.set(request, identity);
}

/** Who asks, or undefined for somebody who has not signed in. */
export const findIdentity = (request: object): Identity | undefined => identities.get(request);

/** Who asks. Refuses with UNAUTHENTICATED. */
export function requireIdentity(request: object): Identity {
  const identity = identities.get(request);
  if (!identity) {
    throw new VanguardError('UNAUTHENTICATED', 'You are not signed in.', {
      hint: 'Sign in at POST /api/auth/login and send `Authorization: Bearer TOKEN`.',
    });
  }
  return identity;
}

/** The body of a request, checked. Refuses with INVALID_INPUT, naming every field that is wrong, or the wrong `Content-Type`. */
export function readBody<T>(request: Request, schema: z.ZodType<T>): T {
  const { headers } = request;
  const hasContent = headers['transfer-encoding'] !== undefined || Number(headers['content-length']) > 0;
  if (request.body === undefined && hasContent) {
    throw new VanguardError('INVALID_INPUT', 'The body of the request is not marked as JSON.', {
      hint: 'Send JSON with `Content-Type: application/json`.',
    });
  }
  return check(schema, request.body ?? {}, 'The body of the request');
}

/** The query string of a request, checked. Refuses with INVALID_INPUT. */
export function readQuery<T>(request: Request, schema: z.ZodType<T>): T {
  return check(schema, request.query, 'The address of the request');
}

function check<T>(schema: z.ZodType<T>, given: unknown, what: string): T {
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const details = parsed.error.issues.map(({ path, message }) => ({ path: path.join('.'), message }));
  const named = details.map((d) => (d.path ? `${d.path}: ${d.message}` : d.message)).join('; ');
  throw new VanguardError('INVALID_INPUT', `${what} is not as it should be: ${named}.`, { details });
}
