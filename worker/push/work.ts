import type { PemsRequestEvent } from '../../src/pems/index.ts';

/** A change that the worker is writing to PEMS, with its current attempt. */
export interface Work {
  id: string;
  attempt: number;
  pfaId: string;
}

/** Returns a request and its response as JSON, in the form that app_private.note_exchange takes. */
export function exchangeOf(
  action: 'read' | 'write' | 'read_back',
  event: PemsRequestEvent | undefined,
): string | null {
  if (event?.exchange === undefined) return null;
  const { exchange, error, milliseconds } = event;
  return JSON.stringify({ action, ...exchange, errorCode: error?.code ?? null, milliseconds });
}
