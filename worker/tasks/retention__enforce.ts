import { deleteDriftChecks, enforceRetention, forgetEvents } from '../../sql/retention/retention.queries.ts';
import type { WorkerTask } from '../context.ts';

/** Rows of each kind that one statement deletes: few enough to block no other statement for long. */
const batch = 5000;

/**
 * Days for which events are kept. A client that was away for less receives the changes that it missed. A client that
 * was away for longer reloads everything.
 */
const eventsDays = 7;

/** Runs each night: deletes data past its retention in batches, each in its own transaction. */
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
      'deleted data past its retention',
    );
  };
