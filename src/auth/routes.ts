import { parse as parseCookies } from 'cookie';
import { Router, type CookieOptions, type Request, type Response } from 'express';
import type pg from 'pg';
import PQueue from 'p-queue';
import type { Logger } from 'pino';
import { z } from 'zod';
import {
  changePassword,
  endSession,
  findLogin,
  noteSignInAttempt,
  noteSignInSuccess,
  passwordHashKinds,
  rotateRefreshToken,
  startSession,
  upgradePasswordHash,
} from '../../sql/auth/auth.queries.ts';
import { demoUser } from '../database/seed.ts';
import { VanguardError } from '../errors.ts';
import { readBody, requireIdentity } from '../http/request.ts';
import { clientAddress } from './client-address.ts';
import { identify, type Session } from './identity.ts';
import { requireStrongPassword, shortestPassword } from './password-rules.ts';
import { hashPassword, longestPassword, requireRoomForHashing, verifyPassword } from './passwords.ts';
import {
  accessTokenLifetime,
  hashRefreshToken,
  newRefreshToken,
  refreshTokenLifetime,
  type Tokens,
} from './tokens.ts';

const cookieName = 'vanguard_refresh';

const passwordText = z
  .string({ error: 'must be text' })
  .min(1, 'must not be empty')
  .max(longestPassword, `must not be longer than ${longestPassword} characters`);
const loginBody = z.object({
  username: z.string({ error: 'must be text' }).min(1, 'must not be empty').max(100),
  password: passwordText,
});
const changePasswordBody = z.object({
  currentPassword: passwordText,
  newPassword: passwordText.min(shortestPassword, `must have at least ${shortestPassword} characters`),
});
const logoutBody = z.object({ everywhere: z.boolean({ error: 'must be true or false' }).default(false) });

/** A running comparison of a password for a user name; resolved at its end. */
interface Comparison extends PromiseWithResolvers<void> {
  username: string;
  address: string;
}

/** Compares user names as the database does. */
const sameName = (one: string, other: string) => one.trim().toLowerCase() === other.trim().toLowerCase();

/**
 * Serves `/api/auth`: login, refresh, logout, change-password. The access token goes into the body. The refresh token
 * goes into a cookie that scripts cannot read and other sites cannot send.
 */
