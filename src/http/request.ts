import type { Request, RequestHandler } from 'express';
import type { z } from 'zod';
import type { Identity } from '../auth/identity.ts';
import { VanguardError } from '../errors.ts';

/** Maximum size of a request body, in bytes. */
export const largestBody = 1_000_000;

/** Refuses an address whose percent encoding is not UTF-8, with INVALID_INPUT: Node would misread it. */
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

/** Identities that the authentication found, by request. */
const identities = new WeakMap<object, Identity>();

export function setIdentity(request: object, identity: Identity): void {
  identities.set(request, identity);
}

/** Returns the user of a request, or undefined without a sign-in. */
export const findIdentity = (request: object): Identity | undefined => identities.get(request);

/** Returns the user of a request. Throws UNAUTHENTICATED. */
export function requireIdentity(request: object): Identity {
  const identity = identities.get(request);
  if (!identity) {
    throw new VanguardError('UNAUTHENTICATED', 'You are not signed in.', {
      hint: 'Sign in at POST /api/auth/login and send `Authorization: Bearer TOKEN`.',
    });
  }
  return identity;
}

/**
 * Returns the validated body of a request. Throws INVALID_INPUT, which names every invalid field or the wrong
 * `Content-Type`.
 */
export function readBody<T>(request: Request, schema: z.ZodType<T>): T {
  const { headers } = request;
  const hasContent = headers['transfer-encoding'] !== undefined || Number(headers['content-length']) > 0;
  if (request.body === undefined && hasContent) {
    throw new VanguardError('INVALID_INPUT', 'The body of the request is not marked as JSON.', {
      hint: 'Send JSON with `Content-Type: application/json`.',
    });
  }
  return check(schema, request.body ?? {}, 'The request body');
}

/** Returns the validated query string of a request. Throws INVALID_INPUT. */
export function readQuery<T>(request: Request, schema: z.ZodType<T>): T {
  return check(schema, request.query, 'The address of the request');
}

function check<T>(schema: z.ZodType<T>, given: unknown, what: string): T {
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const details = parsed.error.issues.map(({ path, message }) => ({ path: path.join('.'), message }));
  const named = details.map((d) => (d.path ? `${d.path}: ${d.message}` : d.message)).join('; ');
  throw new VanguardError('INVALID_INPUT', `${what} is invalid: ${named}.`, { details });
}
