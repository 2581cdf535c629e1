import { createHash, randomBytes } from 'node:crypto';
import {
  createLocalJWKSet,
  errors,
  jwtVerify,
  SignJWT,
  type JWSHeaderParameters,
  type FlattenedJWSInput,
} from 'jose';
import { VanguardError } from '../errors.ts';
import type { SigningKeys } from './keys.ts';

/** How long an access token is good for, in seconds. What a user may do is looked up with every request all the same. */
export const accessTokenLifetime = 10 * 60;
/** How long a refresh token is good for, in seconds; each use starts it anew. */
export const refreshTokenLifetime = 14 * 24 * 60 * 60;

const issuer = 'pfa-vanguard';
const audience = 'pfa-vanguard-api';

/** Makes and checks access tokens. */
export interface Tokens {
  /** A signed access token for a user. */
  issue(userId: number): Promise<string>;
  /** The user of a token. Refuses with UNAUTHENTICATED: malformed, expired, of another issuer or audience, or not signed by us. */
  verify(token: string): Promise<number>;
}

/** @param keys Signing keys as loaded at start. */
export function createTokens(keys: SigningKeys): Tokens {
  const keySet = createLocalJWKSet(keys.publicKeys);
  const key = (header: JWSHeaderParameters, input: FlattenedJWSInput) => keySet(header, input);
  return {
    issue(userId) {
      return new SignJWT()
        .setProtectedHeader({ alg: keys.algorithm, kid: keys.kid, typ: 'JWT' })
        .setSubject(String(userId))
        .setIssuer(issuer)
        .setAudience(audience)
        .setIssuedAt()
        .setExpirationTime(`${accessTokenLifetime}s`)
        .sign(keys.privateKey);
    },
    async verify(token) {
      try {
        const { payload } = await jwtVerify(token, key, {
          issuer,
          audience,
          algorithms: ['ES256', 'EdDSA'],
          requiredClaims: ['sub', 'exp'],
        });
        if (!payload.sub || !/^[1-9]\d{0,9}$/.test(payload.sub)) throw new errors.JWTInvalid('no user');
        return Number(payload.sub);
      } catch (cause) {
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
