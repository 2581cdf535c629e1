import { useSyncExternalStore } from 'react';
import { whenConnected } from '../api/connection.ts';
import { ApiError, asApiError, hasCode, isNetworkLoss } from '../api/errors.ts';
import { send } from '../api/http.ts';

/**
 * The session of the current user, shared by all tabs of this browser. The access token exists only in memory; the
 * refresh token is in a cookie that scripts cannot read. A refresh token works once, and using it again ends the
 * session. A browser lock therefore lets one tab at a time exchange it; that tab shares the new access token with the
 * others.
 */

export interface Person {
  id: number;
  username: string;
}

export type SessionState =
  /** Checking whether the cookie continues a session. */
  | { status: 'starting' }
  /** That could not be found out. */
  | { status: 'failed'; error: ApiError }
  | { status: 'signed-out'; reason?: 'ended' | 'here' | 'everywhere' }
  | { status: 'signed-in'; person: Person; mustChangePassword: boolean };

interface Grant {
  token: string;
  /** By this computer's clock, in milliseconds. */
  expiresAt: number;
  person: Person;
  mustChangePassword: boolean;
}

interface Answer {
  token: string;
  expiresIn: number;
  user: Person;
  mustChangePassword: boolean;
}

type Message = { type: 'granted'; grant: Grant } | { type: 'ended'; reason: 'ended' | 'here' | 'everywhere' };

/** Time before its expiry at which a token is renewed, in milliseconds. */
const margin = 60_000;
/** Minimum remaining lifetime of a token that is sent, in milliseconds. */
const tooLate = 5_000;
/** Timeout of an exchange, in milliseconds; after it, another tab gets the lock. */
const patience = 20_000;

/** Time for a message to reach the other tabs, in milliseconds. */
const telling = 100;

let grant: Grant | undefined;
let state: SessionState = { status: 'starting' };
let timer: ReturnType<typeof setTimeout> | undefined;
const listeners = new Set<() => void>();
const channel = new BroadcastChannel('vanguard-session');

channel.onmessage = ({ data }: MessageEvent<Message>) => {
  if (data.type === 'granted') accept(data.grant);
  else end(data.reason);
};

function become(next: SessionState): void {
  state = next;
  for (const listener of listeners) listener();
}

/** Adopts a token, from this tab or another. */
function accept(next: Grant): void {
  const before = state;
  grant = next;
  const { person, mustChangePassword } = next;
  clearTimeout(timer);
  timer = setTimeout(renew, Math.max(next.expiresAt - Date.now() - margin, 1000));
  // A renewed token changes nothing visible.
  if (
    before.status !== 'signed-in' ||
    before.person.id !== person.id ||
    before.mustChangePassword !== mustChangePassword
  )
    become({ status: 'signed-in', person, mustChangePassword });
}

function end(reason?: 'ended' | 'here' | 'everywhere'): void {
  grant = undefined;
  clearTimeout(timer);
  become(reason ? { status: 'signed-out', reason } : { status: 'signed-out' });
}

function share(message: Message): void {
  channel.postMessage(message);
}

/**
 * Runs work in one tab at a time. Holds the lock a moment longer, so that waiting tabs receive the new token first and
 * need not exchange theirs. Without locks, as over plain HTTP, it runs at once; the server tolerates parallel exchanges
 * of a browser for 10 seconds.
 */
function alone<T>(work: () => Promise<T>): Promise<T> {
  if (!('locks' in navigator)) return work();
  return new Promise((resolve, reject) => {
    void navigator.locks.request('vanguard-session', async () => {
      await work().then(resolve, reject);
      await new Promise((told) => setTimeout(told, telling));
    });
  });
}

const post = (path: string, body: unknown, token?: string) =>
  send<Answer>(path, {
    method: 'POST',
    body,
    signal: AbortSignal.timeout(patience),
    ...(token ? { token } : {}),
  });

function granted({ token, expiresIn, user, mustChangePassword }: Answer): Grant {
  const next = { token, expiresAt: Date.now() + expiresIn * 1000, person: user, mustChangePassword };
  accept(next);
  share({ type: 'granted', grant: next });
  return next;
}

const isGood = (one: Grant | undefined): one is Grant =>
  one !== undefined && one.expiresAt - Date.now() > margin;

