import { noteConnectionResult } from '../../sql/connections/connections.queries.ts';
import {
  beginDriftCheck,
  compareDrift,
  driftSample,
  endDriftCheck,
  reportDriftProgress,
} from '../../sql/drift/drift.queries.ts';
import { VanguardError } from '../../src/errors.ts';
import type { PemsPage } from '../../src/pems/index.ts';
import type { TaskContext, WorkerTask } from '../context.ts';
import { openPems } from '../pems.ts';
import { recordMappers } from '../record-mappers.ts';
import { RunLimit } from '../run-limits.ts';
import { stagePage } from '../staging.ts';
import { stopReason } from '../stop-reason.ts';

/** The comparison to run, as app_private.queue_drift_check creates it. */
interface Payload {
  organizationId: number;
  checkId: number;
}

interface Check {
  organizationId: number;
  id: string;
  organization: string;
  /** Number of records to compare; null: all. */
  sample: number | null;
}

/** Number of times that records are read again if they change during the comparison. */
const rounds = 3;

/**
 * Compares the mirror of an organization, or a sample of it, with the current state of PEMS, and lists the differences.
 * Changes neither side. Runs in the queue of the organization's syncs, so that no sync changes the mirror meanwhile.
 */
export const pfa__check_drift: WorkerTask = (context) => async (payload, helpers) => {
  const { organizationId, checkId } = payload as Payload;
  const { pool, logger } = context;
  const [begun] = await beginDriftCheck.run({ organizationId, checkId: String(checkId) }, pool);
  if (!begun) return;
  const check = { ...begun, organizationId, sample: begun.sample ?? null };
  const end = async (reason?: { code: string; message: string; hint?: string }) =>
    (
      await endDriftCheck.run(
        {
          organizationId,
          checkId: check.id,
          code: reason?.code ?? null,
          message: reason?.message ?? null,
          hint: reason?.hint ?? null,
        },
        pool,
      )
    )[0];
  const name = { organization: check.organization, check: check.id };
  try {
    await compare(context, check, helpers.abortSignal);
    logger.info({ ...name, ...(await end()) }, 'compared with PEMS');
  } catch (error) {
    const reason = stopReason(error, helpers.abortSignal);
    await end(
      reason ?? {
        code: 'DRIFT_FAILED',
        message: 'The comparison stopped because of an error of our own.',
        hint: 'It is repeated. If it goes on, look at the log of the worker.',
      },
    );
    if (!(error instanceof VanguardError)) throw error;
    logger.warn({ ...name, code: error.code, reason: error.message }, 'not compared with PEMS');
  }
};

async function compare(
  context: TaskContext,
  check: Check,
  stopSignal: AbortSignal | undefined,
): Promise<void> {
  const { pool } = context;
  const { organizationId, id: checkId, organization } = check;
  const { apiConfigurationId, connection, client, clock } = await openPems(context, organizationId, 'read');
  const { grid } = await recordMappers(pool, organizationId, connection);
  const limit = new RunLimit(context.runLimits, stopSignal);
  const { signal } = limit;
  let rowsRead = 0;

  /** Reads these records, or all (null); returns the records that changed meanwhile. */
  const round = async (pfaIds: string[] | null, isLast: boolean): Promise<string[]> => {
    const begunAt = await clock();
    const pages: AsyncIterable<PemsPage> =
      pfaIds === null
        ? client.readGrid({ organization, clock, signal })
        : client.readRecords({ organization, ids: pfaIds, clock, signal });
    for await (const page of pages) {
      limit.take(page.rows.length);
      // Sync runs use the positive numbers.
      rowsRead += await stagePage(pool, page, grid, { organization, organizationId, runId: `-${checkId}` });
      await reportDriftProgress.run({ organizationId, checkId, rowsRead }, pool);
    }
    const [compared] = await compareDrift.run({ organizationId, checkId, pfaIds, begunAt, isLast }, pool);
    return compared?.moved ?? [];
  };

  try {
    const wanted =
      check.sample === null
        ? null
        : (await driftSample.run({ organizationId, checkId }, pool)).map(({ pfaId }) => pfaId);
    let moved = await round(wanted, false);
    for (let n = 1; n <= rounds && moved.length > 0; n += 1) moved = await round(moved, n === rounds);
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
  await noteConnectionResult.run({ apiConfigurationId, rowsRead: null, errorMessage: null }, pool);
}
