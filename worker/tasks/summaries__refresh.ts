import { refreshSummaries } from '../../sql/sync/sync.queries.ts';
import type { WorkerTask } from '../context.ts';

/** After the mirror changed: computes the materialized sums and bounds anew. */
export const summaries__refresh: WorkerTask = (context) => async () => {
  await refreshSummaries.run(undefined, context.pool);
};
