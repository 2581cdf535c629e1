import { VanguardError } from '../src/errors.ts';

/**
 * Returns why a read of PEMS stopped: an error of PEMS, or the stop of the worker. Returns undefined for an internal
 * error.
 */
export function stopReason(error: unknown, signal: AbortSignal | undefined): VanguardError | undefined {
  if (error instanceof VanguardError) return error;
  if (!signal?.aborted) return undefined;
  return new VanguardError('WORKER_STOPPED', 'The worker was stopped before the end of this run.', {
    hint: 'Do nothing: the worker repeats the run.',
  });
}
