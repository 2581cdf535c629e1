import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { one } from '../support/make.ts';
import { environmentOf } from '../support/environment.ts';
import { until } from '../support/until.ts';
import { encryptionKeys, mirrored, stagedRows, testWorld } from './world.ts';

const world = await testWorld({ KILLED: 30, STOPPED: 30 });
const { db } = world;
const children: ChildProcess[] = [];
afterAll(() => children.forEach((child) => child.kill('SIGKILL')));

/** A worker in a process of its own, as `vanguard worker` is. */
async function workerProcess(): Promise<ChildProcess> {
  const child = fork(fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url)), ['worker'], {
    execArgv: [],
    env: environmentOf({
      LOG_LEVEL: 'silent',
      DATABASE_URL: db.urls.owner,
      WORKER_DATABASE_URL: db.urls.worker,
      VANGUARD_SECRET: 'x'.repeat(32),
      VANGUARD_ENCRYPTION_KEYS: encryptionKeys,
    }),
  });
  children.push(child);
  const [message] = (await once(child, 'message')) as [{ type: string }];
  expect(message).toMatchObject({ type: 'ready' });
  return child;
}

const releaseDeadWorkers = async () =>
  one((await db.worker.query<{ dead: string[] }>('select app_private.release_dead_workers() as dead')).rows)
    .dead;

test('a worker killed in the middle of a run: another one does it again, and the lost run is closed', async () => {
  const organization = await world.organization('KILLED', { pageSize: 10 });
  const killed = await workerProcess();
  // The first page comes, the second does not.
  await world.fault({ kind: 'latency', ms: 0, count: 1 });
  await world.fault({ kind: 'latency', ms: 600_000, count: 1 });
  const { id } = await world.request(organization);
  await until('the second page is asked for', async () => (await world.faultHits()) === 2);
  expect(await stagedRows(db.owner, organization)).toBeGreaterThan(0);

  await world.startWorker({ releaseIntervalMs: 250 });
  // While it lives, nobody takes its job away.
  expect(await releaseDeadWorkers()).toEqual([]);
  expect(await world.runs(organization)).toMatchObject([{ id, state: 'running' }]);

  const began = performance.now();
  killed.kill('SIGKILL');
  const again = await until('the run is done again', async () =>
    (await world.runs(organization)).find(({ state }) => state === 'succeeded'),
  );
  // Ten seconds between looks is what a product's worker has; here it is a quarter of one.
  console.log(`A killed worker's run was done again after ${Math.round(performance.now() - began)} ms.`);
  expect(again).toMatchObject({ trigger: 'user', rows_read: 30, rows_inserted: 30 });
  expect(await world.runs(organization)).toMatchObject([
    { id, state: 'failed', error_code: 'WORKER_LOST' },
    { id: again.id, state: 'succeeded' },
  ]);
  const mirror = await world.mirror(organization);
  expect(mirror.map(({ data }) => data)).toEqual((await world.generated(organization)).map(mirrored));
  expect(await stagedRows(db.owner, organization)).toBe(0);
  const { rows } = await db.owner.query('select from app_private.worker_processes');
  expect(rows).toHaveLength(1);
});

test('a worker that is told to stop gives its job back at once, and the next one does it', async () => {
  const organization = await world.organization('STOPPED');
  await world.stopWorkers();
  await world.startWorker();
  await world.fault({ kind: 'hang', count: 1 });
  const { id } = await world.request(organization);
  await until('PEMS is asked', async () => (await world.faultHits()) === 1);
  await world.stopWorkers();

  expect(await world.runs(organization)).toMatchObject([
    { id, state: 'failed', error_code: 'WORKER_STOPPED' },
  ]);
  const { rows } = await db.owner.query<{ id: string; locked_at: Date | null; queue_locked_at: Date | null }>(
    `select j.id, j.locked_at, q.locked_at as queue_locked_at from graphile_worker._private_jobs j
    join graphile_worker._private_job_queues q on q.id = j.job_queue_id where q.queue_name = $1`,
    [`sync:${organization.id}`],
  );
  expect(rows).toMatchObject([{ locked_at: null, queue_locked_at: null }]);

  // The queue would wait some seconds.
  await db.owner.query('select graphile_worker.reschedule_jobs(array[$1::bigint], run_at => now())', [
    rows[0]?.id,
  ]);
  await world.startWorker();
  const again = await until('the run is done again', async () =>
    (await world.runs(organization)).find(({ state }) => state === 'succeeded'),
  );
  expect(again).toMatchObject({ trigger: 'user', rows_inserted: 30 });
  expect(await world.runs(organization)).toHaveLength(2);
});
