import type { PemsRequestEvent } from '../../src/pems/index.ts';

/** A change that is being written to PEMS, under its present attempt. */
export interface Work {
  id: string;
  attempt: number;
  pfaId: string;
}

/** A request and its answer as app_private.note_exchange keeps them, as JSON. */
export function exchangeOf(
  action: 'read' | 'write' | 'read_back',
  event: PemsRequestEvent | undefined,
): string | null {
  if (event?.exchange === undefined) return null;
  const { exchange, error, milliseconds } = event;
  return JSON.stringify({ action, ...exchange, errorCode: error?.code ?? null, milliseconds });
}
