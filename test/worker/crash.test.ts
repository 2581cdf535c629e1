import { once } from 'node:events';
import { expect, test } from 'vitest';
import { withClient } from '../../src/database/bootstrap.ts';
import { urlTo } from '../../src/database/roles.ts';
import { untilBlocked } from '../support/ask.ts';
import { one } from '../support/make.ts';
import { until } from '../support/until.ts';
import { workerProcess } from './process.ts';
import { mirrored, stagedRows, testWorld } from './world.ts';

const phases = ['BEGIN', 'READ', 'COPY', 'STAGED', 'MERGE', 'DONE'] as const;
const crowd = ['A', 'B', 'C', 'D', 'E', 'F'].map((letter) => `CROWD${letter}`);
const world = await testWorld({
  ...{ KILLED: 30, STOPPED: 30, ORPHAN: 5, MANY: 5, VALUESA: 1, VALUESB: 1, VALUESC: 1 },
  ...Object.fromEntries([...phases, ...crowd].map((code) => [code, 12])),
});
const { db } = world;
const releaseDeadWorkers = async () =>
  one((await db.worker.query<{ dead: string[] }>('select app_private.release_dead_workers() as dead')).rows)
    .dead;

test('a worker is killed in the middle of a run: another one repeats it, and the lost run is closed', async () => {
  const organization = await world.organization('KILLED', { pageSize: 10 });
  const { child: killed } = await workerProcess(db);
  // The first page and the column names arrive, the second page does not.
  await world.fault({ kind: 'latency', ms: 0, count: 2 });
  await world.fault({ kind: 'latency', ms: 600_000, count: 1 });
  const { id } = await world.request(organization);
  await until('the second page is asked for', async () => (await world.faultHits()) === 3);
  await until('the first page is staged', async () => (await stagedRows(db.owner, organization)) > 0);

  await world.startWorker({ releaseIntervalMs: 250 });
  // While the worker lives, no other worker takes its job.
  expect(await releaseDeadWorkers()).toEqual([]);
  expect(await world.runs(organization)).toMatchObject([{ id, state: 'running' }]);

  const began = performance.now();
  killed.kill('SIGKILL');
  const again = await until('the run is done again', async () =>
    (await world.runs(organization)).find(({ state }) => state === 'succeeded'),
  );
  // A worker of the product looks every ten seconds, this one every quarter of a second.
  console.log(`A killed worker's run was done again after ${Math.round(performance.now() - began)} ms.`);
  expect(again).toMatchObject({ trigger: 'user', rows_read: 30, rows_inserted: 30 });
  expect(await world.runs(organization)).toMatchObject([
    { id, state: 'failed', error_code: 'WORKER_LOST' },
    { id: again.id, state: 'succeeded' },
  ]);
  const mirror = await world.mirror(organization);
  expect(mirror.map(({ data }) => data)).toEqual((await world.generated(organization)).map(mirrored));
  expect(await stagedRows(db.owner, organization)).toBe(0);
  expect(await processes()).toBe(1);
});

