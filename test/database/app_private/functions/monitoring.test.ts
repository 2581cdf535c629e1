import { describe, expect, test } from 'vitest';
import { testDatabase } from '../../../support/database.ts';
import { makeMember, makeOrganization, one, putRecords, type Organization } from '../../../support/make.ts';

const db = await testDatabase();

type Row = Record<string, string | number | boolean | null | Record<string, number>>;

interface Monitoring {
  queue: Row[];
  workers: number;
  organizations: Row[];
  connections: Row[];
  rates: Row[];
}

const read = async (as = db.authenticator): Promise<Monitoring> => {
  const { rows } = await as.query<{ monitoring: Monitoring }>(
    'select app_private.monitoring() as monitoring',
  );
  return one(rows).monitoring;
};

test('is empty for a new database', async () => {
  expect(await read()).toEqual({ queue: [], workers: 0, organizations: [], connections: [], rates: [] });
});

test('counts jobs by task and state', async () => {
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

test('an organization shows the age of its mirror and the outcome of its last ended run', async () => {
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
  // A running run does not count yet.
  await db.owner.query(
    "insert into app_public.pfa_sync_log (organization_id, trigger, state, started_at) values ($1, 'user', 'running', now())",
    [org.id],
  );
  const answer = await read();
  const nothing = {
    mirror_overdue_seconds: null,
    sync_paused_seconds: 0,
    push_gate: 'no_connection',
    push_paused_seconds: 0,
    push_waiting: 0,
    push_writing: 0,
    push_uncertain: 0,
    push_oldest_seconds: 0,
    push_confirmed: 0,
    push_returned: 0,
    problem_drafts: 0,
    problem_oldest_seconds: 0,
    problems: { conflict: 0, refused: 0, altered: 0, failed: 0, removed: 0 },
  };
  const never = {
    ...nothing,
    mirror_age_seconds: null,
    last_outcome: null,
    last_ended_at: null,
    last_duration_seconds: null,
  };
  expect(answer.organizations).toEqual([
    { organization: 'NEW', ...never },
    {
      ...nothing,
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

describe('write-back', () => {
  /** An organization with a connection that reads and writes, and records a, b, ... to change. */
  const connected = async (code: string, { rate = 10, tenant = code, url = 'https://pems.example' } = {}) => {
    const org = await makeOrganization(db, code);
    const connection = `over-${code.toLowerCase()}`;
    await db.owner.query(
      `insert into app_public.api_configurations (id, organization_id, name, usage, url, operation_type)
      values ($1, $2, $1, 'PEMS_PFA_WRITE', $3, 'read-write')`,
      [connection, org.id, url],
    );
    await db.owner.query(
      'insert into app_public.pems_settings (api_configuration_id, tenant, date_order, requests_per_second) values ($1, $2, $3, $4)',
      [connection, tenant, 'MDY', rate],
    );
    await db.owner.query(
      `insert into app_public.data_source_mappings (entity_type, organization_id, api_configuration_id) values ('pfa', $1, $2)`,
      [org.id, connection],
    );
    await putRecords(
      db,
      org,
      ['a', 'b', 'c', 'd', 'e', 'f'].map((pfaId) => ({ pfaId, contract: 'secret content' })),
    );
    return { ...org, connection };
  };
  const modification = async (
    org: Organization,
    pfaId: string,
    state: string,
    secondsAgo: number,
    problems = {},
  ) => {
    await db.owner.query('alter table app_core.pfa_modification disable trigger user');
    const { rows } = await db.owner.query<{ id: string }>(
      `insert into app_core.pfa_modification
        (organization_id, user_id, pfa_id, delta, base, problems, state, commit_sequence, committed_at, settled_at, updated_at)
      select $1, $2, $3, '{"contract": "secret value"}', '{"contract": null}', $4, $5, case when t.is_committed then nextval('app_core.revision_seq') end,
        case when t.is_committed then t.at end, case when $5 = 'synced' then t.at end, t.at
      from (select $5 <> 'draft' as is_committed, clock_timestamp() - $6 * interval '1 second' as at) t
      returning id`,
      [org.id, await makeMember(db, org), pfaId, JSON.stringify(problems), state, secondsAgo],
    );
    await db.owner.query('alter table app_core.pfa_modification enable trigger user');
    return one(rows).id;
  };
  const intent = (org: Organization, id: string, attempt: number, outcome: string | null) =>
    db.owner.query(
      `insert into app_core.pfa_push_intent
        (organization_id, modification_id, attempt, read_values, read_at, write_values, send_before, quiet_at, outcome, settled_at)
      values ($1, $2, $3, '{}', now(), '{"contract": "secret value"}', now(), now(), $4::text, case when $4::text is not null then now() end)`,
      [org.id, id, attempt, outcome],
    );
  const of = async ({ code }: Organization) =>
    one((await read()).organizations.filter(({ organization }) => organization === code));

  test('counts committed changes by progress, with the age of the oldest', async () => {
    const org = await connected('STATES');
    await modification(org, 'a', 'synced', 9000);
    await modification(org, 'b', 'draft', 8000);
    await modification(org, 'c', 'committed', 300);
    await modification(org, 'd', 'committed', 20);
    await intent(org, await modification(org, 'e', 'syncing', 30), 1, null);
    const doubted = await modification(org, 'f', 'syncing', 40);
    await intent(org, doubted, 1, 'uncertain');
    await intent(org, doubted, 2, 'uncertain');
    const figures = await of(org);
    expect(figures).toMatchObject({
      push_gate: 'open',
      push_waiting: 2,
      push_writing: 2,
      push_uncertain: 1,
      problem_drafts: 0,
    });
    expect(figures.push_oldest_seconds).toBeGreaterThanOrEqual(300);
    expect(figures.push_oldest_seconds).toBeLessThan(400);
  });

  test('counts problems by kind and key, and drafts with problems', async () => {
    const org = await connected('PROBLEMS');
    await modification(org, 'a', 'draft', 900, {
      contract: { kind: 'conflict', theirs: 'secret' },
      model: { kind: 'refused', by: 'push', message: 'secret' },
    });
    await modification(org, 'b', 'draft', 500, { contract: { kind: 'conflict' } });
    await modification(org, 'c', 'draft', 9000);
    const figures = await of(org);
    expect(figures).toMatchObject({
      problem_drafts: 2,
      problems: { conflict: 2, refused: 1, altered: 0, failed: 0, removed: 0 },
    });
    expect(figures.problem_oldest_seconds).toBeGreaterThanOrEqual(900);
    expect(figures.problem_oldest_seconds).toBeLessThan(1000);
  });

  test('counts changes that were confirmed and returned within ten minutes', async () => {
    const org = await connected('RECENT');
    const told = (route: string, change: object, secondsAgo: number) =>
      db.owner.query(
        `insert into app_core.pfa_change (organization_id, pfa_id, route, changes, changed_at)
        values ($1, 'a', $2, $3, clock_timestamp() - $4 * interval '1 second')`,
        [org.id, route, JSON.stringify({ contract: { from: 'x', to: 'y', ...change } }), secondsAgo],
      );
    for (const age of [1, 300, 590]) await told('push', {}, age);
    for (const age of [2, 595]) await told('push', { problem: 'refused' }, age);
    await told('push', {}, 610);
    await told('push', { problem: 'refused' }, 610);
    await told('sync', {}, 1);
    expect(await of(org)).toMatchObject({ push_confirmed: 3, push_returned: 2 });
  });

  test('shows what blocks writing (a pause, the breaker, a paused connection), and since when', async () => {
    const org = await connected('HELD');
    const gate = async () => (await of(org)).push_gate;
    expect(await gate()).toBe('open');
    await db.worker.query('select app_private.set_push_pause($1, true)', [org.id]);
    await db.owner.query(
      "update app_private.pfa_push_pause set paused_at = paused_at - interval '1 hour' where organization_id = $1",
      [org.id],
    );
    const paused = await of(org);
    expect(paused.push_gate).toBe('paused');
    expect(paused.push_paused_seconds).toBeGreaterThanOrEqual(3600);
    await db.worker.query('select app_private.set_push_pause($1, false)', [org.id]);
    expect(await of(org)).toMatchObject({ push_gate: 'open', push_paused_seconds: 0 });

    const connection = async () =>
      one((await read()).connections.filter((row) => row.connection === org.connection));
    expect(await connection()).toEqual({
      connection: org.connection,
      is_breaker_open: false,
      breaker_open_seconds: 0,
      failures: 0,
      paused_seconds: 0,
    });
    await db.worker.query(
      "select app_private.note_pems_failure($1, 'PEMS_UNAUTHORIZED', 'secret words', true)",
      [org.connection],
    );
    expect(await gate()).toBe('breaker_open');
    expect(await connection()).toMatchObject({ is_breaker_open: true, failures: 1, paused_seconds: 0 });
    await db.worker.query('select app_private.note_pems_success($1)', [org.connection]);
    expect(await connection()).toMatchObject({ is_breaker_open: false, breaker_open_seconds: 0 });
    await db.worker.query('select app_private.set_connection_pause($1, true)', [org.connection]);
    await db.owner.query(
      "update app_private.pems_state set paused_at = paused_at - interval '1 hour' where api_configuration_id = $1",
      [org.connection],
    );
    expect(await gate()).toBe('connection_paused');
    expect((await connection()).paused_seconds).toBeGreaterThanOrEqual(3600);
  });

  test('a mirror is overdue by its own schedule; a paused one never is', async () => {
    const org = await connected('DUE');
    const overdue = async () => (await of(org)).mirror_overdue_seconds;
    expect(await overdue()).toBe(0);
    await db.owner.query(
      "update app_public.pfa_sync_log set finished_at = finished_at - interval '1 hour' where organization_id = $1",
      [org.id],
    );
    expect(await overdue()).toBeGreaterThanOrEqual(2700);
    expect(await overdue()).toBeLessThan(2800);
    await db.owner.query(
      "insert into app_private.pfa_sync_schedule (organization_id, every) values ($1, '2 hours')",
      [org.id],
    );
    expect(await overdue()).toBe(0);
    await db.owner.query(
      "update app_private.pfa_sync_schedule set every = '15 minutes', paused_at = now() - interval '10 minutes' where organization_id = $1",
      [org.id],
    );
    expect(await overdue()).toBeNull();
    expect((await of(org)).sync_paused_seconds).toBeGreaterThanOrEqual(600);
  });

  test('the schedule includes a cron expression and quiet hours', async () => {
    const org = await connected('CRON');
    const overdue = async () => (await of(org)).mirror_overdue_seconds;
    await db.owner.query(
      `update app_public.pfa_sync_log set started_at = now() - interval '3 days', finished_at = now() - interval '3 days'
      where organization_id = $1`,
      [org.id],
    );
    const schedule = (assignments: string) =>
      db.owner.query(`update app_private.pfa_sync_schedule set ${assignments} where organization_id = $1`, [
        org.id,
      ]);
    await db.owner.query('insert into app_private.pfa_sync_schedule (organization_id) values ($1)', [org.id]);
    expect(await overdue()).toBeGreaterThan(2.9 * 86_400);
    // A daily schedule: it was due a day later.
    await schedule("cron = '0 12 * * *'");
    const daily = await overdue();
    expect(daily).toBeGreaterThan(1.9 * 86_400);
    expect(daily).toBeLessThan(3 * 86_400);
    // A yearly schedule, three days ago: not due before next year.
    await schedule("cron = to_char(now() at time zone 'UTC' - interval '4 days', 'MI HH24 DD MM') || ' *'");
    expect(await overdue()).toBe(0);
    // Due 15 minutes later, within quiet hours that end 10 hours later.
    await schedule(`cron = null,
      quiet_from = (now() at time zone 'UTC' - interval '3 days 1 hour')::time,
      quiet_to = (now() at time zone 'UTC' - interval '3 days' + interval '10 hours')::time`);
    const quiet = await overdue();
    expect(quiet).toBeGreaterThan(3 * 86_400 - 10.1 * 3600);
    expect(quiet).toBeLessThan(3 * 86_400 - 9.9 * 3600);
  });

  test('an organization without runs is overdue from the time when its first run was possible', async () => {
    const org = await connected('NEVER');
    await db.owner.query('delete from app_public.pfa_sync_log where organization_id = $1', [org.id]);
    const age = (table: string, column: string, value: string | number) =>
      db.owner.query(
        `update app_public.${table} set created_at = now() - interval '1 hour' where ${column} = $1`,
        [value],
      );
    await age('organizations', 'id', org.id);
    expect((await of(org)).mirror_overdue_seconds).toBeLessThan(60);
    await age('api_configurations', 'id', org.connection);
    expect((await of(org)).mirror_overdue_seconds).toBeGreaterThanOrEqual(3600);
  });

  test('counts requests once for each tenant, with the limit per second', async () => {
    const first = await connected('RATE1', { tenant: 'SHARED', rate: 50 });
    const two = await connected('RATE2', { tenant: 'SHARED', rate: 20 });
    await connected('RATE3', { tenant: 'SHARED', rate: 5, url: 'https://elsewhere.example' });
    await db.worker.query('select app_private.take_turns($1, 2)', [first.connection]);
    await db.worker.query('select app_private.take_turns($1, 1)', [two.connection]);
    const { rates } = await read();
    expect(rates.filter(({ tenant }) => tenant === 'SHARED')).toEqual([
      { connection: first.connection, tenant: 'SHARED', requests: 3, requests_per_second: 20 },
      { connection: 'over-rate3', tenant: 'SHARED', requests: 0, requests_per_second: 5 },
    ]);
  });

  test('counts only live workers, each once whatever the number of its queues', async () => {
    const worker = await db.worker.connect();
    const other = await db.worker.connect();
    try {
      for (const queue of ['one', 'two'])
        await worker.query('select app_private.register_worker($1)', [queue]);
      expect((await read()).workers).toBe(1);
      await other.query("select app_private.register_worker('three')");
      expect((await read()).workers).toBe(2);
      // A killed worker, with no other worker to remove it from the list.
      await worker.query('select pg_advisory_unlock_all()');
      expect((await read()).workers).toBe(1);
      await other.query('select pg_advisory_unlock_all()');
      expect((await read()).workers).toBe(0);
    } finally {
      worker.release(true);
      other.release(true);
    }
  });

  test('reveals nothing about records, users, addresses or failures', async () => {
    expect(JSON.stringify(await read())).not.toMatch(/secret|contract|example|user-|PEMS_UNAUTHORIZED/);
  });
});

test('only the server may execute it', async () => {
  await expect(read(db.worker)).rejects.toMatchObject({ code: '42501' });
  await expect(
    db.asVisitor({}, (client) => client.query('select app_private.monitoring()')),
  ).rejects.toMatchObject({ code: '42501' });
});
