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

/** What becomes of a change when PEMS shows this. */
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

/** What becomes of the category that PEMS shows now. */
const plan = async (begun: Begun, blank: string[]) =>
  (await planWith(begun, { data: { category: 'Planned' }, blank })).decision;

/** Emptied in the forecast, where PEMS then shows the plan's value; the write ended without an answer, and its time is over. */
async function emptiedWithoutAnswer(): Promise<Begun> {
  await db.asUser(author, (client) => commitChange(client, org, 'a', { category: null }), { commit: true });
  const begun = await begin();
  expect(await plan(begun, [])).toBe('write');
  await endUncertain(begun);
  return begin();
}

/** Its write ended without an answer. */
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

test('a write without an answer that emptied a key is called confirmed where the field is empty, whatever PEMS shows for it', async () => {
  expect(await plan(await emptiedWithoutAnswer(), ['category'])).toBe('confirmed');
  expect(await outcomes()).toEqual(['confirmed']);
});

test('where the field is not empty, it is called failed and written again', async () => {
  expect(await plan(await emptiedWithoutAnswer(), [])).toBe('write');
  expect(await outcomes()).toEqual(['failed', null]);
});

test('what PEMS changed comes back with what it holds; the rest is written, and first written down', async () => {
  const begun = await change({ category: 'Mine', model: 'M' });
  const exchange = { action: 'read', request: 'SENT', status: 200, answer: 'ANSWERED', milliseconds: 3 };
  const planned = await planWith(begun, { data: { category: 'Theirs', model: '' }, exchange });
  expect(planned).toEqual({ decision: 'write', write_values: { model: 'M' } });
  expect(await intents()).toEqual([
    {
      record_version: '7',
      read_values: { category: 'Theirs', model: null },
      write_values: { model: 'M' },
      // The time limit of the connection, and until nothing of it can come any more.
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

test('when all of it comes back nothing is written, and everybody sees at once what PEMS holds', async () => {
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

test('a key of which PEMS shows nothing is not written', async () => {
  const begun = await change({ category: 'Mine' });
  expect((await planWith(begun, { data: {} })).decision).toBe('returned');
  expect(await modifications()).toMatchObject([{ problems: { category: { kind: 'failed' } } }]);
});

test('a step whose place another attempt took, or that is settled, or has to wait, does nothing', async () => {
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

test('what was read before what is known is read again', async () => {
  const begun = await change({ category: 'Mine' });
  const known = `(select (extract(epoch from observed_at) * 1000000)::bigint::text from app_core.pfa_mirror where organization_id = $1 and pfa_id = 'a')`;
  const shown = { data: { category: 'Planned' }, requestedAt: known };
  expect(await planWith(begun, shown)).toEqual({ decision: 'read_again', write_values: null });
  expect(await intents()).toEqual([]);
});

test('as before under another version after a write without an answer: nobody can tell, so it comes back', async () => {
  const begun = await change({ category: 'Mine' });
  await plan(begun, []);
  await endUncertain(begun);
  expect((await planWith(await begin(), { data: { category: 'Planned' }, recordId: '8' })).decision).toBe(
    'returned',
  );
  expect(await modifications()).toMatchObject([
    {
      problems: {
        category: { kind: 'conflict', message: expect.stringContaining('is not known') as string },
      },
    },
  ]);
});

test('a write of another record without an answer does not make this one doubtful', async () => {
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

test("what we may have written ourselves is nobody else's change", async () => {
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

test('a fourth failure is the last', async () => {
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

test('it waits for who holds the record, and holds nothing meanwhile that they may want next', async () => {
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
