import { expect, test } from 'vitest';
import { testDatabase } from '../../../support/database.ts';
import { beginSyncRun, makeMember, makeOrganization, queueSync } from '../../../support/make.ts';

const db = await testDatabase();

async function jobs(organizationId: number) {
  const { rows } = await db.worker.query<Record<string, unknown>>(
    `select j.task_identifier, j.queue_name, j.key, p.payload
    from graphile_worker.jobs j join graphile_worker._private_jobs p on p.id = j.id
    where j.queue_name = $1 order by j.id`,
    [`sync:${organizationId}`],
  );
  return rows;
}

test('queues a run and its job in the queue of its organization', async () => {
  const org = await makeOrganization(db);
  const run = await queueSync(db.worker, org);
  expect(run).toMatchObject({
    organization_id: org.id,
    kind: 'full',
    trigger: 'command',
    state: 'queued',
    started_at: null,
  });
  expect(await jobs(org.id)).toEqual([
    {
      task_identifier: 'pfa__sync',
      queue_name: `sync:${org.id}`,
      key: `sync:${org.id}:${run.id}`,
      payload: { organizationId: org.id, runId: Number(run.id) },
    },
  ]);
});

test('joins a waiting run, and restores a lost job', async () => {
  const org = await makeOrganization(db);
  const run = await queueSync(db.worker, org);
  expect((await queueSync(db.worker, org)).id).toBe(run.id);
  expect(await jobs(org.id)).toHaveLength(1);
  await db.worker.query('select graphile_worker.remove_job($1)', [`sync:${org.id}:${run.id}`]);
  expect((await queueSync(db.worker, org)).id).toBe(run.id);
  expect(await jobs(org.id)).toHaveLength(1);
});

test('a request during a run queues another one', async () => {
  const org = await makeOrganization(db);
  const run = await queueSync(db.worker, org);
  await beginSyncRun(db.worker, org, run.id);
  expect((await queueSync(db.worker, org)).id).not.toBe(run.id);
  expect(await jobs(org.id)).toHaveLength(2);
});

test('simultaneous requests join each other', async () => {
  const org = await makeOrganization(db);
  const runs = await Promise.all(Array.from({ length: 4 }, () => queueSync(db.worker, org)));
  expect(new Set(runs.map(({ id }) => id)).size).toBe(1);
  expect(await jobs(org.id)).toHaveLength(1);
});

test('a request that is rolled back leaves no job', async () => {
  const org = await makeOrganization(db);
  await db.asWorker((client) => queueSync(client, org), { commit: false });
  expect(await jobs(org.id)).toEqual([]);
});

test('only the worker may execute it; users have request_sync', async () => {
  const org = await makeOrganization(db);
  const user = await makeMember(db, org, 'owner');
  await expect(db.asUser(user, (client) => queueSync(client, org))).rejects.toMatchObject({ code: '42501' });
});
