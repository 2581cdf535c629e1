import { AsyncLocalStorage } from 'node:async_hooks';
import type { RequestHandler } from 'express';

const signals = new AsyncLocalStorage<AbortSignal>();

/** Aborts when the client of the request that is being answered goes away before the end of its response. */
export const clientSignal = (): AbortSignal | undefined => signals.getStore();

/** Whether nobody reads the response any more. */
export const isClientGone = (): boolean => clientSignal()?.aborted ?? false;

/** Watches the connection of each request: what is done for it afterwards finds `clientSignal`. */
export const watchClient: RequestHandler = (_request, response, next) => {
  const gone = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) gone.abort();
  });
  signals.run(gone.signal, next);
};
