import { AsyncLocalStorage } from 'node:async_hooks';
import type { RequestHandler } from 'express';

const signals = new AsyncLocalStorage<AbortSignal>();

/** Aborts when the client disconnects before the end of its response. */
export const clientSignal = (): AbortSignal | undefined => signals.getStore();

/** Returns whether the client has disconnected. */
export const isClientGone = (): boolean => clientSignal()?.aborted ?? false;

/** Watches the connection of each request: later handlers reach its state through `clientSignal`. */
export const watchClient: RequestHandler = (_request, response, next) => {
  const gone = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) gone.abort();
  });
  signals.run(gone.signal, next);
};