export function authRoutes({
  pool,
  tokens,
  production,
  logger,
}: {
  pool: pg.Pool;
  tokens: Tokens;
  production: boolean;
  logger: Logger;
}): Router {
  const cookie: CookieOptions = { httpOnly: true, sameSite: 'strict', secure: production, path: '/api/auth' };
  const router = Router();

  const refreshCookie = (request: Request) => parseCookies(request.headers.cookie ?? '')[cookieName];

  async function answer(response: Response, session: Session, refreshToken: string): Promise<void> {
    const { username, mustChangePassword } = await identify(pool, session);
    // Comes before steps that may fail, because the presented token is used up.
    response.cookie(cookieName, refreshToken, { ...cookie, maxAge: refreshTokenLifetime * 1000 });
    response.json({
      token: await tokens.issue(session),
      expiresIn: accessTokenLifetime,
      user: { id: session.userId, username },
      mustChangePassword,
    });
  }

  const wrongCredentials = () =>
    new VanguardError('WRONG_CREDENTIALS', 'The user name or the password is wrong.', {
      hint: 'Check both; an administrator can set another password.',
    });
  const sessionEnded = () =>
    new VanguardError('UNAUTHENTICATED', 'Your session has ended.', { hint: 'Sign in again.' });

  let isProxyReported = false;
  function reportUntrustedProxy(request: Request): void {
    if (isProxyReported || !request.headers['x-forwarded-for'] || request.app.get('trust proxy') !== 0)
      return;
    isProxyReported = true;
    logger.warn(
      'A sign-in request came with X-Forwarded-For, which is ignored. If it came through your proxy, set TRUST_PROXY: until then all users behind the proxy share one limit of attempts.',
    );
  }

  /** Running comparisons, which count as wrong until they turn out right. */
  const comparisons = new Set<Comparison>();
  /** Counts attempts one at a time, so that each one sees all earlier ones. */
  const counting = new PQueue({ concurrency: 1 });

  /**
   * Counts an attempt, and returns its comparison, or the number of seconds to wait. An attempt that only running
   * comparisons block waits for one of them, because right passwords do not count.
   */
  async function beginComparison(counted: {
    username: string;
    address: string;
  }): Promise<Comparison | number> {
    for (;;) {
      const { begun, seconds, related } = await counting.add(async () => {
        const related = [...comparisons].filter(
          ({ username, address }) => address === counted.address || sameName(username, counted.username),
        );
        const [attempt] = await noteSignInAttempt.run(counted, pool);
        const seconds = attempt!.secondsToWait;
        const begun = { ...counted, ...Promise.withResolvers<void>() };
        if (seconds === 0) comparisons.add(begun);
        return { begun, seconds, related };
      });
      if (seconds === 0) return begun;
      if (related.length === 0) return seconds;
      await Promise.race(related.map(({ promise }) => promise));
    }
  }

  /**
   * Compares a password with that of a user name, within the limits on guessing. The work and its time are the same for
   * unknown user names. Throws TOO_MANY_ATTEMPTS or OVERLOADED.
   */
  async function compare(request: Request, username: string, password: string) {
    // Comes before the count, because a request refused here has guessed nothing.
    requireRoomForHashing();
    reportUntrustedProxy(request);
    const counted = { username, address: clientAddress(request) };
    const comparison = await beginComparison(counted);
    if (typeof comparison === 'number') {
      const minutes = Math.ceil(comparison / 60);
      throw new VanguardError('TOO_MANY_ATTEMPTS', 'Too many sign-in attempts failed.', {
        hint: `Try again in ${minutes === 1 ? 'a minute' : `${minutes} minutes`}.`,
        retryAfter: comparison,
      });
    }
    try {
      const [stored] = await passwordHashKinds.run(undefined, pool);
      const [login] = await findLogin.run({ username }, pool);
      const { matches, outdated } = await verifyPassword(password, login?.passwordHash, stored!.kinds);
      // The published demo password never works in production, even with a database of the demo.
      if (!login || !matches || (production && password === demoUser.password)) return undefined;
      await noteSignInSuccess.run(counted, pool);
      return { ...login, outdated };
    } finally {
      comparisons.delete(comparison);
      comparison.resolve();
    }
  }

  /** Begins a session after a successful comparison, unless the password was changed meanwhile. */
  async function beginSession(response: Response, userId: number, passwordHash: string): Promise<void> {
    const { token, hash } = newRefreshToken();
    const [session] = await startSession.run(
      { userId, passwordHash, tokenHash: hash, lifetimeSeconds: refreshTokenLifetime },
      pool,
    );
    if (!session?.sessionId) throw wrongCredentials();
    await answer(response, { userId, sessionId: session.sessionId }, token);
  }

  router.post('/login', async (request, response) => {
    const { username, password } = readBody(request, loginBody);
    const login = await compare(request, username, password);
    if (!login) throw wrongCredentials();
    let { passwordHash } = login;
    if (login.outdated) {
      const newHash = await hashPassword(password);
      await upgradePasswordHash.run({ userId: login.userId, oldHash: passwordHash, newHash }, pool);
      passwordHash = newHash;
    }
    await beginSession(response, login.userId, passwordHash);
  });

  router.post('/refresh', async (request, response) => {
    const presented = refreshCookie(request);
    const { token, hash } = newRefreshToken();
    const [rotated] = presented
      ? await rotateRefreshToken.run(
          {
            tokenHash: hashRefreshToken(presented),
            newTokenHash: hash,
            lifetimeSeconds: refreshTokenLifetime,
          },
          pool,
        )
      : [];
    if (!rotated || rotated.isReused) {
      response.clearCookie(cookieName, cookie);
      throw sessionEnded();
    }
    await answer(response, rotated, token);
  });

  router.post('/logout', async (request, response) => {
    const { everywhere } = readBody(request, logoutBody);
    const presented = refreshCookie(request);
    const [result] = presented
      ? await endSession.run({ tokenHash: hashRefreshToken(presented), everywhere }, pool)
      : [];
    response.clearCookie(cookieName, cookie);
    // If the session has ended, this browser is signed out, but the other sessions of the user cannot be found.
    if (everywhere && !result?.ended) throw sessionEnded();
    response.status(204).end();
  });

  router.post('/change-password', async (request, response) => {
    const { currentPassword, newPassword } = readBody(request, changePasswordBody);
    const { userId, username } = requireIdentity(request);
    const login = await compare(request, username, currentPassword);
    if (!login) {
      throw new VanguardError('WRONG_CREDENTIALS', 'The current password is wrong.', {
        hint: 'Enter the password that you signed in with.',
      });
    }
    if (newPassword === currentPassword) {
      throw new VanguardError('INVALID_INPUT', 'The new password is the same as the current one.', {
        hint: 'Choose a different password.',
      });
    }
    await requireStrongPassword(newPassword, [username, login.email]);
    const newHash = await hashPassword(newPassword);
    const [result] = await changePassword.run({ userId, oldHash: login.passwordHash, newHash }, pool);
    if (!result?.isChanged) throw wrongCredentials();
    await beginSession(response, userId, newHash);
  });

  return router;
}
