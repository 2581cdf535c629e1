import { createHash, randomBytes } from 'node:crypto';
import { errors, jwtVerify, SignJWT } from 'jose';
import { VanguardError } from '../errors.ts';
import type { Session } from './identity.ts';
import type { SigningKeys } from './keys.ts';

/** Lifetime of an access token, in seconds. Each request looks up the rights of the user anyway. */
export const accessTokenLifetime = 10 * 60;
/** Lifetime of a refresh token, in seconds; each use renews it. */
export const refreshTokenLifetime = 14 * 24 * 60 * 60;

const issuer = 'pfa-vanguard';
const audience = 'pfa-vanguard-api';

/** Creates and checks access tokens. */
export interface Tokens {
  /** Returns a signed access token for a session. */
  issue(session: Session): Promise<string>;
  /**
   * Returns the session of a token. Throws UNAUTHENTICATED for a token that is malformed, expired, from another issuer
   * or audience, or signed with an unknown key.
   */
  verify(token: string): Promise<Session>;
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** @param keys Signing keys opened at the start. */
export function createTokens(keys: SigningKeys): Tokens {
  return {
    async issue({ userId, sessionId }) {
      const { kid, algorithm, privateKey } = await keys.signing();
      return new SignJWT({ sid: sessionId })
        .setProtectedHeader({ alg: algorithm, kid, typ: 'JWT' })
        .setSubject(String(userId))
        .setIssuer(issuer)
        .setAudience(audience)
        .setIssuedAt()
        .setExpirationTime(`${accessTokenLifetime}s`)
        .sign(privateKey);
    },
    async verify(token) {
      try {
        const { payload } = await jwtVerify(token, (header, input) => keys.verifying(header, input), {
          issuer,
          audience,
          algorithms: ['ES256', 'EdDSA'],
          requiredClaims: ['sub', 'sid', 'exp'],
        });
        const { sub, sid } = payload;
        if (!sub || !/^[1-9]\d{0,9}$/.test(sub) || typeof sid !== 'string' || !uuid.test(sid))
          throw new errors.JWTInvalid('no user or no session');
        return { userId: Number(sub), sessionId: sid };
      } catch (cause) {
        // The keys could not be read, which is no fault of the token.
        if (!(cause instanceof errors.JOSEError)) throw cause;
        const expired = cause instanceof errors.JWTExpired;
        throw new VanguardError(
          'UNAUTHENTICATED',
          expired ? 'The access token has expired.' : 'The access token is not valid here.',
          {
            hint: expired
              ? 'Get a new token from POST /api/auth/refresh, or sign in again.'
              : 'Sign in at POST /api/auth/login and send `Authorization: Bearer TOKEN`.',
            cause,
          },
        );
      }
    },
  };
}

/** Returns a new refresh token: the token for the client, and the hash for the database. */
export function newRefreshToken(): { token: string; hash: Buffer } {
  const token = randomBytes(32).toString('base64url');
  return { token, hash: hashRefreshToken(token) };
}

/** A token of 256 random bits needs no slow hash. */
export const hashRefreshToken = (token: string) => createHash('sha256').update(token).digest();
