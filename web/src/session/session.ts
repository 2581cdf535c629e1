import { useSyncExternalStore } from 'react';
import { whenConnected } from '../api/connection.ts';
import { ApiError, asApiError, hasCode, isNetworkLoss } from '../api/errors.ts';
import { send } from '../api/http.ts';

/**
 * Who is signed in, in all tabs of this browser. The access token is in the memory of the page and nowhere else; the
 * refresh token is in a cookie that no script can read. Each refresh token can be used once, and one that comes again
 * ends the session: so one tab at a time exchanges it (a lock of the browser), and tells the others what it got.
 */

export interface Person {
  id: number;
  username: string;
}

export type SessionState =
  /** Looking whether the cookie is good for a session. */
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

/** How long before its end a token is renewed, in milliseconds. */
const margin = 60_000;
/** A token that ends sooner is not sent any more. */
const tooLate = 5_000;
/** How long an exchange may take before the lock is given to another tab, in milliseconds. */
const patience = 20_000;

/** How long a message to the other tabs may take, in milliseconds. */
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

/** Takes a token over, whichever tab got it. */
function accept(next: Grant): void {
  const before = state;
  grant = next;
  const { person, mustChangePassword } = next;
  clearTimeout(timer);
  timer = setTimeout(renew, Math.max(next.expiresAt - Date.now() - margin, 1000));
  // Renewing changes nothing that is shown.
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
 * Runs alone among all tabs. The lock is kept a moment longer, until the others have been told what came of it: who waits
 * for it need not do the same again. Without locks (a page that came over plain HTTP) it runs as it is: the server allows
 * the tabs of a browser 10 seconds.
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
 * Exchanges the refresh token for a new access token, and answers that. When another tab did so meanwhile, its token is
 * taken. Refuses with UNAUTHENTICATED when there is no session any more.
 *
 * @param refused The token that the server does not take any more.
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

/** Renews in time; what fails is tried again by the next request that needs a token. */
function renew(): void {
  refresh().catch((error: unknown) => {
    if (!hasCode(error, 'UNAUTHENTICATED')) timer = setTimeout(renew, 5000);
  });
}

const timedOut = (error: unknown) =>
  error instanceof DOMException && error.name === 'TimeoutError'
    ? new ApiError('NETWORK', 'The server doesn’t respond.', { hint: 'Try again in a moment.', cause: error })
    : error;

/** A token that can be sent. Refuses with UNAUTHENTICATED when nobody is signed in. */
export async function accessToken(): Promise<string> {
  if (grant && grant.expiresAt - Date.now() > tooLate) return grant.token;
  if (state.status === 'signed-out') throw new ApiError('UNAUTHENTICATED', 'You are signed out.');
  return refresh(grant?.token);
}

/** Does something that needs a token; when the server does not take it any more, once again with another. */
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

/** Goes on with the session of the cookie, if there is one. */
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
    // Not withToken: that may ask for the lock that we hold.
    const token = grant?.token;
    if (!token) throw new ApiError('UNAUTHENTICATED', 'You are signed out.');
    granted(await post('/api/auth/change-password', { currentPassword, newPassword }, token).catch(rethrow));
  });
}

/** Ends the session of this browser, in all its tabs; `everywhere`: also those of all other browsers. */
export async function signOut(everywhere: boolean): Promise<void> {
  const reason = everywhere ? 'everywhere' : 'here';
  await alone(async () => {
    await post('/api/auth/logout', { everywhere }).catch((error: unknown) => {
      // There was no session any more: signed out is what it is.
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

// A timer does not run while a computer sleeps.
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'visible' && grant && !isGood(grant)) renew();
});

/** Who is signed in; pages are shown to nobody else. */
export function usePersonId(): number {
  const session = useSession();
  return session.status === 'signed-in' ? session.person.id : 0;
}
