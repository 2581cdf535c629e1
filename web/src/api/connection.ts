import { onlineManager } from '@tanstack/react-query';
import { useSyncExternalStore } from 'react';

/**
 * Tracks whether the server can be reached. A request or websocket that breaks starts a check; the connection counts as
 * lost only if the server does not respond to that either. While it is lost, queries wait, and one probe at a time
 * looks for the server.
 */

type State = 'connected' | 'lost';

/** Pauses between probes, in milliseconds; each is longer than the last. */
const waits = [500, 1000, 2000, 4000, 8000];
const patience = 5000;

let state: State = 'connected';
let probing: Promise<void> | undefined;
let hurry: (() => void) | undefined;
const listeners = new Set<() => void>();

function become(next: State): void {
  if (state === next) return;
  state = next;
  onlineManager.setOnline(next === 'connected');
  for (const listener of listeners) listener();
}

async function serverAnswers(): Promise<boolean> {
  try {
    const response = await fetch('/api/health', {
      cache: 'no-store',
      signal: AbortSignal.timeout(patience),
    });
    return response.ok;
  } catch {
    // The loop probes again after any failure.
    return false;
  }
}

async function probe(): Promise<void> {
  for (let attempt = 0; !(await serverAnswers()); attempt++) {
    become('lost');
    const wait = waits[Math.min(attempt, waits.length - 1)] ?? 0;
    await new Promise<void>((resolve) => {
      // The random part spreads the browsers when a server restarts.
      const timer = setTimeout(resolve, wait * (0.75 + Math.random() / 2));
      hurry = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    hurry = undefined;
  }
}

/** Starts a check after a failure that the network may have caused. */
export function suspectLoss(): void {
  probing ??= probe().finally(() => {
    probing = undefined;
    become('connected');
  });
}

/** Probes now, instead of when the next probe is due. */
export function lookNow(): void {
  hurry?.();
  suspectLoss();
}

/** Resolves when the server can be reached, as far as this page knows. */
export async function whenConnected(): Promise<void> {
  while (probing) await probing;
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export const useIsConnectionLost = (): boolean => useSyncExternalStore(subscribe, () => state === 'lost');

// The browser's own online status is only a hint: a local server can be reached without a network.
onlineManager.setEventListener(() => () => undefined);
window.addEventListener('offline', suspectLoss);
window.addEventListener('online', lookNow);
