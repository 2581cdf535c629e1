import { deleteDriftChecks, enforceRetention, forgetEvents } from '../../sql/retention/retention.queries.ts';
import type { WorkerTask } from '../context.ts';

/** How much one statement deletes of each kind: little enough that nobody waits for it. */
const batch = 5000;

/** How long clients may be away and are told what changed, in days. Who was away for longer loads everything again. */
const eventsDays = 7;

/** Each night: deletes what is older than it is kept, batch by batch, each in a transaction of its own. */
export const retention__enforce: WorkerTask =
  ({ pool, retention, logger }) =>
  async (_payload, helpers) => {
    const deleted = {
      syncLog: 0,
      rejects: 0,
      sessions: 0,
      throttles: 0,
      failedJobs: 0,
      changes: 0,
      modifications: 0,
      exchanges: 0,
      privateChanges: 0,
    };
    for (;;) {
      const [step] = await enforceRetention.run({ ...retention, batch }, pool);
      const kinds = Object.keys(deleted) as (keyof typeof deleted)[];
      for (const what of kinds) deleted[what] += step![what];
      if (kinds.every((what) => step![what] < batch) || helpers.abortSignal?.aborted) break;
    }
    let events = 0;
    while (!helpers.abortSignal?.aborted) {
      const [step] = await forgetEvents.run({ eventsDays, batch }, pool);
      events += step!.forgotten;
      if (step!.forgotten < batch) break;
    }
    let driftChecks = 0;
    while (!helpers.abortSignal?.aborted) {
      const [step] = await deleteDriftChecks.run({ syncLogDays: retention.syncLogDays, batch }, pool);
      driftChecks += step!.deleted;
      if (step!.deleted < batch) break;
    }
    logger.info(
      { deleted: { ...deleted, events, driftChecks }, keptForDays: retention },
      'deleted what was kept long enough',
    );
  };
