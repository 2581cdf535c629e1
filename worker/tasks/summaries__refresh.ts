import { prepareSearch, refreshSummaries } from '../../sql/sync/sync.queries.ts';
import type { WorkerTask } from '../context.ts';

/** After the mirror changed: computes the materialized sums and bounds anew, and lists the values that words are looked for in. */
export const summaries__refresh: WorkerTask = (context) => async () => {
  await refreshSummaries.run(undefined, context.pool);
  const prepareNext = async () => (await prepareSearch.run(undefined, context.pool))[0]!.hadWork;
  while (await prepareNext());
};
