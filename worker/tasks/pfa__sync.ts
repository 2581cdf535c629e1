import { from as copyFrom } from 'pg-copy-streams';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type pg from 'pg';
import { beginSyncRun, failSyncRun, mergeSyncRun, reportSyncProgress } from '../../sql/sync/sync.queries.ts';
import { noteConnectionResult } from '../../sql/connections/connections.queries.ts';
import { VanguardError } from '../../src/errors.ts';
import type { PemsPage, RecordMapper } from '../../src/pems/index.ts';
import type { TaskContext, WorkerTask } from '../context.ts';
import { openPems } from '../pems.ts';
import { recordMappers } from '../record-mappers.ts';
import { copyIntoStaging, stagingRows, type StagedRun } from '../staging.ts';

/** Which run to do; made by app_private.queue_sync. */
interface Payload {
  organizationId: number;
  runId: number;
}

/**
 * Does one run of an organization, full or of what changed: reads PEMS page by page into staging, then merges all of it
 * in one step.
 * A PEMS that fails is noted in pfa_sync_log, and the schedule tries again; only our own failures go back to the queue.
 */
export const pfa__sync: WorkerTask = (context) => async (payload, helpers) => {
  const { organizationId, runId } = payload as Payload;
  const workerId = await context.workerId;
  const [run] = await beginSyncRun.run({ organizationId, runId: String(runId), workerId }, context.pool);
  if (!run) return;
  try {
    await readIntoStaging(
      context,
      { organizationId, runId: run.id, organization: run.organization },
      run.changedSince ?? null,
      helpers.abortSignal,
    );
    const [merged] = await mergeSyncRun.run({ organizationId, runId: run.id }, context.pool);
    context.logger[merged!.notice ? 'warn' : 'info'](
      { organization: run.organization, run: run.id, kind: run.kind, ...merged },
      'synchronized',
    );
  } catch (error) {
    const refused =
      error instanceof VanguardError
        ? error
        : helpers.abortSignal?.aborted
          ? new VanguardError('WORKER_STOPPED', 'The worker was stopped before the end of this run.', {
              hint: 'Nothing to do: the run is repeated.',
            })
          : undefined;
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
): Promise<void> {
  const { organization, organizationId, runId } = run;
  const { pool } = context;
  const { apiConfigurationId, connection, client, clock } = await openPems(context, organizationId, 'read');
  const { grid } = await recordMappers(pool, organizationId, connection.dateOrder);

  let rowsRead = 0;
  try {
    for await (const page of client.readGrid({ organization, changedSince, clock, signal })) {
      rowsRead += await copyPage(pool, page, grid, run);
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
  } catch (error) {
    if (error instanceof VanguardError && error.code.startsWith('PEMS_')) {
      await noteConnectionResult.run(
        { apiConfigurationId, rowsRead: null, errorMessage: error.message },
        pool,
      );
    }
    throw error;
  }
  await noteConnectionResult.run({ apiConfigurationId, rowsRead, errorMessage: null }, pool);
}

/** Answers how many rows it took. */
async function copyPage(
  pool: pg.Pool,
  page: PemsPage,
  mapper: RecordMapper,
  run: StagedRun,
): Promise<number> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    const copy = client.query(copyFrom(copyIntoStaging));
    await pipeline(Readable.from(stagingRows(page, mapper, run)), copy);
    return copy.rowCount;
  } catch (error) {
    broken = error as Error;
    throw error;
  } finally {
    client.release(broken);
  }
}
