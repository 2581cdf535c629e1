import { notePushAnswer, planPush } from '../../sql/push/push.queries.ts';
import { VanguardError } from '../../src/errors.ts';
import { WriteFailure, type PemsRecord, type PemsRequestEvent } from '../../src/pems/index.ts';
import { verdictOfRead, verdictOfWrite } from './failures.ts';
import { screenRead } from './reads.ts';
import { exchangeOf, type Work } from './work.ts';
import type { PushWorld } from './world.ts';

/** Maximum number of reads in a row while the mirror holds newer content than the read. */
const mostReads = 5;

/**
 * Reads a record, plans the write and writes the change. The plan returns contradicting keys to their author and
 * commits the intent row. Returns whether the record must be read back. The caller has acquired two requests from the
 * rate limit, so that the write follows its read immediately.
 */
export async function writeChange(world: PushWorld, work: Work): Promise<boolean> {
  const { pems, organization, organizationId, pool, signal, mappers } = world;
  for (let reads = 1; reads <= mostReads; reads++) {
    let event: PemsRequestEvent | undefined;
    let record: PemsRecord | null;
    const readAt = await pems.clock();
    try {
      record = await pems.immediate.readRecord({
        organization,
        id: work.pfaId,
        clock: pems.clock,
        signal,
        onRequest: (told) => (event = told),
      });
    } catch (error) {
      if (!(error instanceof VanguardError)) throw error;
      const isOpen = await world.failed(error);
      await world.fail(work, verdictOfRead(error, isOpen), exchangeOf('read', event));
      return false;
    }
    await world.succeeded();
    const exchange = exchangeOf('read', event);
    if (record === null) {
      const message = 'The record no longer exists in PEMS.';
      await world.fail(work, { verdict: 'remove', waitMs: 0, message, readAt }, exchange);
      return false;
    }
    const [plan] = await planPush.run(
      { organizationId, ...work, read: screenRead(work, record, mappers), exchange },
      pool,
    );
    const { decision, writeTexts, sendBefore } = plan!;
    if (decision === 'write')
      return send(world, work, record, writeTexts as Record<string, string | null>, sendBefore!);
    if (decision !== 'read_again') return false;
    await pems.takeTurns(1, signal);
  }
  const message = 'Each read found the record changed again.';
  await world.fail(work, { verdict: 'wait', waitMs: 1000, message });
  return false;
}

async function send(
  world: PushWorld,
  work: Work,
  record: PemsRecord,
  changes: Record<string, string | null>,
  sendBefore: string,
): Promise<boolean> {
  const { pems, organization, organizationId, pool, signal, mappers } = world;
  const { values, problems } = mappers.screen.write(changes, record.values);
  if (problems.length > 0) {
    const message = problems.map((problem) => problem.message).join(' ');
    await world.fail(work, { verdict: 'refuse', waitMs: 0, message });
    return false;
  }
  let event: PemsRequestEvent | undefined;
  let echo: PemsRecord;
  try {
    echo = await pems.immediate.updateRecord({
      organization,
      id: work.pfaId,
      recordId: record.recordId,
      values,
      sendBefore,
      clock: pems.clock,
      signal,
      onRequest: (told) => (event = told),
    });
  } catch (error) {
    if (!(error instanceof WriteFailure)) throw error;
    const isOpen = await world.failed(error);
    await world.fail(work, verdictOfWrite(error, isOpen), exchangeOf('write', event));
    return false;
  }
  const [noted] = await notePushAnswer.run(
    {
      organizationId,
      ...work,
      answer: mappers.screen.read(echo.values).data,
      exchange: exchangeOf('write', event),
    },
    pool,
  );
  return noted!.isCurrent;
}
