import { dispatchPushes } from '../../sql/push/push.queries.ts';
import type { WorkerTask } from '../context.ts';

/** Runs each minute: queues a push for every organization that has a change to write and no job for it. */
export const pfa__dispatch_pushes: WorkerTask = (context) => async () => {
  const [result] = await dispatchPushes.run(undefined, context.pool);
  if (result!.queued > 0) context.logger.warn({ queued: result!.queued }, 'queued pushes that had no job');
};
