import { beforeEach, expect, test } from 'vitest';
import { testDatabase } from '../../../support/database.ts';
import {
  beginSyncRun,
  makeOrganization,
  mergeSyncRun,
  queueSync,
  type Organization,
} from '../../../support/make.ts';

const db = await testDatabase();

let org: Organization;
beforeEach(async () => {
  await db.owner.query('update app_public.organizations set is_active = false'); // the other tests'
  org = await makeOrganization(db);
  await db.owner.query(
    `insert into app_public.api_configurations (id, name, usage, url) values ('pems', 'PEMS', 'PEMS_PFA_READ', 'http://pems') on conflict do nothing`,
  );
  await db.owner.query(
    `insert into app_public.pems_settings (api_configuration_id, tenant) values ('pems', 'T') on conflict do nothing`,
  );
  await db.owner.query(
    `insert into app_public.data_source_mappings (id, entity_type, api_configuration_id) values ('pems', 'pfa', 'pems') on conflict do nothing`,
  );
});

async function dispatch(): Promise<number> {
  const { rows } = await db.worker.query<{ queued: number }>(
    'select app_private.dispatch_due_syncs() as queued',
  );
  return rows[0]?.queued ?? -1;
}

/** Lets time pass for every run of the organization. */
async function pass(time: string) {
  await db.owner.query(
    `update app_public.pfa_sync_log set requested_at = requested_at - $2::interval, started_at = started_at - $2::interval,
      finished_at = finished_at - $2::interval where organization_id = $1`,
    [org.id, time],
  );
}

async function lastRun() {
  const { rows } = await db.owner.query<{ id: string; state: string; trigger: string }>(
    'select id, state, trigger from app_public.pfa_sync_log where organization_id = $1 order by id desc limit 1',
    [org.id],
  );
  return rows[0];
}

async function succeed() {
  const run = await queueSync(db.worker, org);
  await beginSyncRun(db.worker, org, run.id);
  await mergeSyncRun(db.worker, org, run.id);
}

async function fail() {
  const run = await queueSync(db.worker, org);
  await beginSyncRun(db.worker, org, run.id);
  await db.worker.query("select app_private.fail_sync_run($1, $2, 'PEMS_DOWN', 'Down.', null)", [
    org.id,
    run.id,
  ]);
}

const schedule = (values: string) =>
  db.owner.query(
    `insert into app_private.pfa_sync_schedule (organization_id, every, paused_at) values ($1, ${values})`,
    [org.id],
  );

test('an organization without runs is due', async () => {
  expect(await dispatch()).toBe(1);
  expect(await lastRun()).toMatchObject({ state: 'queued', trigger: 'schedule' });
});

test('an organization is due again 15 minutes after a success', async () => {
  await succeed();
  await pass('14 minutes 55 seconds');
  expect(await dispatch()).toBe(0);
  await pass('10 seconds');
  expect(await dispatch()).toBe(1);
});

test('or after its own interval', async () => {
  await schedule("'2 hours', null");
  await succeed();
  await pass('1 hour 59 minutes');
  expect(await dispatch()).toBe(0);
  await pass('2 minutes');
  expect(await dispatch()).toBe(1);
});

test('after failures it is due sooner: after 1, 2, 4 minutes, and never later than its interval', async () => {
  for (const [before, after] of [
    ['55 seconds', '10 seconds'],
    ['1 minute 55 seconds', '10 seconds'],
    ['3 minutes 55 seconds', '10 seconds'],
  ] as const) {
    await fail();
    await pass(before);
    expect(await dispatch()).toBe(0);
    await pass(after);
    expect(await dispatch()).toBe(1);
  }
  for (let i = 0; i < 10; i++) await fail();
  await pass('14 minutes 55 seconds');
  expect(await dispatch()).toBe(0);
  await pass('10 seconds');
  expect(await dispatch()).toBe(1);
});

test('a success resets the count of failures', async () => {
  for (let i = 0; i < 5; i++) await fail();
  await succeed();
  await fail();
  await pass('1 minute 5 seconds');
  expect(await dispatch()).toBe(1);
});

test('leaves a running run alone, however long it takes', async () => {
  const run = await queueSync(db.worker, org);
  await beginSyncRun(db.worker, org, run.id);
  await pass('1 day');
  expect(await dispatch()).toBe(0);
});

test('a waiting run gets its job again after a minute, in case it was lost', async () => {
  const run = await queueSync(db.worker, org);
  const key = `sync:${org.id}:${run.id}`;
  const hasJob = async () =>
    (await db.worker.query('select from graphile_worker.jobs where key = $1', [key])).rows.length;
  await db.worker.query('select graphile_worker.remove_job($1)', [key]);
  expect(await dispatch()).toBe(0);
  expect(await hasJob()).toBe(0);
  await pass('61 seconds');
  expect(await dispatch()).toBe(1);
  expect(await hasJob()).toBe(1);
  expect(await lastRun()).toMatchObject({ id: run.id });
});

test('no run is due if the organization is paused, disabled, or not connected to a PEMS', async () => {
  await schedule("'15 minutes', now()");
  expect(await dispatch()).toBe(0);
  await db.owner.query('delete from app_private.pfa_sync_schedule');
  await db.owner.query('update app_public.organizations set is_active = false');
  expect(await dispatch()).toBe(0);
  await db.owner.query('update app_public.organizations set is_active = true where id = $1', [org.id]);
  await db.owner.query('update app_public.api_configurations set url = null');
  expect(await dispatch()).toBe(0);
  await db.owner.query("update app_public.api_configurations set url = 'http://pems'");
  expect(await dispatch()).toBe(1);
});

test('queues only due organizations, whatever the planner does', async () => {
  await succeed();
  for (const setting of ['enable_nestloop', 'enable_hashjoin', 'enable_mergejoin']) {
    const queued = await db.asWorker(async (client) => {
      await client.query(`set local ${setting} = off`);
      return (await client.query<{ n: number }>('select app_private.dispatch_due_syncs() as n')).rows[0]?.n;
    });
    expect(queued).toBe(0);
  }
  expect(await lastRun()).toMatchObject({ state: 'succeeded' });
});
