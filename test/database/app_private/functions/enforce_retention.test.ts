import { beforeEach, describe, expect, test } from 'vitest';
import { testDatabase } from '../../../support/database.ts';
import { makeMember, makeOrganization, one, putRecords, type Organization } from '../../../support/make.ts';

const db = await testDatabase();

let org: Organization;
beforeEach(async () => void (org = await makeOrganization(db)));

/** Calls it with limits of 10 days, unless the test sets others, and returns what it deletes. */
async function enforce(
  limits: Partial<
    Record<
      'syncLog' | 'rejects' | 'sessions' | 'jobs' | 'changes' | 'exchanges' | 'privateChanges' | 'batch',
      number
    >
  > = {},
) {
  const { syncLog = 10, rejects = 10, sessions = 10, jobs = 10 } = limits;
  const { changes = 10, exchanges = 10, privateChanges = 10, batch = 1000 } = limits;
  const { rows } = await db.worker.query<Record<string, number>>(
    `select * from app_private.enforce_retention(
      make_interval(days => $1), make_interval(days => $2), make_interval(days => $3), make_interval(days => $4), make_interval(days => $5), make_interval(days => $6), make_interval(days => $7), $8)`,
    [syncLog, rejects, sessions, jobs, changes, exchanges, privateChanges, batch],
  );
  return one(rows);
}

/** A run that ended (or began) some days ago. */
async function run(daysAgo: number, state = 'failed', kind = 'full', of = org): Promise<string> {
  const ends = ['failed', 'succeeded'].includes(state);
  const { rows } = await db.owner.query<{ id: string }>(
    `insert into app_public.pfa_sync_log (organization_id, kind, trigger, state, requested_at, started_at, finished_at, error_code)
    values ($1, $2, 'schedule', $3, now() - $4::interval, case when $3 <> 'queued' then now() - $4::interval end,
      case when $5 then clock_timestamp() - $4::interval end, case when $3 = 'failed' then 'SYNC_FAILED' end) returning id`,
    [of.id, kind, state, `${daysAgo} days`, ends],
  );
  return one(rows).id;
}

async function reject(runId: string, daysAgo: number, of = org): Promise<string> {
  const { rows } = await db.owner.query<{ id: string }>(
    `insert into app_public.pfa_sync_reject (organization_id, run_id, reason, row_content, rejected_at)
    values ($1, $2, 'value', '{}', clock_timestamp() - $3::interval) returning id`,
    [of.id, runId, `${daysAgo} days`],
  );
  return one(rows).id;
}

async function ids(table: 'pfa_sync_log' | 'pfa_sync_reject'): Promise<string[]> {
  const { rows } = await db.owner.query<{ id: string }>(
    `select id from app_public.${table} where organization_id = $1 order by id`,
    [org.id],
  );
  return rows.map(({ id }) => id);
}

const inside = 9.999;
const outside = 10.001;

describe('the sync log', () => {
  test('deletes rows just older than the limit, and keeps rows just younger', async () => {
    await run(outside);
    await run(outside, 'succeeded');
    const young = [await run(inside), await run(inside, 'succeeded'), await run(0)];
    expect(await enforce()).toMatchObject({ sync_log: 2 });
    expect(await ids('pfa_sync_log')).toEqual(young);
  });

  test('keeps the newest success of an organization whatever its age, because freshness depends on it', async () => {
    await run(400, 'succeeded');
    const newest = await run(300, 'succeeded');
    const failures = [await run(200), await run(100)];
    expect(await enforce()).toMatchObject({ sync_log: 2 });
    expect(await ids('pfa_sync_log')).toEqual([newest, failures[1]]);
  });

  test('keeps the newest success of each kind, because an incremental run continues the full one', async () => {
    const full = await run(300, 'succeeded', 'full');
    await run(200, 'succeeded', 'incremental');
    const incremental = await run(150, 'succeeded', 'incremental');
    const last = await run(100);
    expect(await enforce()).toMatchObject({ sync_log: 1 });
    expect(await ids('pfa_sync_log')).toEqual([full, incremental, last]);
  });

  test('keeps the last run even if it failed and is old, because the schedule and the status read it', async () => {
    const last = await run(400);
    expect(await enforce()).toMatchObject({ sync_log: 0 });
    expect(await ids('pfa_sync_log')).toEqual([last]);
  });

  test('keeps queued and running runs', async () => {
    const running = await run(400, 'running');
    const queued = await run(300, 'queued');
    await run(200);
    const last = await run(100);
    expect(await enforce()).toMatchObject({ sync_log: 1 });
    expect(await ids('pfa_sync_log')).toEqual([running, queued, last]);
  });

  test('keeps the newest run of each organization', async () => {
    const other = await makeOrganization(db);
    await run(300, 'succeeded', 'full', other);
    const mine = await run(400, 'succeeded');
    expect(await enforce()).toMatchObject({ sync_log: 0 });
    expect(await ids('pfa_sync_log')).toEqual([mine]);
  });
});

