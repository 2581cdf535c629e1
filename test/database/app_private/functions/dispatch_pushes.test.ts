import { beforeEach, expect, test } from 'vitest';
import { commitChange } from '../../../support/ask.ts';
import { makeConnection } from '../../../support/connections.ts';
import { testDatabase } from '../../../support/database.ts';
import { makeMember, makeOrganization, one, putRecords, type Organization } from '../../../support/make.ts';

// Tests which organizations get a push job, and for which time.

const db = await testDatabase();
let org: Organization;
let anna: number;
let connection: string;

beforeEach(async () => {
  await db.owner.query('update app_public.organizations set is_active = false'); // the other tests'
  org = await makeOrganization(db);
  connection = await makeConnection(db, org);
  anna = await makeMember(db, org);
  await putRecords(
    db,
    org,
    ['a', 'b'].map((pfaId) => ({ pfaId, category: 'Old' })),
  );
});

const commit = (pfaId: string) =>
  db.asUser(anna, (client) => commitChange(client, org, pfaId, { category: `New ${pfaId}` }), {
    commit: true,
  });
const begin = async () =>
  void (await db.worker.query('select from app_private.begin_pushes($1, 1)', [org.id]));
const loseJob = () => db.owner.query('select graphile_worker.remove_job($1)', [`push:${org.id}`]);
async function jobs() {
  const { rows } = await db.owner.query<{ wait: number; queue: string }>(
    `select greatest(0, ceil(extract(epoch from run_at - clock_timestamp())))::integer as wait, queue_name as queue
    from graphile_worker.jobs where task_identifier = 'pfa__push' and key = $1`,
    [`push:${org.id}`],
  );
  return rows;
}
const ask = async <T>(sql: string, values: unknown[] = []) =>
  one((await db.worker.query<{ result: T }>(`select ${sql} as result`, values)).rows).result;
const dispatch = () => ask<number>('app_private.dispatch_pushes()');
const next = () => ask<Date | null>('app_private.queue_next_push($1)', [org.id]);

test('commits queue a single job for their organization', async () => {
  await commit('a');
  await commit('b');
  expect(await jobs()).toEqual([{ wait: 0, queue: `push:${org.id}` }]);
  expect(await dispatch()).toBe(0);
});

test('queues a lost job again, and nothing if no change waits', async () => {
  expect(await dispatch()).toBe(0);
  await commit('a');
  await loseJob();
  expect(await dispatch()).toBe(1);
  expect(await jobs()).toHaveLength(1);
});

test('a job that has failed for good does not count', async () => {
  await commit('a');
  await db.owner.query(`update graphile_worker._private_jobs set attempts = max_attempts where key = $1`, [
    `push:${org.id}`,
  ]);
  expect(await dispatch()).toBe(1);
});

test('a job in its last attempt counts', async () => {
  await commit('a');
  await db.owner.query(
    `update graphile_worker._private_jobs set attempts = max_attempts, locked_at = now(), locked_by = 'a worker' where key = $1`,
    [`push:${org.id}`],
  );
  expect(await dispatch()).toBe(0);
});

test('queues a lost job again for a change that is being written', async () => {
  await commit('a');
  await begin();
  await loseJob();
  expect(await dispatch()).toBe(1);
});

test.each([
  ['paused organizations', () => db.worker.query('select app_private.set_push_pause($1, true)', [org.id])],
  [
    'a paused connection',
    () => db.worker.query('select app_private.set_connection_pause($1, true)', [connection]),
  ],
  [
    'a connection that only reads',
    () =>
      db.owner.query("update app_public.api_configurations set operation_type = 'read' where id = $1", [
        connection,
      ]),
  ],
  [
    'an organization that is switched off',
    () => db.owner.query('update app_public.organizations set is_active = false where id = $1', [org.id]),
  ],
  [
    'an open breaker before its probe is due',
    () => db.worker.query("select app_private.note_pems_failure($1, 'X', 'X', true)", [connection]),
  ],
])('queues nothing for %s', async (_, stop) => {
  await commit('a');
  await loseJob();
  await stop();
  expect(await dispatch()).toBe(0);
  expect(await jobs()).toEqual([]);
});

test('queues a job for an open breaker with a due probe', async () => {
  await commit('a');
  await loseJob();
  await db.worker.query("select app_private.note_pems_failure($1, 'X', 'X', true)", [connection]);
  await db.owner.query(
    'update app_private.pems_state set next_probe_at = clock_timestamp() where api_configuration_id = $1',
    [connection],
  );
  expect(await dispatch()).toBe(1);
});

test('the next push is due with the first waiting change, not before the probe, and never while paused', async () => {
  expect(await next()).toBeNull();
  await commit('a');
  await db.owner.query(
    "update app_core.pfa_modification set retry_at = clock_timestamp() + interval '20 seconds' where organization_id = $1 and state = 'committed'",
    [org.id],
  );
  await loseJob();
  expect(await next()).not.toBeNull();
  expect((await jobs())[0]?.wait).toBe(20);
  // Work that is due now does not wait for work that is due later.
  await commit('b');
  expect((await jobs())[0]?.wait).toBe(0);
  await loseJob();
  await db.worker.query("select app_private.note_pems_failure($1, 'X', 'X', true)", [connection]);
  await next();
  expect((await jobs())[0]?.wait).toBe(2);
  await loseJob();
  await db.worker.query('select app_private.set_push_pause($1, true)', [org.id]);
  expect(await next()).toBeNull();
  expect(await jobs()).toEqual([]);
});

test('a job for later does not replace a job that is due earlier', async () => {
  await commit('a');
  await ask("app_private.queue_push($1, clock_timestamp() + interval '60 seconds')", [org.id]);
  expect((await jobs())[0]?.wait).toBe(0);
});

const retryIn = (seconds: number, state: string) =>
  db.owner.query(
    "update app_core.pfa_modification set retry_at = clock_timestamp() + $2 * interval '1 second' where organization_id = $1 and state = $3",
    [org.id, seconds, state],
  );
const alsoModel = () =>
  db.asUser(anna, (client) => commitChange(client, org, 'a', { model: 'M' }), { commit: true });

test('for one record, the change that is being written comes first', async () => {
  await commit('a');
  await begin();
  await retryIn(40, 'syncing');
  await alsoModel();
  await loseJob();
  await next();
  expect((await jobs())[0]?.wait).toBe(40);
});

test('for one record, the first commit comes first', async () => {
  await commit('a');
  await retryIn(40, 'committed');
  await alsoModel();
  await loseJob();
  await next();
  expect((await jobs())[0]?.wait).toBe(40);
});
