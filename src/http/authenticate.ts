import type { RequestHandler } from 'express';
import { Kind, parse } from 'postgraphile/graphql';
import type pg from 'pg';
import { identify } from '../auth/identity.ts';
import type { Tokens } from '../auth/tokens.ts';
import { VanguardError } from '../errors.ts';
import { requireIdentity, setIdentity } from './request.ts';

/** Paths that need no access token and ignore an expired one that a client sends along. */
const withoutToken = ['/api/auth/login', '/api/auth/refresh', '/api/auth/logout'];

/**
 * Identifies the sender of a request with `Authorization: Bearer TOKEN` and looks up the user's current rights. The
 * look-up per request makes a disabled account or a removed membership effective from the next request on. Without the
 * header, the request continues without a user. Throws UNAUTHENTICATED or PASSWORD_CHANGE_REQUIRED.
 */
export function authenticate(pool: pg.Pool, tokens: Tokens, production: boolean): RequestHandler {
  return async (request, _response, next) => {
    const header = request.headers.authorization;
    if (header !== undefined && !withoutToken.includes(request.path)) {
      const [, token] = /^Bearer +(\S+) *$/i.exec(header) ?? [];
      if (!token) {
        throw new VanguardError('UNAUTHENTICATED', 'The Authorization header does not hold a bearer token.', {
          hint: 'Send `Authorization: Bearer TOKEN`, with the token from POST /api/auth/login.',
        });
      }
      const identity = await identify(pool, await tokens.verify(token));
      if (production && identity.mustChangePassword && !request.path.startsWith('/api/auth/')) {
        throw new VanguardError('PASSWORD_CHANGE_REQUIRED', 'You must change your password first.', {
          hint: 'Send {currentPassword, newPassword} to POST /api/auth/change-password.',
        });
      }
      setIdentity(request, identity);
    }
    next();
  };
}

/** Looks up the rights of the user again, during long responses. Throws UNAUTHENTICATED if the session has ended. */
export async function identifyAgain(pool: pg.Pool, request: object): Promise<void> {
  setIdentity(request, await identify(pool, requireIdentity(request)));
}

/** Refuses requests without a signed-in user. */
export const requireSignIn: RequestHandler = (request, _response, next) => {
  requireIdentity(request);
  next();
};

/**
 * Like requireSignIn, but without a user the GraphQL schema may be queried, which GraphiQL needs. Not for production.
 */
export const requireSignInForData: RequestHandler = (request, _response, next) => {
  if (!asksOnlyForSchema(request.body)) requireIdentity(request);
  next();
};

function asksOnlyForSchema(body: unknown): boolean {
  if (typeof body !== 'object' || body === null || !('query' in body) || typeof body.query !== 'string')
    return false;
  try {
    return parse(body.query, { maxTokens: 5000 }).definitions.every(
      (definition) =>
        definition.kind !== Kind.OPERATION_DEFINITION ||
        definition.selectionSet.selections.every(
          (s) => s.kind === Kind.FIELD && s.name.value.startsWith('__'),
        ),
    );
  } catch {
    // A query that does not parse requests no data; the sign-in is checked before the query is.
    return false;
  }
}
