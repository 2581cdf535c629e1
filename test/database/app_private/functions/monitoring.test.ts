import { expect, test } from 'vitest';
import { testDatabase } from '../../../support/database.ts';
import { makeOrganization, one, putRecords } from '../../../support/make.ts';

const db = await testDatabase();

interface Monitoring {
  queue: Record<string, string | number>[];
  workers: number;
  organizations: Record<string, string | number | null>[];
}

const read = async (as = db.authenticator): Promise<Monitoring> => {
  const { rows } = await as.query<{ monitoring: Monitoring }>(
    'select app_private.monitoring() as monitoring',
  );
  return one(rows).monitoring;
};

test('on a new database there is nothing to tell', async () => {
  expect(await read()).toEqual({ queue: [], workers: 0, organizations: [] });
});

test('jobs are told apart by task and state', async () => {
  const add = (task: string, key: string, more = '') =>
    db.owner.query(`select graphile_worker.add_job('${task}', job_key => '${key}'${more})`);
  await add('a', 'ready', ", run_at => clock_timestamp() - interval '90 seconds'");
  await add('a', 'younger');
  await add('a', 'later', ", run_at => clock_timestamp() + interval '1 hour'");
  await add('a', 'locked', ", run_at => clock_timestamp() - interval '1 hour'");
  await add('b', 'failed', ", run_at => clock_timestamp() - interval '1 hour'");
  await db.owner.query(
    "update graphile_worker._private_jobs set locked_at = clock_timestamp(), locked_by = 'w' where key = 'locked'",
  );
  await db.owner.query(
    "update graphile_worker._private_jobs set attempts = max_attempts where key = 'failed'",
  );
  const { queue } = await read();
  expect(queue).toEqual([
    {
      task: 'a',
      ready: 2,
      scheduled: 1,
      locked: 1,
      failed: 0,
      oldest_ready_seconds: expect.any(Number) as number,
    },
    { task: 'b', ready: 0, scheduled: 0, locked: 0, failed: 1, oldest_ready_seconds: 0 },
  ]);
  expect(queue[0]?.oldest_ready_seconds).toBeGreaterThanOrEqual(90);
  expect(queue[0]?.oldest_ready_seconds).toBeLessThan(3600);
});

test('an organization has the age of its mirror, and how its last run that ended went', async () => {
  const org = await makeOrganization(db, 'RIO');
  await makeOrganization(db, 'NEW');
  const off = await makeOrganization(db, 'OFF');
  await db.owner.query('update app_public.organizations set is_active = false where id = $1', [off.id]);
  await putRecords(db, org, [{ pfaId: 'r1', contract: 'secret content' }]);
  await db.owner.query(
    "update app_public.pfa_sync_log set started_at = started_at - interval '1 hour', finished_at = finished_at - interval '1 hour'",
  );
  await db.owner.query(
    `insert into app_public.pfa_sync_log (organization_id, trigger, state, started_at, finished_at, error_code, error_message)
    values ($1, 'schedule', 'failed', now() - interval '20 seconds', now() - interval '10 seconds', 'PEMS_TIMEOUT', 'secret words')`,
    [org.id],
  );
  // One that goes on says nothing yet.
  await db.owner.query(
    "insert into app_public.pfa_sync_log (organization_id, trigger, state, started_at) values ($1, 'user', 'running', now())",
    [org.id],
  );
  const answer = await read();
  const never = {
    mirror_age_seconds: null,
    last_outcome: null,
    last_ended_at: null,
    last_duration_seconds: null,
  };
  expect(answer.organizations).toEqual([
    { organization: 'NEW', ...never },
    {
      organization: 'RIO',
      mirror_age_seconds: expect.any(Number) as number,
      last_outcome: 'failed',
      last_ended_at: expect.any(Number) as number,
      last_duration_seconds: 10,
    },
  ]);
  expect(answer.organizations[1]?.mirror_age_seconds).toBeGreaterThanOrEqual(3600);
  expect(Number(answer.organizations[1]?.last_ended_at)).toBeGreaterThan(Date.now() / 1000 - 60);
  expect(JSON.stringify(answer)).not.toContain('secret');
});

test('nobody but the server may ask', async () => {
  await expect(read(db.worker)).rejects.toMatchObject({ code: '42501' });
  await expect(
    db.asVisitor({}, (client) => client.query('select app_private.monitoring()')),
  ).rejects.toMatchObject({ code: '42501' });
});
