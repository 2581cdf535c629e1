import pg from 'pg';
import { afterEach, expect, test } from 'vitest';
import { testDatabase } from '../../../support/database.ts';
import { makeOrganization, queueSync } from '../../../support/make.ts';

const db = await testDatabase();
const sessions: pg.Client[] = [];

/** A worker process, whose locks last as long as its session. */
async function session(): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: db.urls.worker });
  sessions.push(client);
  await client.connect();
  return client;
}

async function startWorker(poolId: string): Promise<pg.Client> {
  const client = await session();
  await client.query('select app_private.register_worker($1)', [poolId]);
  return client;
}

/** Ends a session and waits until the server has noticed, so that its locks are gone. */
async function kill(client: pg.Client) {
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
  sessions.splice(sessions.indexOf(client), 1);
  await client.end();
  const isThere = async () =>
    (await db.owner.query('select from pg_stat_activity where pid = $1', [rows[0]?.pid])).rows.length > 0;
  while (await isThere());
}

afterEach(async () => {
  for (const client of [...sessions]) await kill(client);
  await release();
});

async function release(client: Pick<pg.Client, 'query'> = db.worker): Promise<string[]> {
  const { rows } = await client.query<{ dead: string[] }>(
    'select app_private.release_dead_workers() as dead',
  );
  return rows[0]?.dead ?? [];
}

/** A job that the pool locked some time ago. */
async function lockJob(poolId: string, ago: string): Promise<number> {
  const org = await makeOrganization(db);
  await queueSync(db.worker, org);
  const { rows } = await db.worker.query<{ id: string }>(
    'select id from graphile_worker.jobs where queue_name = $1',
    [`sync:${org.id}`],
  );
  const id = Number(rows[0]?.id);
  await db.owner.query(
    `update graphile_worker._private_jobs set locked_by = $2, locked_at = clock_timestamp() - $3::interval where id = $1`,
    [id, poolId, ago],
  );
  await db.owner.query(
    `update graphile_worker._private_job_queues set locked_by = $2, locked_at = clock_timestamp() - $3::interval where queue_name = $1`,
    [`sync:${org.id}`, poolId, ago],
  );
  return id;
}

async function lockedBy(jobId: number): Promise<string | null> {
  const { rows } = await db.worker.query<{ locked_by: string | null }>(
    `select coalesce(j.locked_by, q.locked_by) as locked_by
    from graphile_worker._private_jobs j join graphile_worker._private_job_queues q on q.id = j.job_queue_id where j.id = $1`,
    [jobId],
  );
  return rows[0]?.locked_by ?? null;
}

test('releases the job and the queue of a killed worker, and removes it', async () => {
  const worker = await startWorker('killed');
  const job = await lockJob('killed', '1 second');
  await kill(worker);
  expect(await release()).toEqual(['killed']);
  expect(await lockedBy(job)).toBeNull();
  expect(await release()).toEqual([]);
});

test('leaves a live worker alone, however long its job takes', async () => {
  await startWorker('alive');
  const job = await lockJob('alive', '3 hours');
  expect(await release()).toEqual([]);
  expect(await lockedBy(job)).toBe('alive');
});

test('a worker that calls it in its own session is not dead', async () => {
  const worker = await startWorker('asking');
  const job = await lockJob('asking', '3 hours');
  expect(await release(worker)).toEqual([]);
  expect(await lockedBy(job)).toBe('asking');
});

test('a pool that was killed before it could register is dead after half a minute', async () => {
  const job = await lockJob('unregistered', '25 seconds');
  expect(await release()).toEqual([]);
  expect(await lockedBy(job)).toBe('unregistered');
  await db.owner.query(
    `update graphile_worker._private_jobs set locked_at = locked_at - interval '10 seconds' where id = $1`,
    [job],
  );
  expect(await release()).toEqual(['unregistered']);
  expect(await lockedBy(job)).toBeNull();
});

test('two workers may call it at once; each dead worker is returned once', async () => {
  await kill(await startWorker('killed'));
  const dead = await Promise.all([release(), release()]);
  expect(dead.flat()).toEqual(['killed']);
});

test('a worker that registers again under its name holds its lock', async () => {
  await startWorker('again');
  await db.worker.query('select from app_private.release_dead_workers()');
  const first = sessions[0];
  if (first) await first.query('select app_private.register_worker($1)', ['again']);
  expect(await release()).toEqual([]);
});