test('a stopping worker releases its job at once, and the next one does it', async () => {
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

test('a worker that stops while it lists the values to search releases the rest, and the next one does it', async () => {
  await world.stopWorkers();
  const codes = ['VALUESA', 'VALUESB', 'VALUESC'];
  const stale = async () => (await db.owner.query('select from app_private.pfa_search_stale')).rows.length;
  for (const code of codes) await world.organization(code);
  await db.owner.query('delete from app_private.pfa_search_stale');
  await db.owner.query(
    'select app_private.queue_refresh(id) from app_public.organizations where code = any ($1)',
    [codes],
  );
  await db.owner.query(
    "update graphile_worker._private_jobs set run_at = now() where key = 'summaries:refresh'",
  );
  const letGo = await holding('lock table app_private.pfa_search_stale in exclusive mode', []);
  await world.startWorker();
  await untilBlocked(db);
  const stopped = world.stopWorkers();
  await letGo();
  await stopped;
  expect(await stale()).toBe(codes.length - 1);

  await world.startWorker();
  await until('the rest is done', async () => (await stale()) === 0);
});

/** Holds locks in its own transaction until it is released. */
async function holding(sql: string, values: unknown[]): Promise<() => Promise<void>> {
  const client = await db.owner.connect();
  await client.query('begin');
  await client.query(sql, values);
  return async () => {
    await client.query('rollback');
    client.release();
  };
}

const endWorkersSessions = () =>
  withClient(urlTo(db.superuserUrl, 'postgres'), (client) =>
    client.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and usename = 'vanguard_worker' and wait_event_type = 'Lock'",
      [db.name],
    ),
  );

const processes = async () =>
  (await db.owner.query('select distinct backend_pid from app_private.worker_processes')).rows.length;

const jobs = async ({ id }: { id: number }) =>
  (await db.owner.query('select from graphile_worker.jobs where queue_name = $1', [`sync:${id}`])).rows
    .length;

const lockRun = 'select from app_public.pfa_sync_log where organization_id = $1 for update';
/** Where a run stops in each phase. The database still completes the statement of the killed worker, once. */
const stops: Record<(typeof phases)[number], { lock?: string; lost: boolean }> = {
  BEGIN: { lock: lockRun, lost: false },
  READ: { lost: true },
  COPY: { lock: 'lock table app_private.pfa_staging in share mode', lost: true },
  STAGED: { lock: lockRun, lost: true },
  MERGE: { lock: "select pg_advisory_xact_lock(hashtext('pfa_mirror removals'), $1)", lost: false },
  DONE: {
    lock: `select from graphile_worker._private_jobs j join graphile_worker._private_job_queues q on q.id = j.job_queue_id
      where q.queue_name = 'sync:' || $1::integer for update of j`,
    lost: false,
  },
};

test.each(phases)(
  'killed in the phase %s: the run is done once, by another worker if necessary, and leaves nothing behind',
  async (phase) => {
    await world.stopWorkers();
    const organization = await world.organization(phase);
    const { id } = await world.request(organization);
    const { lock, lost } = stops[phase];
    const hold = () => (lock ? holding(lock, lock.includes('$1') ? [organization.id] : []) : undefined);
    let letGo = phase === 'BEGIN' ? await hold() : undefined;
    await world.fault({ kind: 'latency', ms: 600_000, count: 1 });
    const { child: killed } = await workerProcess(db);
    if (phase !== 'BEGIN') {
      await until('PEMS is asked', async () => (await world.faultHits()) === 1);
      if (phase !== 'READ') {
        letGo = await hold();
        await world.control('DELETE', '/faults');
      }
    }
    if (letGo) await untilBlocked(db);

    killed.kill('SIGKILL');
    await world.control('DELETE', '/faults');
    // The session ends before the worker reports to the queue; otherwise no work would remain.
    if (phase === 'DONE') await endWorkersSessions();
    // The cleanup after it waits for these locks, too.
    const early = phase === 'COPY' || phase === 'DONE';
    if (early) await letGo?.();
    await world.startWorker({ releaseIntervalMs: 100 });
    await until('the killed worker is off the list', async () => (await processes()) === 1);
    if (!early) await letGo?.();
    await until('its job is done', async () => (await jobs(organization)) === 0);

    const runs = await world.runs(organization);
    expect(runs.map(({ state, error_code }) => [state, error_code])).toEqual(
      lost
        ? [
            ['failed', 'WORKER_LOST'],
            ['succeeded', null],
          ]
        : [['succeeded', null]],
    );
    expect(runs[0]?.id).toBe(id);
    expect(runs.at(-1)).toMatchObject({ rows_read: 12, rows_inserted: 12 });
    expect((await world.mirror(organization)).map(({ data }) => data)).toEqual(
      (await world.pems(organization)).map(mirrored),
    );
    expect(await stagedRows(db.owner, organization)).toBe(0);
  },
);

test('a run without a job is closed when its worker is gone, and not before, however old it is', async () => {
  await world.stopWorkers();
  const organization = await world.organization('ORPHAN');
  await world.fault({ kind: 'latency', ms: 600_000, count: 1 });
  const { child: killed } = await workerProcess(db);
  const { id } = await world.request(organization);
  await until('PEMS is asked', async () => (await world.faultHits()) === 1);
  await db.owner.query(
    `delete from graphile_worker._private_jobs j using graphile_worker._private_job_queues q
    where q.id = j.job_queue_id and q.queue_name = $1`,
    [`sync:${organization.id}`],
  );
  await db.owner.query(
    "update app_public.pfa_sync_log set started_at = started_at - interval '1 day' where organization_id = $1",
    [organization.id],
  );
  await releaseDeadWorkers();
  expect(await world.runs(organization)).toMatchObject([{ id, state: 'running' }]);

  killed.kill('SIGKILL');
  await world.startWorker({ releaseIntervalMs: 100 });
  await until('it is closed', async () => one(await world.runs(organization)).state === 'failed');
  expect(await world.runs(organization)).toMatchObject([{ id, error_code: 'WORKER_LOST' }]);
  expect(await stagedRows(db.owner, organization)).toBe(0);
  await world.control('DELETE', '/faults');
  expect(await world.sync(organization)).toMatchObject({ state: 'succeeded', rows_inserted: 5 });
});

test('ten workers at once, two of them killed: each run is done once, and all records arrive', async () => {
  await world.stopWorkers();
  const organizations = await Promise.all(crowd.map((code) => world.organization(code, { pageSize: 5 })));
  await world.fault({ kind: 'latency', ms: 10, probability: 1 });
  const [killed] = await Promise.all([
    Promise.all([workerProcess(db), workerProcess(db)]),
    ...Array.from({ length: 8 }, () => world.startWorker({ releaseIntervalMs: 100, concurrency: 2 })),
  ]);
  for (let round = 0; round < 4; round++) {
    const asked = await Promise.all(organizations.map((organization) => world.request(organization)));
    if (round === 1) for (const { child } of killed) child.kill('SIGKILL');
    await Promise.all(
      organizations.map((organization, i) =>
        until(`round ${round} of ${organization.code}`, async () => {
          const last = (await world.runs(organization)).at(-1);
          return last?.state === 'succeeded' && Number(last.id) >= Number(asked[i]?.id);
        }),
      ),
    );
  }
  await until('the killed ones are off the list', async () => (await processes()) === 8);
  for (const organization of organizations) {
    const runs = await world.runs(organization);
    // One run per request, and one more for each lost run.
    expect(runs.filter(({ state }) => state === 'succeeded')).toHaveLength(4);
    for (const { state, error_code } of runs) if (state === 'failed') expect(error_code).toBe('WORKER_LOST');
    expect(runs.filter(({ rows_inserted }) => rows_inserted > 0)).toHaveLength(1);
    expect((await world.mirror(organization)).map(({ data }) => data)).toEqual(
      (await world.pems(organization)).map(mirrored),
    );
    expect(await world.changes(organization)).toEqual([]);
    await until('no job is left', async () => (await jobs(organization)) === 0);
    expect(await stagedRows(db.owner, organization)).toBe(0);
  }
  const { rows } = await db.owner.query(
    'select task_identifier, last_error from graphile_worker.jobs where last_error is not null',
  );
  expect(rows).toEqual([]);
}, 40_000);

test('SIGTERM: a worker releases its job at once and exits with code 0', async () => {
  await world.stopWorkers();
  const organization = await world.organization('MANY');
  await world.fault({ kind: 'latency', ms: 600_000, count: 1 });
  const { child } = await workerProcess(db);
  await world.request(organization);
  await until('PEMS is asked', async () => (await world.faultHits()) === 1);
  child.kill('SIGTERM');
  const [code] = (await once(child, 'exit')) as [number | null];
  expect(code).toBe(0);
  expect(await world.runs(organization)).toMatchObject([{ state: 'failed', error_code: 'WORKER_STOPPED' }]);
  const { rows } = await db.owner.query(
    'select from graphile_worker._private_jobs where locked_by is not null',
  );
  expect(rows).toEqual([]);
  expect(await processes()).toBe(0);
});
