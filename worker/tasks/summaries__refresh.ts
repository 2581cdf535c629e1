import { prepareSearch, refreshSummaries } from '../../sql/sync/sync.queries.ts';
import type { WorkerTask } from '../context.ts';

/** After the mirror changed: computes the materialized sums and bounds anew, and lists the values that words are looked for in. */
export const summaries__refresh: WorkerTask =
  ({ pool, stopping }) =>
  async (_payload, { addJob }) => {
    await refreshSummaries.run(undefined, pool);
    const prepareNext = async () => (await prepareSearch.run(undefined, pool))[0]!.hadWork;
    while (await prepareNext()) {
      if (!stopping.aborted) continue;
      // After a first sync of many organizations it would go on for longer than anybody waits for a worker to stop.
      await addJob('summaries__refresh', {}, { jobKey: 'summaries:refresh', jobKeyMode: 'preserve_run_at' });
      break;
    }
  };
