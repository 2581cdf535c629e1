import { onlineManager } from '@tanstack/react-query';
import { useSyncExternalStore } from 'react';

/**
 * Whether the server can be reached. A request or a websocket that breaks makes us look; only when the server does not
 * answer then either is the connection lost. While it is, queries wait, and one probe at a time looks for the server.
 */

type State = 'connected' | 'lost';

/** How long to wait between probes, in milliseconds: longer each time. */
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
    // Whatever is in the way: it is tried again.
    return false;
  }
}

async function probe(): Promise<void> {
  for (let attempt = 0; !(await serverAnswers()); attempt++) {
    become('lost');
    const wait = waits[Math.min(attempt, waits.length - 1)] ?? 0;
    await new Promise<void>((resolve) => {
      // Not all browsers at once, when a server comes back.
      const timer = setTimeout(resolve, wait * (0.75 + Math.random() / 2));
      hurry = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    hurry = undefined;
  }
}

/** Something broke that may be the network's fault. */
export function suspectLoss(): void {
  probing ??= probe().finally(() => {
    probing = undefined;
    become('connected');
  });
}

/** Looks at once, instead of when the next probe is due. */
export function lookNow(): void {
  hurry?.();
  suspectLoss();
}

/** Resolves when the server can be reached, as far as we know. */
export async function whenConnected(): Promise<void> {
  while (probing) await probing;
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export const useIsConnectionLost = (): boolean => useSyncExternalStore(subscribe, () => state === 'lost');

// What the browser thinks is no more than a hint: a server on this machine can be reached without any network.
onlineManager.setEventListener(() => () => undefined);
window.addEventListener('offline', suspectLoss);
window.addEventListener('online', lookNow);
