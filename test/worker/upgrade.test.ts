import { expect, test } from 'vitest';
import { until } from '../support/until.ts';
import { testWorld } from './world.ts';

// A newer version migrates the database while a worker of this version runs.

const world = await testWorld({ TICK: 3, JOB: 3 });
const { db } = world;
const migrate = () =>
  db.owner.query(
    "insert into graphile_migrate.migrations (hash, filename) values ('sha1:newer', '000999.sql')",
  );
const putBack = () => db.owner.query("delete from graphile_migrate.migrations where filename = '000999.sql'");

test('an idle worker notices at its next look, and says so', async () => {
  const organization = await world.organization('TICK');
  const worker = await world.startWorker({ releaseIntervalMs: 50 });
  await world.sync(organization);
  await migrate();
  expect(await worker.ended).toMatchObject({
    code: 'DATABASE_NEWER',
    message: expect.stringContaining('000999.sql') as string,
  });
  await world.stopWorkers();
  await putBack();
});

test('a job that comes before that is not started, and stays for a worker of the right version', async () => {
  const organization = await world.organization('JOB');
  const worker = await world.startWorker({ releaseIntervalMs: 3_600_000 });
  await migrate();
  const { id } = await world.request(organization);
  expect(await worker.ended).toMatchObject({ code: 'DATABASE_NEWER' });
  await world.stopWorkers();
  expect(await world.runs(organization)).toMatchObject([{ id, state: 'queued' }]);
  expect(await world.mirror(organization)).toEqual([]);

  await putBack();
  await db.owner.query(
    'select graphile_worker.reschedule_jobs(array_agg(id), run_at => now()) from graphile_worker.jobs where queue_name = $1',
    [`sync:${organization.id}`],
  );
  await world.startWorker();
  await until('it is done', async () => (await world.runs(organization))[0]?.state === 'succeeded');
});
