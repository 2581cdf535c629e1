import { from as copyFrom } from 'pg-copy-streams';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type pg from 'pg';
import {
  fieldMapping,
  beginSyncRun,
  clock,
  failSyncRun,
  mergeSyncRun,
  reportSyncProgress,
} from '../../sql/sync/sync.queries.ts';
import { noteConnectionResult } from '../../sql/connections/connections.queries.ts';
import { openPemsConnection } from '../../src/connections.ts';
import { VanguardError } from '../../src/errors.ts';
import {
  createPemsClient,
  createRecordMapper,
  makeStorable,
  type GridRow,
  type RecordMapper,
} from '../../src/pems/index.ts';
import type { TaskContext, WorkerTask } from '../context.ts';

/** Which run to do; made by app_private.queue_sync. */
interface Payload {
  organizationId: number;
  runId: number;
}

/**
 * Does one full run of an organization: reads PEMS page by page into staging, then merges all of it in one step.
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
      helpers.abortSignal,
    );
    const [merged] = await mergeSyncRun.run({ organizationId, runId: run.id }, context.pool);
    context.logger[merged!.notice ? 'warn' : 'info'](
      { organization: run.organization, run: run.id, ...merged },
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
  { pool, vault, pemsRetryDelayMs }: TaskContext,
  { organizationId, runId, organization }: { organizationId: number; runId: string; organization: string },
  signal: AbortSignal | undefined,
): Promise<void> {
  const { id: apiConfigurationId, connection } = await openPemsConnection(pool, vault, organizationId);
  const mapping = await fieldMapping.run({ organizationId }, pool);
  const mapper = createRecordMapper(mappingOf(mapping, connection.dateOrder));
  const now = async () => (await clock.run(undefined, pool))[0]!.now;

  let rowsRead = 0;
  try {
    const pems = createPemsClient({ ...connection, retryDelayMs: pemsRetryDelayMs });
    for await (const page of pems.readGrid({ organization, clock: now, signal })) {
      rowsRead += await copyPage(pool, page.rows, mapper, {
        organization,
        organizationId,
        runId,
        requestedAt: page.requestedAt,
        receivedAt: page.receivedAt,
      });
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

/** How the mapping of the database becomes the mapper's: what identifies a record and its version are special to it. */
function mappingOf(
  rows: Awaited<ReturnType<typeof fieldMapping.run>>,
  dateOrder: 'MDY' | 'DMY',
): Parameters<typeof createRecordMapper>[0] {
  const special: Readonly<Record<string, string>> = { lastModified: 'version', lastModifiedBy: 'versionBy' };
  const inData = rows.filter((row) => row.kind !== 'version');
  return {
    fields: inData.map(({ key, kind, maxLength, maxAmount }) => ({
      maxLength,
      maxAmount,
      key,
      kind: kind === 'identity' ? 'text' : (kind as 'text' | 'date' | 'money' | 'flag'),
    })),
    mappings: rows.map(({ key, gridAliases }) => ({ key: special[key] ?? key, gridAliases })),
    dateOrder,
  };
}

const columns =
  'organization_id, run_id, pfa_id, organization_code, data, version, version_by, problems, row_content, requested_at, received_at';

interface PageOf {
  organization: string;
  organizationId: number;
  runId: string;
  requestedAt: string;
  receivedAt: string;
}

/** Answers how many rows it took. */
async function copyPage(
  pool: pg.Pool,
  rows: readonly GridRow[],
  mapper: RecordMapper,
  of: PageOf,
): Promise<number> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    const copy = client.query(copyFrom(`copy app_private.pfa_staging (${columns}) from stdin`));
    await pipeline(Readable.from(copyLines(rows, mapper, of)), copy);
    return copy.rowCount;
  } catch (error) {
    broken = error as Error;
    throw error;
  } finally {
    client.release(broken);
  }
}

/** Lines of COPY's text format, some hundred at a time: one chunk a row would be slow, one for all would be large. */
function* copyLines(
  rows: readonly GridRow[],
  mapper: RecordMapper,
  { organization, organizationId, runId, requestedAt, receivedAt }: PageOf,
): Generator<string> {
  const head = `${organizationId}\t${runId}\t`;
  const tail = `\t${requestedAt}\t${receivedAt}\n`;
  let chunk = '';
  for (const row of rows) {
    const record = mapper.map(row);
    // PEMS selects by the beginning of the code, so RIO brings RIO2: expected, and no reason to refuse it in each run.
    if (record.organization !== organization && record.organization?.startsWith(organization)) continue;
    const refused = record.problems.length > 0;
    chunk += head;
    chunk += [
      record.pfaId,
      record.organization,
      record.data,
      record.version,
      record.versionBy,
      refused ? makeStorable(JSON.stringify(record.problems)) : null,
      refused ? makeStorable(JSON.stringify(row)) : null,
    ]
      .map(copyValue)
      .join('\t');
    chunk += tail;
    if (chunk.length > 256 * 1024) {
      yield chunk;
      chunk = '';
    }
  }
  if (chunk) yield chunk;
}

const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' };

/** A value as COPY's text format has it. */
function copyValue(value: string | null): string {
  return value === null ? '\\N' : value.replace(/[\\\t\n\r]/g, (character) => escapes[character]!);
}
