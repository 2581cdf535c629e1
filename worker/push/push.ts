import { beginPushes } from '../../sql/push/push.queries.ts';
import { ReadBack } from './read-back.ts';
import type { Work } from './work.ts';
import type { PushWorld } from './world.ts';
import { writeChange } from './write.ts';

/** How long one job takes up new changes, in milliseconds: other organizations wait for their turn, too. */
const slice = 120_000;

/** How many records may be under way: what PEMS lets through in some seconds. */
const mostUnderWay = (requestsPerSecond: number) =>
  Math.min(64, Math.max(4, Math.ceil(requestsPerSecond * 4)));

/**
 * Writes what is due of an organization: in the order of commits, overlapping up to the rate of the connection. Ends when
 * nothing is due any more, when its time is over, or when `stopping`; what is under way is finished then.
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
      // A record that was written may have another change that waited for it.
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
