import { beforeEach, expect, test } from 'vitest';
import { commitChange, seenRecord, untilBlocked } from '../../../support/ask.ts';
import { testDatabase } from '../../../support/database.ts';
import { makeMember, makeOrganization, one, putRecords, type Organization } from '../../../support/make.ts';

const db = await testDatabase();
await db.owner.query(`
  insert into app_public.api_configurations (id, name, usage, url, operation_type) values ('pems', 'PEMS', 'PEMS_PFA_WRITE', 'http://pems.invalid', 'read-write');
  insert into app_public.pems_settings (api_configuration_id, tenant) values ('pems', 'T');
  insert into app_public.data_source_mappings (id, entity_type, api_configuration_id) values ('pems', 'pfa', 'pems')`);
let org: Organization;
let author: number;
beforeEach(async () => {
  org = await makeOrganization(db);
  author = await makeMember(db, org);
  await putRecords(db, org, [{ pfaId: 'a', category: 'Planned' }]);
});

interface Begun {
  id: string;
  attempt: number;
}

const begin = async () =>
  one(
    (await db.worker.query<Begun>('select id, attempt from app_private.begin_pushes($1, 1)', [org.id])).rows,
  );

interface Plan {
  decision: string;
  write_values: Record<string, string | null> | null;
}

const now = '(extract(epoch from clock_timestamp()) * 1000000)::bigint::text';

/** Outcome of a change if PEMS shows this. */
async function planWith(
  { id, attempt }: Begun,
  shown: {
    data: Record<string, string>;
    blank?: string[];
    recordId?: string;
    exchange?: object;
    requestedAt?: string;
  },
): Promise<Plan> {
  const { data, blank = [], recordId = '7', exchange = null, requestedAt = now } = shown;
  const { rows } = await db.worker.query<Plan>(
    `select p.decision, p.write_values from app_private.plan_push($1, $2, $3,
      $4::jsonb || jsonb_build_object('requestedAt', ${requestedAt}, 'receivedAt', ${now}), $5::jsonb) p`,
    [org.id, id, attempt, { pfaId: 'a', isWhole: false, data, blank, recordId, version: null }, exchange],
  );
  return one(rows);
}

/** Outcome of the category that PEMS shows now. */
const plan = async (begun: Begun, blank: string[]) =>
  (await planWith(begun, { data: { category: 'Planned' }, blank })).decision;

/**
 * A key was emptied in the forecast, and PEMS then shows the plan's value. The write was not answered, and its deadline
 * has passed.
 */
async function emptiedWithoutAnswer(): Promise<Begun> {
  await db.asUser(author, (client) => commitChange(client, org, 'a', { category: null }), { commit: true });
  const begun = await begin();
  expect(await plan(begun, [])).toBe('write');
  await endUncertain(begun);
  return begin();
}

/** The write was not answered. */
async function endUncertain({ id, attempt }: Begun, isOver = true): Promise<void> {
  await db.worker.query(
    "select app_private.fail_push($1, $2, $3, 'uncertain', 'No answer.', 0, null, null)",
    [org.id, id, attempt],
  );
  if (isOver)
    await db.owner.query(
      "update app_core.pfa_modification set retry_at = clock_timestamp() where organization_id = $1 and state = 'syncing'",
      [org.id],
    );
}

const commit = (changes: Record<string, string | null>) =>
  db.asUser(author, (client) => commitChange(client, org, 'a', changes), { commit: true });
const change = async (changes: Record<string, string | null>) => {
  await commit(changes);
  return begin();
};

async function modifications() {
  const { rows } = await db.owner.query<{ state: string; delta: object; problems: object; base: object }>(
    'select state, delta, base, problems from app_core.pfa_modification where organization_id = $1 order by id',
    [org.id],
  );
  return rows;
}