describe('rejects', () => {
  test('deletes rejects just older than their limit, and keeps those just younger', async () => {
    const last = await run(0);
    await reject(last, outside);
    const young = await reject(last, inside);
    expect(await enforce()).toMatchObject({ rejects: 1, sync_log: 0 });
    expect(await ids('pfa_sync_reject')).toEqual([young]);
  });

  test('rejects with a longer limit keep their run', async () => {
    const old = await run(20);
    const kept = await reject(old, 20);
    const last = await run(0);
    expect(await enforce({ rejects: 30 })).toMatchObject({ rejects: 0, sync_log: 0 });
    expect(await ids('pfa_sync_reject')).toEqual([kept]);
    expect(await enforce({ rejects: 15 })).toMatchObject({ rejects: 1, sync_log: 1 });
    expect(await ids('pfa_sync_log')).toEqual([last]);
  });
});

test('deletes history just older than its limit, batch by batch, in every organization', async () => {
  const change = async (daysAgo: number, of = org) => {
    const { rows } = await db.owner.query<{ id: string }>(
      `insert into app_core.pfa_change (organization_id, pfa_id, route, changes, changed_at)
      values ($1, 'a', 'sync', '{}', clock_timestamp() - $2::interval) returning id`,
      [of.id, `${daysAgo} days`],
    );
    return one(rows).id;
  };
  const other = await makeOrganization(db);
  for (const of of [org, org, other]) await change(outside, of);
  const young = await change(inside);
  expect(await enforce({ batch: 2 })).toMatchObject({ changes: 2 });
  expect(await enforce({ batch: 2 })).toMatchObject({ changes: 1 });
  const { rows } = await db.owner.query<{ id: string }>(
    'select id from app_core.pfa_change where organization_id = any ($1)',
    [[org.id, other.id]],
  );
  expect(rows).toEqual([{ id: young }]);
});

describe('jobs', () => {
  const keys = async () => {
    const { rows } = await db.owner.query<{ key: string }>(
      'select key from graphile_worker.jobs order by key',
    );
    return rows.map(({ key }) => key);
  };
  const job = async (key: string, daysAgo: number, { failed = true, locked = false } = {}) => {
    await db.owner.query('select graphile_worker.add_job($1, job_key => $2)', ['some_task', key]);
    await db.owner.query('alter table graphile_worker._private_jobs disable trigger user');
    await db.owner.query(
      `update graphile_worker._private_jobs set attempts = case when $2 then max_attempts else 3 end,
        updated_at = clock_timestamp() - $3::interval, created_at = clock_timestamp() - $3::interval,
        locked_at = case when $4 then clock_timestamp() end, locked_by = case when $4 then 'w' end
      where key = $1`,
      [key, failed, `${daysAgo} days`, locked],
    );
    await db.owner.query('alter table graphile_worker._private_jobs enable trigger user');
  };

  test('deletes jobs that failed for good, but none that are young, retried or locked', async () => {
    await job('a-young', inside);
    await job('b-old', outside);
    await job('c-tried-again', 400, { failed: false });
    await job('d-at-work', 400, { locked: true });
    expect(await enforce()).toMatchObject({ failed_jobs: 1 });
    expect(await keys()).toEqual(['a-young', 'c-tried-again', 'd-at-work']);
  });
});

test('one call deletes at most one batch of each, oldest first, and the next call continues', async () => {
  const old = [];
  for (const age of [50, 40, 30, 20]) old.push(await run(age));
  const last = await run(0);
  for (const age of [50, 40, 30]) await reject(last, age);
  expect(await enforce({ batch: 2 })).toMatchObject({ sync_log: 2, rejects: 2 });
  expect(await ids('pfa_sync_log')).toEqual([...old.slice(2), last]);
  expect(await enforce({ batch: 2 })).toMatchObject({ sync_log: 2, rejects: 1 });
  expect(await enforce({ batch: 2 })).toMatchObject({ sync_log: 0, rejects: 0 });
  expect(await ids('pfa_sync_log')).toEqual([last]);
});

