import { parse as parseCookies } from 'cookie';
import { Router, type CookieOptions, type Request, type Response } from 'express';
import type pg from 'pg';
import { z } from 'zod';
import {
  changePassword,
  endSession,
  findLogin,
  rotateRefreshToken,
  startSession,
  upgradePasswordHash,
} from '../../sql/auth/auth.queries.ts';
import { VanguardError } from '../errors.ts';
import { readBody, requireIdentity } from '../http/request.ts';
import { identify } from './identity.ts';
import { hashPassword, longestPassword, verifyPassword } from './passwords.ts';
import {
  accessTokenLifetime,
  hashRefreshToken,
  newRefreshToken,
  refreshTokenLifetime,
  type Tokens,
} from './tokens.ts';

const cookieName = 'vanguard_refresh';
/** The shortest password that is taken; NIST SP 800-63B asks for at least 8, 15 where it is the only factor. */
const shortestPassword = 12;

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

/** A hash that nobody has the password of: comparing with it takes as long as with a real one. */
const nobodysHash = hashPassword(newRefreshToken().token);

/**
 * `/api/auth`: login, refresh, logout, change-password. The access token goes into the body, the refresh token into a
 * cookie that scripts cannot read and other sites cannot send.
 */
export function authRoutes({
  pool,
  tokens,
  production,
}: {
  pool: pg.Pool;
  tokens: Tokens;
  production: boolean;
}): Router {
  const cookie: CookieOptions = { httpOnly: true, sameSite: 'strict', secure: production, path: '/api/auth' };
  const router = Router();

  const setRefreshCookie = (response: Response, token: string) =>
    response.cookie(cookieName, token, { ...cookie, maxAge: refreshTokenLifetime * 1000 });
  const refreshCookie = (request: Request) => parseCookies(request.headers.cookie ?? '')[cookieName];

  async function answer(userId: number, mustChangePassword: boolean) {
    const { username } = await identify(pool, userId);
    return {
      token: await tokens.issue(userId),
      expiresIn: accessTokenLifetime,
      user: { id: userId, username },
      mustChangePassword,
    };
  }

  const wrongCredentials = () =>
    new VanguardError('WRONG_CREDENTIALS', 'The user name or the password is wrong.', {
      hint: 'Check both; an administrator can set another password.',
    });

  /** Begins a session for who has shown the password of a hash, unless it was changed meanwhile. */
  async function beginSession(userId: number, passwordHash: string): Promise<string> {
    const { token, hash } = newRefreshToken();
    const [session] = await startSession.run(
      { userId, passwordHash, tokenHash: hash, lifetimeSeconds: refreshTokenLifetime },
      pool,
    );
    if (!session?.familyId) throw wrongCredentials();
    return token;
  }

  router.post('/login', async (request, response) => {
    const { username, password } = readBody(request, loginBody);
    const [login] = await findLogin.run({ username }, pool);
    const { matches, outdated } = await verifyPassword(password, login?.passwordHash ?? (await nobodysHash));
    if (!login || !matches) throw wrongCredentials();
    let { passwordHash } = login;
    if (outdated) {
      const newHash = await hashPassword(password);
      await upgradePasswordHash.run({ userId: login.userId, oldHash: passwordHash, newHash }, pool);
      passwordHash = newHash;
    }
    const token = await beginSession(login.userId, passwordHash);
    const body = await answer(login.userId, login.mustChangePassword);
    setRefreshCookie(response, token).json(body);
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
      throw new VanguardError('UNAUTHENTICATED', 'Your session has ended.', { hint: 'Sign in again.' });
    }
    const { mustChangePassword } = await identify(pool, rotated.userId);
    setRefreshCookie(response, token).json(await answer(rotated.userId, mustChangePassword));
  });

  router.post('/logout', async (request, response) => {
    const presented = refreshCookie(request);
    if (presented) await endSession.run({ tokenHash: hashRefreshToken(presented) }, pool);
    response.clearCookie(cookieName, cookie).status(204).end();
  });

  router.post('/change-password', async (request, response) => {
    const { currentPassword, newPassword } = readBody(request, changePasswordBody);
    const { userId, username } = requireIdentity(request);
    const [login] = await findLogin.run({ username }, pool);
    if (!login || !(await verifyPassword(currentPassword, login.passwordHash)).matches) {
      throw new VanguardError('WRONG_CREDENTIALS', 'The current password is wrong.', {
        hint: 'Enter the password you signed in with.',
      });
    }
    if (newPassword === currentPassword) {
      throw new VanguardError('INVALID_INPUT', 'The new password is the current one.', {
        hint: 'Choose another.',
      });
    }
    const newHash = await hashPassword(newPassword);
    const [result] = await changePassword.run({ userId, oldHash: login.passwordHash, newHash }, pool);
    if (!result?.isChanged) throw wrongCredentials();
    const token = await beginSession(userId, newHash);
    setRefreshCookie(response, token).json(await answer(userId, false));
  });

  return router;
}