let refreshing: Promise<string> | undefined;

/**
 * Exchanges the refresh token and resolves to a new access token. Uses the token of another tab if that tab was faster.
 * Rejects with UNAUTHENTICATED if the session has ended.
 *
 * @param refused The token that the server no longer accepts.
 */
export function refresh(refused?: string): Promise<string> {
  return (refreshing ??= alone(async () => {
    if (isGood(grant) && grant.token !== refused) return grant.token;
    const wasSignedIn = grant !== undefined;
    try {
      return granted(await post('/api/auth/refresh', {})).token;
    } catch (error) {
      if (hasCode(error, 'UNAUTHENTICATED')) {
        end(wasSignedIn ? 'ended' : undefined);
        if (wasSignedIn) share({ type: 'ended', reason: 'ended' });
      }
      throw timedOut(error);
    }
  }).finally(() => {
    refreshing = undefined;
  }));
}

/** Renews the token in time and retries after a failure, unless the session has ended. */
function renew(): void {
  refresh().catch((error: unknown) => {
    if (!hasCode(error, 'UNAUTHENTICATED')) timer = setTimeout(renew, 5000);
  });
}

const timedOut = (error: unknown) =>
  error instanceof DOMException && error.name === 'TimeoutError'
    ? new ApiError('NETWORK', 'The server doesn’t respond.', { hint: 'Try again in a moment.', cause: error })
    : error;

/** Resolves to a valid access token. Rejects with UNAUTHENTICATED if no user is signed in. */
export async function accessToken(): Promise<string> {
  if (grant && grant.expiresAt - Date.now() > tooLate) return grant.token;
  if (state.status === 'signed-out') throw new ApiError('UNAUTHENTICATED', 'You are signed out.');
  return refresh(grant?.token);
}

/** Runs work that needs a token, and once more with a new token if the server rejects the first. */
export async function withToken<T>(work: (token: string) => Promise<T>): Promise<T> {
  const token = await accessToken();
  try {
    return await work(token);
  } catch (error) {
    if (hasCode(error, 'PASSWORD_CHANGE_REQUIRED') && grant) accept({ ...grant, mustChangePassword: true });
    if (!hasCode(error, 'UNAUTHENTICATED')) throw error;
  }
  return work(await refresh(token));
}

/** Continues the session of the cookie, if any. */
export async function restore(): Promise<void> {
  become({ status: 'starting' });
  for (;;) {
    try {
      await refresh();
      return;
    } catch (error) {
      if (hasCode(error, 'UNAUTHENTICATED')) return;
      if (!isNetworkLoss(error)) return become({ status: 'failed', error: asApiError(error) });
      await whenConnected();
    }
  }
}

export async function signIn(username: string, password: string): Promise<void> {
  await alone(async () => granted(await post('/api/auth/login', { username, password }).catch(rethrow)));
}

export async function changePassword(currentPassword: string, newPassword: string): Promise<void> {
  await alone(async () => {
    // `withToken` could request the lock that this code holds.
    const token = grant?.token;
    if (!token) throw new ApiError('UNAUTHENTICATED', 'You are signed out.');
    granted(await post('/api/auth/change-password', { currentPassword, newPassword }, token).catch(rethrow));
  });
}

/** Ends the session in all tabs of this browser; with `everywhere`, also in all other browsers. */
export async function signOut(everywhere: boolean): Promise<void> {
  const reason = everywhere ? 'everywhere' : 'here';
  await alone(async () => {
    await post('/api/auth/logout', { everywhere }).catch((error: unknown) => {
      // The session had already ended, so the sign-out is complete.
      if (!hasCode(error, 'UNAUTHENTICATED') || everywhere) rethrow(error);
    });
    end(reason);
    share({ type: 'ended', reason });
  });
}

function rethrow(error: unknown): never {
  throw timedOut(error);
}

export function subscribeToSession(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export const sessionState = (): SessionState => state;
export const useSession = (): SessionState => useSyncExternalStore(subscribeToSession, sessionState);

// Timers do not run while a computer sleeps.
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'visible' && grant && !isGood(grant)) renew();
});

/** Returns the id of the signed-in user; the app shows pages to signed-in users only. */
export function usePersonId(): number {
  const session = useSession();
  return session.status === 'signed-in' ? session.person.id : 0;
}