test('a batch covers all organizations together, also for failed jobs', async () => {
  const other = await makeOrganization(db);
  for (const of of [org, other]) for (const age of [50, 40]) await run(age, 'failed', 'full', of);
  const young = [await run(0), await run(0, 'failed', 'full', other)] as const;
  for (const age of [50, 40]) await reject(young[0], age);
  for (const age of [50, 40]) await reject(young[1], age, other);
  await db.owner.query(
    `select graphile_worker.add_job('no_such_task', job_key => 'batch ' || n) from generate_series(1, 4) n`,
  );
  await db.owner.query(
    "update graphile_worker._private_jobs set attempts = max_attempts, updated_at = now() - interval '50 days' where key like 'batch %'",
  );
  const full = { sync_log: 3, rejects: 3, failed_jobs: 3 };
  expect(await enforce({ batch: 3 })).toMatchObject(full);
  expect(await enforce({ batch: 3 })).toMatchObject({ sync_log: 1, rejects: 1, failed_jobs: 1 });
});

test('refuses a limit below one day', async () => {
  for (const limit of ['syncLog', 'rejects', 'sessions', 'jobs', 'changes', 'exchanges', 'batch'] as const) {
    await expect(enforce({ [limit]: 0 })).rejects.toMatchObject({ code: 'VG400' });
  }
});

test('only the worker may call it', async () => {
  await expect(
    db.authenticator.query(
      "select app_private.enforce_retention('1 day', '1 day', '1 day', '1 day', '1 day', '1 day', '1 day', 1)",
    ),
  ).rejects.toMatchObject({ code: '42501' });
});

describe('confirmed changes and exchanges', () => {
  /**
   * A change of a separate record in a state, committed and settled some days ago, with an intent and an exchange of
   * the same age.
   */
  const change = async (record: string, state: string, daysAgo: number, of = org): Promise<string> => {
    await putRecords(db, of, [{ pfaId: record }]);
    const { rows } = await db.owner.query<{ id: string }>(
      `insert into app_core.pfa_modification
        (organization_id, user_id, pfa_id, delta, base, state, commit_sequence, committed_at, settled_at)
      select $1, $2, $3, '{"contract": "new"}', '{"contract": null}', $4,
        case when $4 <> 'draft' then nextval('app_core.revision_seq') end,
        case when $4 <> 'draft' then clock_timestamp() - $5::interval end,
        case when $4 = 'synced' then clock_timestamp() - $5::interval end
      returning id`,
      [of.id, await makeMember(db, of), record, state, `${daysAgo} days`],
    );
    const { id } = one(rows);
    if (state === 'synced' || state === 'syncing') {
      await db.owner.query(
        `insert into app_core.pfa_push_intent
          (organization_id, modification_id, attempt, read_values, read_at, write_values, send_before, quiet_at)
        values ($1, $2, 1, '{}', now(), '{"contract": "new"}', now(), now())`,
        [of.id, id],
      );
    }
    return id;
  };
  const exchange = async (of: Organization, record: string, modification: string, daysAgo: number) => {
    const { rows } = await db.owner.query<{ id: string }>(
      `insert into app_core.pfa_push_exchange
        (organization_id, pfa_id, modification_id, attempt, action, request, milliseconds, answered_at)
      values ($1, $2, $3, 1, 'read', '{}', 5, clock_timestamp() - $4::interval) returning id`,
      [of.id, record, modification, `${daysAgo} days`],
    );
    return one(rows).id;
  };
  const left = async (table: 'pfa_modification' | 'pfa_push_intent' | 'pfa_push_exchange', of = [org]) => {
    const { rows } = await db.owner.query<{ id: string }>(
      `select id from app_core.${table} where organization_id = any ($1) order by id`,
      [of.map(({ id }) => id)],
    );
    return rows.map(({ id }) => id);
  };

  test('deletes confirmed changes just older than the limit of the history, with their intents', async () => {
    await change('a', 'synced', outside);
    const kept = [
      await change('b', 'synced', inside),
      await change('c', 'draft', 400),
      await change('d', 'committed', 400),
      await change('e', 'syncing', 400),
    ];
    expect(await enforce()).toMatchObject({ modifications: 1 });
    expect(await left('pfa_modification')).toEqual(kept);
    expect(await left('pfa_push_intent')).toHaveLength(2);
  });

  test('deletes them batch by batch, oldest first, in every organization', async () => {
    const other = await makeOrganization(db);
    await change('a', 'synced', 30);
    const younger = await change('b', 'synced', 20);
    await change('a', 'synced', 40, other);
    await change('b', 'synced', 30, other);
    expect(await enforce({ batch: 3 })).toMatchObject({ modifications: 3 });
    expect(await enforce({ batch: 3 })).toMatchObject({ modifications: 1 });
    expect(await enforce({ batch: 3 })).toMatchObject({ modifications: 0 });
    expect(await left('pfa_modification', [org, other])).not.toContain(younger);
    expect(await left('pfa_push_intent', [org, other])).toEqual([]);
  });

  test('deletes exchanges just older than their own limit', async () => {
    const modification = await change('a', 'synced', 0);
    await exchange(org, 'a', modification, outside);
    const young = await exchange(org, 'a', modification, inside);
    expect(await enforce({ exchanges: 20 })).toMatchObject({ exchanges: 0 });
    expect(await enforce({ changes: 20 })).toMatchObject({ exchanges: 1, modifications: 0 });
    expect(await left('pfa_push_exchange')).toEqual([young]);
  });

  test('keeps exchanges of a pending change, but not of a returned or deleted one', async () => {
    const kept = [];
    for (const state of ['committed', 'syncing']) {
      kept.push(await exchange(org, state, await change(state, state, 400), 400));
    }
    await exchange(org, 'draft', await change('draft', 'draft', 400), 400);
    await exchange(org, 'gone', '-1', 400);
    expect(await enforce()).toMatchObject({ exchanges: 2 });
    expect(await left('pfa_push_exchange')).toEqual(kept);
  });

  test('kept exchanges do not block younger ones, batch by batch', async () => {
    const other = await makeOrganization(db);
    const unsettled = await change('u', 'syncing', 400);
    const kept = [await exchange(org, 'u', unsettled, 400), await exchange(org, 'u', unsettled, 399)];
    for (const age of [50, 40]) await exchange(org, 'gone', '-1', age);
    await exchange(other, 'gone', '-1', 30);
    expect(await enforce({ batch: 2 })).toMatchObject({ exchanges: 2 });
    expect(await enforce({ batch: 2 })).toMatchObject({ exchanges: 1 });
    expect(await left('pfa_push_exchange', [org, other])).toEqual(kept);
  });
});