async function intents() {
  const { rows } = await db.owner.query<Record<string, unknown>>(
    `select record_version, read_values, write_values, round(extract(epoch from send_before - created_at))::integer as sent_for,
      round(extract(epoch from quiet_at - created_at))::integer as quiet_after
    from app_core.pfa_push_intent where organization_id = $1 order by id`,
    [org.id],
  );
  return rows;
}

const outcomes = async () =>
  (
    await db.owner.query<{ outcome: string | null }>(
      'select i.outcome from app_core.pfa_push_intent i where i.organization_id = $1 order by i.id',
      [org.id],
    )
  ).rows.map(({ outcome }) => outcome);

test('after an unanswered write that emptied a key, an empty field confirms it, whatever PEMS shows for the key', async () => {
  expect(await plan(await emptiedWithoutAnswer(), ['category'])).toBe('confirmed');
  expect(await outcomes()).toEqual(['confirmed']);
});

test('if the field is not empty, the write failed and is repeated', async () => {
  expect(await plan(await emptiedWithoutAnswer(), [])).toBe('write');
  expect(await outcomes()).toEqual(['failed', null]);
});

test('keys that PEMS changed return with its values; the rest is written, after its intent', async () => {
  const begun = await change({ category: 'Mine', model: 'M' });
  const exchange = { action: 'read', request: 'SENT', status: 200, answer: 'ANSWERED', milliseconds: 3 };
  const planned = await planWith(begun, { data: { category: 'Theirs', model: '' }, exchange });
  expect(planned).toEqual({ decision: 'write', write_values: { model: 'M' } });
  expect(await intents()).toEqual([
    {
      record_version: '7',
      read_values: { category: 'Theirs', model: null },
      write_values: { model: 'M' },
      // The timeout of the connection, and the deadline after which the write can no longer take effect.
      sent_for: 120,
      quiet_after: 360,
    },
  ]);
  expect(await modifications()).toMatchObject([
    { state: 'syncing', delta: { model: 'M' } },
    {
      state: 'draft',
      delta: { category: 'Mine' },
      problems: {
        category: { kind: 'conflict', by: 'push', theirs: 'Theirs', base: 'Planned', mine: 'Mine' },
      },
    },
  ]);
  const { rows } = await db.owner.query(
    'select pfa_id, modification_id, attempt, answer from app_core.pfa_push_exchange where organization_id = $1',
    [org.id],
  );
  expect(rows).toEqual([{ pfa_id: 'a', modification_id: begun.id, attempt: 1, answer: 'ANSWERED' }]);
});

test('if all keys return, nothing is written, and all users see the values of PEMS at once', async () => {
  const other = await makeMember(db, org);
  const begun = await change({ category: 'Mine' });
  expect(await planWith(begun, { data: { category: 'Theirs' } })).toEqual({
    decision: 'returned',
    write_values: null,
  });
  expect(await intents()).toEqual([]);
  expect(await modifications()).toMatchObject([{ state: 'draft' }]);
  await db.asUser(other, async (client) =>
    expect(await seenRecord(client, org, 'a')).toMatchObject({ category: 'Theirs', is_pending: false }),
  );
});

test('does not write a key without a value in PEMS', async () => {
  const begun = await change({ category: 'Mine' });
  expect((await planWith(begun, { data: {} })).decision).toBe('returned');
  expect(await modifications()).toMatchObject([{ problems: { category: { kind: 'failed' } } }]);
});

test('a superseded, settled or waiting step does nothing', async () => {
  const begun = await change({ category: 'Mine' });
  const shown = { data: { category: 'Planned' } };
  expect((await planWith({ ...begun, attempt: begun.attempt + 1 }, shown)).decision).toBe('superseded');
  expect((await planWith(begun, shown)).decision).toBe('write');
  await endUncertain(begun, false);
  expect((await planWith(begun, shown)).decision).toBe('superseded');
  await endUncertain(begun);
  await db.owner.query(
    'update app_core.pfa_modification set retry_at = clock_timestamp() where organization_id = $1',
    [org.id],
  );
  const again = await begin();
  expect((await planWith(again, { data: { category: 'Mine' } })).decision).toBe('confirmed');
  expect((await planWith(again, shown)).decision).toBe('superseded');
  expect(await intents()).toHaveLength(1);
});

