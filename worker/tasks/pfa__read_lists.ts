import {
  beginReferenceRun,
  failReferenceRun,
  mergeReferenceRun,
  stageReferenceRows,
} from '../../sql/lists/lists.queries.ts';
import type { PemsPurpose } from '../../src/connections.ts';
import { VanguardError } from '../../src/errors.ts';
import { makeStorable, type ListRow } from '../../src/pems/index.ts';
import type { TaskContext, WorkerTask } from '../context.ts';
import { openPems } from '../pems.ts';
import { stopReason } from '../stop-reason.ts';

/** The organization whose lists to read, as app_private.queue_reference_runs creates it. */
interface Payload {
  organizationId: number;
}

/** Errors after which the other lists of the same connection would fail too. */
const outages: readonly string[] = [
  'PEMS_UNREACHABLE',
  'PEMS_TIMEOUT',
  'PEMS_UNAUTHORIZED',
  'PEMS_SERVER_ERROR',
];

type Run = Awaited<ReturnType<typeof beginReferenceRun.run>>[number];

/**
 * Reads the due reference lists of an organization one after the other: page by page into staging, then merged in one
 * step. A failed list is recorded in reference_runs and keeps its entries; the remaining lists are still read.
 */
export const pfa__read_lists: WorkerTask = (context) => async (payload, helpers) => {
  const { organizationId } = payload as Payload;
  const signal = helpers.abortSignal;
  const failed = new Map<string, VanguardError>();
  for (;;) {
    signal?.throwIfAborted();
    const [run] = await beginReferenceRun.run({ organizationId }, context.pool);
    if (!run) return;
    const told = { organization: run.organization, list: run.list, run: run.id };
    try {
      const outage = failed.get(run.entityType);
      if (outage) throw outage;
      await readIntoStaging(context, organizationId, run, signal);
      const [merged] = await mergeReferenceRun.run({ organizationId, runId: run.id }, context.pool);
      context.logger[merged!.notice || merged!.errorCode ? 'warn' : 'info'](
        { ...told, ...merged },
        merged!.errorCode ? 'reference list not merged' : 'reference list read',
      );
    } catch (error) {
      const refused = stopReason(error, signal);
      await failReferenceRun.run(
        {
          organizationId,
          runId: run.id,
          code: refused?.code ?? 'LIST_FAILED',
          message: refused?.message ?? 'The read stopped because of an error of our own.',
          hint: refused?.hint ?? 'It is repeated. If it goes on, look at the log of the worker.',
        },
        context.pool,
      );
      if (!(error instanceof VanguardError)) throw error;
      if (outages.includes(error.code)) failed.set(run.entityType, error);
      context.logger.warn({ ...told, code: error.code, reason: error.message }, 'reference list not read');
    }
  }
};

async function readIntoStaging(
  context: TaskContext,
  organizationId: number,
  run: Run,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { client } = await openPems(context, organizationId, run.entityType as PemsPurpose);
  const fields = Object.entries(run.fields as Record<string, string[]>).map(
    ([key, names]) => [key, names.map((name) => name.toLowerCase())] as const,
  );
  const options = { path: run.path, organization: run.organization, signal };
  for await (const page of client.readList(options)) {
    const rows = JSON.stringify(page.map((row) => mapped(row, fields)));
    const [staged] = await stageReferenceRows.run({ organizationId, runId: run.id, rows }, context.pool);
    if (!staged?.isCurrent) {
      throw new VanguardError('RUN_SUPERSEDED', 'Another run of this list took the place of this one.', {
        hint: 'Nothing to do: the other run goes on.',
      });
    }
  }
}

/** Returns the texts of a row by key. Omits keys that the row lacks: they are unknown, not empty. */
function mapped(
  row: ListRow,
  fields: readonly (readonly [string, readonly string[]])[],
): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [key, names] of fields) {
    const name = names.find((one) => one in row);
    const text = name === undefined ? undefined : row[name];
    if (text !== undefined) found[key] = makeStorable(text ?? '');
  }
  return found;
}
