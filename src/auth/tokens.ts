import { createHash, randomBytes } from 'node:crypto';
import { errors, jwtVerify, SignJWT } from 'jose';
import { VanguardError } from '../errors.ts';
import type { Session } from './identity.ts';
import type { SigningKeys } from './keys.ts';

/** How long an access token is good for, in seconds. What a user may do is looked up with every request all the same. */
export const accessTokenLifetime = 10 * 60;
/** How long a refresh token is good for, in seconds; each use starts it anew. */
export const refreshTokenLifetime = 14 * 24 * 60 * 60;

const issuer = 'pfa-vanguard';
const audience = 'pfa-vanguard-api';

/** Makes and checks access tokens. */
export interface Tokens {
  /** A signed access token for a session. */
  issue(session: Session): Promise<string>;
  /** The session of a token. Refuses with UNAUTHENTICATED: malformed, expired, of another issuer or audience, or not signed by us. */
  verify(token: string): Promise<Session>;
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** @param keys Signing keys as opened at start. */
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
        // The keys could not be looked up: that is no fault of the token.
        if (!(cause instanceof errors.JOSEError)) throw cause;
        const expired = cause instanceof errors.JWTExpired;
        throw new VanguardError(
          'UNAUTHENTICATED',
          expired ? 'The access token has expired.' : 'The access token is not valid here.',
          {
            hint: expired
              ? 'Get another one from POST /api/auth/refresh, or sign in again.'
              : 'Sign in at POST /api/auth/login and send `Authorization: Bearer TOKEN`.',
            cause,
          },
        );
      }
    },
  };
}

/** A new refresh token: what the client keeps, and what the database does. */
export function newRefreshToken(): { token: string; hash: Buffer } {
  const token = randomBytes(32).toString('base64url');
  return { token, hash: hashRefreshToken(token) };
}

/** 256 random bits need no slow hash. */
export const hashRefreshToken = (token: string) => createHash('sha256').update(token).digest();
