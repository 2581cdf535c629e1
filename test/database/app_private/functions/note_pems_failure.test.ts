import { expect, test } from 'vitest';
import { commitChange } from '../../../support/ask.ts';
import { makeConnection } from '../../../support/connections.ts';
import { testDatabase } from '../../../support/database.ts';
import { makeMember, makeOrganization, one, putRecords } from '../../../support/make.ts';

// Tests the circuit breaker of a connection: what opens, probes and closes it, and the queuing of waiting changes
// afterwards.

const db = await testDatabase();

/** An organization with its own connection and one committed change that waits. */
async function project() {
  const org = await makeOrganization(db);
  const id = await makeConnection(db, org);
  const anna = await makeMember(db, org);
  await putRecords(db, org, [{ pfaId: 'a', category: 'Old' }]);
  await db.asUser(anna, (client) => commitChange(client, org, 'a', { category: 'New' }), { commit: true });
  const ask = async <T>(sql: string, values: unknown[] = [id]) =>
    one((await db.worker.query<{ result: T }>(`select ${sql} as result`, values)).rows).result;
  return {
    ...{ org, id, anna },
    fail: (code = 'PEMS_TIMEOUT', isFinal = false) =>
      ask<boolean>('app_private.note_pems_failure($1, $2, $3, $4)', [id, code, `${code}, in words`, isFinal]),
    state: async () =>
      one(
        (
          await db.owner.query<{
            opened_at: Date | null;
            error_code: string | null;
            error_message: string | null;
          }>(
            'select opened_at, error_code, error_message from app_private.pems_state where api_configuration_id = $1',
            [id],
          )
        ).rows,
      ),
    succeed: () => ask('app_private.note_pems_success($1)'),
    probe: () => ask<boolean>('app_private.begin_probe($1)'),
    gate: async () =>
      one(
        (
          await db.worker.query<{ state: string; wait: number | null }>(
            'select state, ceil(extract(epoch from until - clock_timestamp()))::integer as wait from app_private.push_gate($1)',
            [org.id],
          )
        ).rows,
      ),
    /** The next probe is due. */
    pass: () =>
      db.owner.query(
        'update app_private.pems_state set next_probe_at = clock_timestamp() where api_configuration_id = $1',
        [id],
      ),
    forgetJobs: () => db.owner.query('select graphile_worker.remove_job($1)', [`push:${org.id}`]),
    jobs: async () =>
      (
        await db.owner.query<{ wait: number }>(
          'select greatest(0, ceil(extract(epoch from run_at - clock_timestamp())))::integer as wait from graphile_worker.jobs where key = $1',
          [`push:${org.id}`],
        )
      ).rows.map(({ wait }) => wait),
  };
}

test('the fifth failure in a row opens the breaker, and a success in between resets the count', async () => {
  const { fail, succeed, gate } = await project();
  for (let i = 0; i < 4; i++) expect(await fail()).toBe(false);
  await succeed();
  for (let i = 0; i < 4; i++) expect(await fail()).toBe(false);
  expect(await gate()).toEqual({ state: 'open', wait: null });
  expect(await fail()).toBe(true);
  expect(await gate()).toEqual({ state: 'breaker_open', wait: 2 });
});

test('a final failure opens it at once, also after others, and gives the reason', async () => {
  const { fail, state } = await project();
  expect(await fail()).toBe(false);
  expect(await fail('PEMS_UNAUTHORIZED', true)).toBe(true);
  expect(await state()).toMatchObject({
    opened_at: expect.any(Date) as Date,
    error_code: 'PEMS_UNAUTHORIZED',
    error_message: 'PEMS_UNAUTHORIZED, in words',
  });
});

test('an open breaker stays open after more failures, with its opening time and the newest reason', async () => {
  const { fail, state, gate } = await project();
  await fail('PEMS_UNAUTHORIZED', true);
  const { opened_at } = await state();
  expect(await fail('PEMS_TIMEOUT')).toBe(true);
  expect(await gate()).toMatchObject({ state: 'breaker_open' });
  expect(await state()).toEqual({
    opened_at,
    error_code: 'PEMS_TIMEOUT',
    error_message: 'PEMS_TIMEOUT, in words',
  });
});