test('repeats a read that is older than the mirror', async () => {
  const begun = await change({ category: 'Mine' });
  const known = `(select (extract(epoch from observed_at) * 1000000)::bigint::text from app_core.pfa_mirror where organization_id = $1 and pfa_id = 'a')`;
  const shown = { data: { category: 'Planned' }, requestedAt: known };
  expect(await planWith(begun, shown)).toEqual({ decision: 'read_again', write_values: null });
  expect(await intents()).toEqual([]);
});

test('the old value with another version after an unanswered write has an unknown outcome, so the key returns', async () => {
  const begun = await change({ category: 'Mine' });
  await plan(begun, []);
  await endUncertain(begun);
  expect((await planWith(await begin(), { data: { category: 'Planned' }, recordId: '8' })).decision).toBe(
    'returned',
  );
  expect(await modifications()).toMatchObject([
    {
      problems: {
        category: { kind: 'conflict', message: expect.stringContaining('is unknown') as string },
      },
    },
  ]);
});

test('an unanswered write of another record does not matter', async () => {
  await putRecords(db, org, [{ pfaId: 'b', category: 'Planned' }]);
  await db.asUser(author, (client) => commitChange(client, org, 'b', { category: 'Mine' }), { commit: true });
  const other = await begin();
  const { rows } = await db.worker.query<Plan>(
    `select p.decision from app_private.plan_push($1, $2, $3,
      $4::jsonb || jsonb_build_object('requestedAt', ${now}, 'receivedAt', ${now}), null) p`,
    [
      org.id,
      other.id,
      other.attempt,
      { pfaId: 'b', isWhole: false, data: { category: 'Planned' }, blank: [], recordId: '3', version: null },
    ],
  );
  expect(rows).toMatchObject([{ decision: 'write' }]);
  await endUncertain(other, false);
  expect(await plan(await change({ category: 'Mine' }), [])).toBe('write');
});

test('a value that the product may have written does not count as a change of PEMS', async () => {
  const begun = await change({ category: 'Mine' });
  await plan(begun, []);
  await endUncertain(begun);
  expect((await planWith(await begin(), { data: { category: 'Mine' }, recordId: '8' })).decision).toBe(
    'confirmed',
  );
  const { rows } = await db.owner.query(
    "select route, user_id from app_core.pfa_change where organization_id = $1 and route in ('push', 'sync')",
    [org.id],
  );
  expect(rows).toEqual([{ route: 'push', user_id: author }]);
});

test('the fourth failure is the last', async () => {
  const begun = await change({ category: 'Mine' });
  const failed = (times: number) =>
    db.owner.query('update app_core.pfa_modification set failures = $2 where organization_id = $1', [
      org.id,
      times,
    ]);
  await failed(4);
  expect(await plan(begun, [])).toBe('returned');
  expect(await modifications()).toMatchObject([{ problems: { category: { kind: 'failed' } } }]);
  org = await makeOrganization(db);
  author = await makeMember(db, org);
  await putRecords(db, org, [{ pfaId: 'a', category: 'Planned' }]);
  const other = await change({ category: 'Mine' });
  await failed(3);
  expect(await plan(other, [])).toBe('write');
});

test('waits for the holder of the record without a lock that the holder may need next', async () => {
  const begun = await change({ category: 'Mine' });
  const holder = await db.owner.connect();
  try {
    await holder.query('begin');
    await holder.query(
      "select from app_core.pfa_mirror where organization_id = $1 and pfa_id = 'a' for update",
      [org.id],
    );
    const planned = plan(begun, []);
    await untilBlocked(db);
    await holder.query('select from app_core.pfa_modification where organization_id = $1 for update', [
      org.id,
    ]);
    await holder.query('commit');
    expect(await planned).toBe('write');
  } finally {
    holder.release();
  }
});
