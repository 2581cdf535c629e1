import type { RequestHandler } from 'express';
import { Kind, parse } from 'postgraphile/graphql';
import type pg from 'pg';
import { identify } from '../auth/identity.ts';
import type { Tokens } from '../auth/tokens.ts';
import { VanguardError } from '../errors.ts';
import { requireIdentity, setIdentity } from './request.ts';

/** What needs no access token, and must not fail because of an old one that a client sends along. */
const withoutToken = ['/api/auth/login', '/api/auth/refresh', '/api/auth/logout'];

/**
 * Finds out who sends a request with `Authorization: Bearer TOKEN`, and what that person may do at this moment: one
 * look-up a request, so that whoever is switched off or taken out of an organization is so from the next request on.
 * Without the header the request goes on as nobody's. Refuses with UNAUTHENTICATED, or PASSWORD_CHANGE_REQUIRED.
 */
export function authenticate(pool: pg.Pool, tokens: Tokens, production: boolean): RequestHandler {
  return async (request, _response, next) => {
    const header = request.headers.authorization;
    if (header !== undefined && !withoutToken.includes(request.path)) {
      const [, token] = /^Bearer +(\S+) *$/i.exec(header) ?? [];
      if (!token) {
        throw new VanguardError('UNAUTHENTICATED', 'The header Authorization does not hold a bearer token.', {
          hint: 'Send `Authorization: Bearer TOKEN`, with the token from POST /api/auth/login.',
        });
      }
      const identity = await identify(pool, await tokens.verify(token));
      if (production && identity.mustChangePassword && !request.path.startsWith('/api/auth/')) {
        throw new VanguardError('PASSWORD_CHANGE_REQUIRED', 'The password has to be changed first.', {
          hint: 'Send {currentPassword, newPassword} to POST /api/auth/change-password.',
        });
      }
      setIdentity(request, identity);
    }
    next();
  };
}

/** Finds out again what who asks may do, for answers that take long. Refuses with UNAUTHENTICATED when the session has ended. */
export async function identifyAgain(pool: pg.Pool, request: object): Promise<void> {
  setIdentity(request, await identify(pool, requireIdentity(request)));
}

/** Lets nobody go on who has not signed in. */
export const requireSignIn: RequestHandler = (request, _response, next) => {
  requireIdentity(request);
  next();
};

/** As requireSignIn, except that anybody may ask what the GraphQL schema is: GraphiQL does. Not for production. */
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
    // What does not parse asks for nothing; the sign-in comes before saying what is wrong with it.
    return false;
  }
}
