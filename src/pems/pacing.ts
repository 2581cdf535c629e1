import { setTimeout as sleep } from 'node:timers/promises';

/** Longest wait that PEMS may request with `Retry-After`, in milliseconds. */
export const MAX_RETRY_AFTER_MS = 60_000;

const MAX_BACKOFF_MS = 30_000;

/**
 * Returns the delay before the next attempt, in milliseconds: it doubles with each attempt up to 30 s. A random part of
 * up to half is left out, so that many clients do not return together. A `Retry-After` of PEMS takes precedence.
 *
 * @param attempt number of the failed attempt, from 1
 * @param retryAfter `Retry-After` header of the response: seconds or an HTTP date; more than 60 s counts as 60 s
 */
export function retryDelay(
  attempt: number,
  delayMs: number,
  retryAfter: string | null = null,
  random: () => number = Math.random,
): number {
  const backoff = Math.min(delayMs * 2 ** (attempt - 1), MAX_BACKOFF_MS) * (1 - random() / 2);
  return Math.round(Math.max(backoff, Math.min(retryAfterMs(retryAfter), MAX_RETRY_AFTER_MS)));
}

/** Returns the delay of a `Retry-After` header, in milliseconds. */
export function retryAfterMs(header: string | null): number {
  if (header === null) return 0;
  if (/^\s*\d+\s*$/.test(header)) return Number(header) * 1_000;
  const time = Date.parse(header);
  return Number.isNaN(time) ? 0 : Math.max(0, time - Date.now());
}

/**
 * Waits until the next request may start: starts of all callers are at least `1000 / requestsPerSecond` ms apart.
 * Rejects with the reason of the signal if it aborts meanwhile.
 */
export function createRateLimiter(requestsPerSecond: number): (signal?: AbortSignal) => Promise<void> {
  const spacing = 1_000 / requestsPerSecond;
  let nextStart = 0;
  return async (signal) => {
    const now = performance.now();
    const start = Math.max(now, nextStart);
    nextStart = start + spacing;
    await wait(start - now, signal);
  };
}

/** Waits this long. Rejects with the reason of the signal if it aborts meanwhile. */
export async function wait(milliseconds: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  const end = performance.now() + milliseconds;
  try {
    // The time is checked again, because a timer may fire early and let one request too many into a second.
    for (let left = milliseconds; left > 0; left = end - performance.now()) {
      await sleep(Math.ceil(left), undefined, { signal });
    }
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}
