import { VanguardError } from '../src/errors.ts';

/** Why a read of PEMS stopped, where that is no fault of ours: what PEMS did, or that the worker was told to stop. */
export function stopReason(error: unknown, signal: AbortSignal | undefined): VanguardError | undefined {
  if (error instanceof VanguardError) return error;
  if (!signal?.aborted) return undefined;
  return new VanguardError('WORKER_STOPPED', 'The worker was stopped before the end of this run.', {
    hint: 'Nothing to do: the run is repeated.',
  });
}
