import { beginPushes } from '../../sql/push/push.queries.ts';
import { ReadBack } from './read-back.ts';
import type { Work } from './work.ts';
import type { PushWorld } from './world.ts';
import { writeChange } from './write.ts';

/** Longest time in which a job begins new changes, in milliseconds. After it, other organizations get the worker. */
const slice = 120_000;

/** Returns the maximum number of records in progress: as many as PEMS accepts in a few seconds. */
const mostUnderWay = (requestsPerSecond: number) =>
  Math.min(64, Math.max(4, Math.ceil(requestsPerSecond * 4)));

/**
 * Writes the due changes of an organization, in the order of commits. Writes overlap up to the rate limit of the
 * connection. Ends when no change is due, when the time of the job is over, or when `stopping` aborts; changes in
 * progress are finished first.
 */
export async function pushChanges(world: PushWorld, stopping: AbortSignal): Promise<void> {
  const { organizationId, pool, pems, signal } = world;
  const until = performance.now() + slice;
  const most = mostUnderWay(pems.connection.requestsPerSecond ?? 10);
  const underWay = new Set<Promise<void>>();
  const readBack = new ReadBack(world);
  let failure: unknown;
  let changed = Promise.withResolvers<void>();
  const wake = (error?: unknown) => {
    failure ??= error;
    changed.resolve();
    changed = Promise.withResolvers();
  };
  const onStop = () => wake();
  stopping.addEventListener('abort', onStop);
  const start = (work: Work) => {
    const task = writeChange(world, work)
      .then((isAnswered) => {
        if (isAnswered) readBack.add(work);
      })
      .then(
        () => undefined,
        (error: unknown) => error,
      )
      .then((error) => {
        underWay.delete(task);
        wake(error);
      });
    underWay.add(task);
  };

  try {
    let isIdle = false;
    for (;;) {
      const takesMore = failure === undefined && !stopping.aborted && performance.now() < until;
      if (takesMore && !isIdle && underWay.size < most) {
        const [work] = await beginPushes.run({ organizationId, most: 1 }, pool);
        isIdle = work === undefined;
        if (work?.step === 'read_back') readBack.add(work);
        else if (work) {
          await pems.takeTurns(2, signal);
          start(work);
        }
        readBack.next(false, wake);
        if (work) continue;
      }
      if (failure !== undefined && underWay.size === 0) break;
      readBack.next(underWay.size === 0, wake);
      if (underWay.size === 0 && readBack.isEmpty && (isIdle || !takesMore)) break;
      await sleepUntil(changed.promise, readBack.dueIn);
      // A written record may have another change that waited.
      isIdle = false;
    }
  } finally {
    stopping.removeEventListener('abort', onStop);
    await Promise.all(underWay);
    await readBack.done();
  }
  if (failure !== undefined) throw failure as Error;
}

async function sleepUntil(changed: Promise<void>, milliseconds: number): Promise<void> {
  if (milliseconds === Infinity) return changed;
  let timer: NodeJS.Timeout | undefined;
  const time = new Promise<void>((resolve) => (timer = setTimeout(resolve, milliseconds)));
  await Promise.race([changed, time]);
  clearTimeout(timer);
}