test.each([
  ['the oldest runs', 'pfa_sync_log', 'finished_at', 'pfa_sync_log_ended_idx'],
  ['the oldest rejects', 'pfa_sync_reject', 'rejected_at', 'pfa_sync_reject_rejected_at_idx'],
  ['the oldest changes', 'pfa_change', 'changed_at', 'pfa_change_changed_at_idx'],
  ['the oldest exchanges', 'pfa_push_exchange', 'answered_at', 'pfa_push_exchange_answered_at_idx'],
])('finds %s of an organization by index', async (_what, table, column, index) => {
  await db.asOwner(async (client) => {
    await client.query('set local enable_seqscan = off');
    const { rows } = await client.query<{ 'QUERY PLAN': string }>(
      `explain select id from app_public.${table} where organization_id = 1 and ${column} < now() order by ${column} limit 10`,
    );
    expect(rows.map((row) => row['QUERY PLAN']).join('\n')).toContain(index);
  });
});

test('finds the oldest confirmed changes of an organization by index', async () => {
  await db.asOwner(async (client) => {
    await client.query('set local enable_seqscan = off');
    const { rows } = await client.query<{ 'QUERY PLAN': string }>(
      `explain select id from app_core.pfa_modification
      where organization_id = 1 and state = 'synced' and settled_at < now() order by settled_at limit 10`,
    );
    expect(rows.map((row) => row['QUERY PLAN']).join('\n')).toContain('pfa_modification_settled_at_idx');
  });
});

test('deletes private history sooner, and keeps that of commits', async () => {
  await putRecords(db, org, [{ pfaId: 'a' }]);
  for (const [route, days] of [
    ['draft', 8],
    ['resolve', 8],
    ['draft', 6],
    ['commit', 8],
    ['takeover', 8],
  ] as const)
    await db.owner.query(
      `insert into app_core.pfa_change (organization_id, pfa_id, route, changes, changed_at)
      values ($1, 'a', $2, '{}', clock_timestamp() - make_interval(days => $3))`,
      [org.id, route, days],
    );
  expect(await enforce({ privateChanges: 7 })).toMatchObject({ private_changes: 2, changes: 0 });
  const { rows } = await db.owner.query(
    'select route from app_core.pfa_change where organization_id = $1 order by id',
    [org.id],
  );
  expect(rows).toEqual([{ route: 'draft' }, { route: 'commit' }, { route: 'takeover' }]);
});
