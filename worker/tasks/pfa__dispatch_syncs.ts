import { dispatchDueSyncs } from '../../sql/sync/sync.queries.ts';
import type { WorkerTask } from '../context.ts';

/** Runs each minute: queues a sync for every organization that is due. */
export const pfa__dispatch_syncs: WorkerTask = (context) => async () => {
  const [result] = await dispatchDueSyncs.run(undefined, context.pool);
  if (result!.queued > 0) context.logger.info({ queued: result!.queued }, 'syncs queued');
};
