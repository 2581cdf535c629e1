import {
  beginProbe,
  lockPushes,
  pushGate,
  queueNextPush,
  queuePush,
  resumePushes,
  unlockPushes,
} from '../../sql/push/push.queries.ts';
import { VanguardError } from '../../src/errors.ts';
import type { TaskContext, WorkerTask } from '../context.ts';
import { openPems } from '../pems.ts';
import { pushChanges } from '../push/push.ts';
import { PushWorld } from '../push/world.ts';
import { recordMappers } from '../record-mappers.ts';

/** The organization to push, as app_private.queue_push creates it. */
interface Payload {
  organizationId: number;
}

/** Delay before the next attempt if another worker holds the lock, in milliseconds. */
const lockDelay = 2000;

/**
 * Writes the committed changes of an organization to PEMS. Only one worker at a time writes: the queue ensures this. A
 * lock covers a job that the queue reassigned while its worker was still alive. First resumes unfinished work of an
 * earlier job, and finally queues itself for the time of the next change.
 */
export const pfa__push: WorkerTask = (context) => async (payload, helpers) => {
  const { organizationId } = payload as Payload;
  const lost = new AbortController();
  const holder = await context.pool.connect();
  const onLoss = (error: Error) => lost.abort(error);
  holder.on('error', onLoss);
  let broken: Error | undefined;
  try {
    const [lock] = await lockPushes.run({ organizationId }, holder);
    if (!lock!.isOurs) {
      await queuePush.run({ organizationId, waitMs: lockDelay }, context.pool);
      return;
    }
    const signals = [lost.signal, helpers.abortSignal].filter((signal) => signal !== undefined);
    try {
      await push(context, organizationId, AbortSignal.any(signals));
    } finally {
      await unlockPushes.run({ organizationId }, holder).catch((error: Error) => (broken = error));
    }
  } finally {
    holder.off('error', onLoss);
    holder.release(broken ?? lost.signal.aborted);
  }
};

async function push(context: TaskContext, organizationId: number, signal: AbortSignal): Promise<void> {
  const { pool, logger, stopping } = context;
  const [resumed] = await resumePushes.run({ organizationId }, pool);
  if (resumed!.resumed > 0)
    logger.info({ organizationId, changes: resumed!.resumed }, 'goes on with changes that were left');
  const [gate] = await pushGate.run({ organizationId }, pool);
  if (!gate || ['paused', 'no_connection', 'connection_paused'].includes(gate.state)) return;
  let world: PushWorld;
  try {
    const pems = await openPems(context, organizationId, 'write');
    const mappers = await recordMappers(pool, organizationId, pems.connection);
    world = new PushWorld({ pool, organizationId, organization: gate.organization, pems, mappers, signal });
  } catch (error) {
    if (!(error instanceof VanguardError)) throw error;
    // An administrator must fix the cause; until then nothing is lost, and each attempt would fail alike.
    logger.error(
      { organizationId, code: error.code, hint: error.hint },
      `Nothing is written: ${error.message}`,
    );
    throw error;
  }
  if (gate.state === 'open' || (await probe(world, context))) await pushChanges(world, stopping);
  signal.throwIfAborted();
  await queueNextPush.run({ organizationId }, pool);
}

/** Tests whether the connection works again: one job does it for all that wait, when the test is due. */
async function probe(world: PushWorld, { pool, logger }: TaskContext): Promise<boolean> {
  const { pems, organization, signal } = world;
  const [turn] = await beginProbe.run({ apiConfigurationId: pems.apiConfigurationId }, pool);
  if (!turn!.isOurs) return false;
  try {
    await pems.takeTurns(1, signal);
    await pems.immediate.testConnection({ organization, signal });
    await world.succeeded();
    logger.info({ connection: pems.apiConfigurationId }, 'PEMS works again');
    return true;
  } catch (error) {
    if (!(error instanceof VanguardError)) throw error;
    await world.failed(error);
    logger.warn(
      { connection: pems.apiConfigurationId, code: error.code },
      `PEMS does not work yet: ${error.message}`,
    );
    return false;
  }
}
