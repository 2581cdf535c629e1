import { prepareSearch, refreshSummaries } from '../../sql/sync/sync.queries.ts';
import type { WorkerTask } from '../context.ts';

/**
 * Recomputes the materialized totals and bounds after a change of the mirror, and lists the values that the word search
 * uses.
 */
export const summaries__refresh: WorkerTask =
  ({ pool, stopping }) =>
  async (_payload, { addJob }) => {
    await refreshSummaries.run(undefined, pool);
    const prepareNext = async () => (await prepareSearch.run(undefined, pool))[0]!.hadWork;
    while (await prepareNext()) {
      if (!stopping.aborted) continue;
      // After the first sync of many organizations, the rest takes longer than a stopping worker may: a new job
      // continues it.
      await addJob('summaries__refresh', {}, { jobKey: 'summaries:refresh', jobKeyMode: 'preserve_run_at' });
      break;
    }
  };