test('one caller at a time probes it, after 2, 4, 8, ... seconds, at most two minutes apart', async () => {
  const { fail, probe, pass, gate } = await project();
  await fail('PEMS_UNREACHABLE', true);
  expect(await probe()).toBe(false);
  const waits: (number | null)[] = [];
  for (let i = 0; i < 8; i++) {
    await pass();
    const probes = await Promise.all([probe(), probe(), probe()]);
    expect(probes.filter(Boolean)).toHaveLength(1);
    await fail('PEMS_UNREACHABLE', true);
    waits.push((await gate()).wait);
  }
  expect(waits).toEqual([4, 8, 16, 32, 64, 120, 120, 120]);
});

test('a success closes it, clears the reason and queues the waiting changes, if any', async () => {
  const { fail, succeed, gate, state, forgetJobs, jobs } = await project();
  await forgetJobs();
  await succeed();
  expect(await jobs()).toEqual([]);
  // Also after a few earlier failures.
  await fail();
  await succeed();
  expect(await jobs()).toEqual([]);
  await fail('PEMS_UNREACHABLE', true);
  await succeed();
  expect(await gate()).toEqual({ state: 'open', wait: null });
  expect(await state()).toEqual({ opened_at: null, error_code: null, error_message: null });
  expect(await jobs()).toEqual([0]);
});

test('changes that are being written count as waiting', async () => {
  const { org, fail, succeed, forgetJobs, jobs } = await project();
  await db.worker.query('select from app_private.begin_pushes($1, 1)', [org.id]);
  await forgetJobs();
  await fail('PEMS_UNREACHABLE', true);
  await succeed();
  expect(await jobs()).toEqual([0]);
});

test('after reopening, the first probe is as early as before', async () => {
  const { fail, succeed, probe, pass, gate } = await project();
  await fail('PEMS_UNREACHABLE', true);
  for (let i = 0; i < 3; i++) {
    await pass();
    await probe();
  }
  await succeed();
  await fail('PEMS_UNREACHABLE', true);
  expect(await gate()).toEqual({ state: 'breaker_open', wait: 2 });
});

test('queues only organizations that use the connection', async () => {
  const [ours, theirs] = [await project(), await project()];
  // For an organization that uses the connection as well and has no changes to write.
  const idle = await makeOrganization(db);
  await db.owner.query(
    `insert into app_public.data_source_mappings (id, entity_type, organization_id, api_configuration_id) values ($1, 'pfa', $2, $3)`,
    [`idle-${idle.id}`, idle.id, ours.id],
  );
  await ours.fail('PEMS_UNREACHABLE', true);
  await ours.forgetJobs();
  await theirs.forgetJobs();
  await ours.succeed();
  expect(await ours.jobs()).toEqual([0]);
  expect(await theirs.jobs()).toEqual([]);
  const { rows } = await db.owner.query('select from graphile_worker.jobs where key = $1', [
    `push:${idle.id}`,
  ]);
  expect(rows).toEqual([]);
});

test('a successful run or test of the connection closes it; a failed one does not', async () => {
  const { id, fail, gate } = await project();
  await fail('PEMS_UNREACHABLE', true);
  const note = (error: string | null) =>
    db.worker.query('select app_private.note_connection_result($1, null, $2)', [id, error]);
  await note('It does not work.');
  expect((await gate()).state).toBe('breaker_open');
  await note(null);
  expect((await gate()).state).toBe('open');
});

test('a re-entered connection is tried at once, and keeps its pause', async () => {
  const { fail, gate, id, forgetJobs, jobs } = await project();
  await fail('PEMS_UNAUTHORIZED', true);
  await forgetJobs();
  await db.owner.query('select app_private.connection_renewed($1)', [id]);
  expect(await gate()).toEqual({ state: 'open', wait: null });
  expect(await jobs()).toEqual([0]);
  await db.owner.query('select app_private.set_connection_pause($1, true)', [id]);
  await fail('PEMS_UNAUTHORIZED', true);
  await db.owner.query('select app_private.connection_renewed($1)', [id]);
  expect((await gate()).state).toBe('connection_paused');
  await db.owner.query('select app_private.set_connection_pause($1, false)', [id]);
  expect((await gate()).state).toBe('open');
});

test('each connection has a separate breaker', async () => {
  const [ours, theirs] = [await project(), await project()];
  await ours.fail('PEMS_UNREACHABLE', true);
  expect((await theirs.gate()).state).toBe('open');
});
