import { beginSyncRun, failSyncRun, mergeSyncRun, reportSyncProgress } from '../../sql/sync/sync.queries.ts';
import { noteConnectionResult } from '../../sql/connections/connections.queries.ts';
import { VanguardError } from '../../src/errors.ts';
import type { TaskContext, WorkerTask } from '../context.ts';
import { openPems } from '../pems.ts';
import { recordMappers } from '../record-mappers.ts';
import { RunLimit } from '../run-limits.ts';
import { stagePage, ReadSummary, type StagedRun } from '../staging.ts';
import { stopReason } from '../stop-reason.ts';

/** The run to do, as app_private.queue_sync creates it. */
interface Payload {
  organizationId: number;
  runId: number;
}

/**
 * Runs one full or incremental sync of an organization: reads PEMS page by page into staging, then merges everything in
 * one step. Withholds the run instead if it differs suspiciously from the mirror. A failure of PEMS is recorded in
 * pfa_sync_log, and the schedule retries; only internal errors return to the queue.
 */
export const pfa__sync: WorkerTask = (context) => async (payload, helpers) => {
  const { organizationId, runId } = payload as Payload;
  const workerId = await context.workerId;
  const [run] = await beginSyncRun.run({ organizationId, runId: String(runId), workerId }, context.pool);
  if (!run) return;
  try {
    const read = await readIntoStaging(
      context,
      { organizationId, runId: run.id, organization: run.organization },
      run.changedSince ?? null,
      helpers.abortSignal,
    );
    const summary = JSON.stringify(read);
    const [merged] = await mergeSyncRun.run({ organizationId, runId: run.id, summary }, context.pool);
    const isWithheld = merged!.state === 'withheld';
    context.logger[isWithheld || merged!.notice ? 'warn' : 'info'](
      { organization: run.organization, run: run.id, kind: run.kind, ...merged },
      isWithheld ? 'withheld' : 'synchronized',
    );
  } catch (error) {
    const refused = stopReason(error, helpers.abortSignal);
    await failSyncRun.run(
      {
        organizationId,
        runId: run.id,
        code: refused?.code ?? 'SYNC_FAILED',
        message: refused?.message ?? 'The run stopped because of an error of our own.',
        hint: refused?.hint ?? 'It is repeated. If it goes on, look at the log of the worker.',
      },
      context.pool,
    );
    if (!(error instanceof VanguardError)) throw error;
    context.logger.warn(
      { organization: run.organization, run: run.id, code: error.code, reason: error.message },
      'not synchronized',
    );
  }
};

async function readIntoStaging(
  context: TaskContext,
  run: StagedRun,
  changedSince: string | null,
  signal: AbortSignal | undefined,
): Promise<ReadSummary> {
  const { organization, organizationId, runId } = run;
  const { pool } = context;
  const { apiConfigurationId, connection, client, clock } = await openPems(context, organizationId, 'read');
  const { grid } = await recordMappers(pool, organizationId, connection);

  const summary = new ReadSummary();
  const limit = new RunLimit(context.runLimits, signal);
  let rowsRead = 0;
  try {
    for await (const page of client.readGrid({ organization, changedSince, clock, signal: limit.signal })) {
      limit.take(page.rows.length);
      rowsRead += await stagePage(pool, page, grid, run, summary);
      const [progress] = await reportSyncProgress.run({ organizationId, runId, rowsRead }, pool);
      if (!progress?.isCurrent) {
        throw new VanguardError(
          'RUN_SUPERSEDED',
          'Another run of this organization took the place of this one.',
          {
            hint: 'Nothing to do: the other run goes on.',
          },
        );
      }
    }
  } catch (thrown) {
    const error = limit.explain(thrown);
    if (error instanceof VanguardError && error.code.startsWith('PEMS_')) {
      await noteConnectionResult.run(
        { apiConfigurationId, rowsRead: null, errorMessage: error.message },
        pool,
      );
    }
    throw error;
  }
  await noteConnectionResult.run({ apiConfigurationId, rowsRead, errorMessage: null }, pool);
  summary.addSpellings(grid.spellings());
  return summary;
}
