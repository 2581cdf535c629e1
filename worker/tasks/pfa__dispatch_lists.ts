import { dispatchDueReferenceReads } from '../../sql/lists/lists.queries.ts';
import type { WorkerTask } from '../context.ts';

/** Each minute: queues a read of the reference lists of every organization that is due. */
export const pfa__dispatch_lists: WorkerTask = (context) => async () => {
  const [result] = await dispatchDueReferenceReads.run(undefined, context.pool);
  if (result!.queued > 0) context.logger.info({ queued: result!.queued }, 'reads of reference lists queued');
};
