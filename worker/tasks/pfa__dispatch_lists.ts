import { dispatchDueReferenceReads } from '../../sql/lists/lists.queries.ts';
import type { WorkerTask } from '../context.ts';

/** Runs each minute: queues a read of reference lists for every organization that is due. */
export const pfa__dispatch_lists: WorkerTask = (context) => async () => {
  const [result] = await dispatchDueReferenceReads.run(undefined, context.pool);
  if (result!.queued > 0) context.logger.info({ queued: result!.queued }, 'reads of reference lists queued');
};
