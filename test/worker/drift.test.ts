import { expect, test } from 'vitest';
import { saveDraft } from '../support/ask.ts';
import { makeMember, one, type Json, type Organization } from '../support/make.ts';
import { until } from '../support/until.ts';
import { idOf, testWorld } from './world.ts';

const world = await testWorld({
  SAME: 30,
  DIFF: 30,
  MOVED: 12,
  MANY: 1100,
  ODD: 10,
  DOWN: 5,
  RIO: 6,
  RIO2: 4,
});
const { db } = world;
await world.startWorker();

interface Check {
  id: string;
  sample: number | null;
  state: string;
  rows_read: number;
  records_compared: number;
  records_differing: number;
  keys_differing: number;
  missing_in_pems: number;
  missing_in_mirror: number;
  unreadable: number;
  left_out: number;
  differences_kept: number;
  error_code: string | null;
}
interface Difference {
  kind: string;
  pfa_id: string | null;
  key: string | null;
  mirror_value: Json;
  pems_value: Json;
  message: string | null;
}

async function ask({ id }: Organization, sample: number | null = null): Promise<string> {
  const { rows } = await db.owner.query<{ id: string }>(
    'select id from app_private.queue_drift_check($1, $2, null)',
    [id, sample],
  );
  return one(rows).id;
}

async function ended({ id }: Organization, checkId: string): Promise<Check> {
  return until(`comparison ${checkId} has ended`, async () => {
    const { rows } = await db.owner.query<Check>(
      'select * from app_public.pfa_drift_check where organization_id = $1 and id = $2 and finished_at is not null',
      [id, checkId],
    );
    return rows[0];
  });
}

const check = async (organization: Organization, sample: number | null = null) =>
  ended(organization, await ask(organization, sample));

async function differences({ id }: Organization, checkId: string): Promise<Difference[]> {
  const { rows } = await db.owner.query<Difference>(
    `select kind, pfa_id, key, mirror_value, pems_value, message from app_public.pfa_drift_difference
    where organization_id = $1 and check_id = $2 order by number`,
    [id, checkId],
  );
  return rows;
}

const clean = {
  ...{ state: 'succeeded', records_differing: 0, keys_differing: 0, missing_in_pems: 0 },
  ...{ missing_in_mirror: 0, unreadable: 0, left_out: 0, differences_kept: 0 },
};

test('a mirror equal to PEMS has no differences, complete or in a sample', async () => {
  const organization = await world.organization('SAME', { pageSize: 7 });
  await world.sync(organization);
  expect(await check(organization)).toMatchObject({
    ...clean,
    sample: null,
    rows_read: 30,
    records_compared: 30,
  });
  expect(await check(organization, 8)).toMatchObject({
    ...clean,
    sample: 8,
    rows_read: 8,
    records_compared: 8,
  });
  expect(await check(organization, 500)).toMatchObject({ ...clean, records_compared: 30 });
});

test('an organization whose code is a prefix of others is compared with its own records', async () => {
  const organization = await world.organization('RIO');
  await world.sync(organization);
  expect(await check(organization)).toMatchObject({ ...clean, records_compared: 6 });
});

test('each difference is listed, and nothing changes', async () => {
  const organization = await world.organization('DIFF');
  await world.sync(organization);
  const mirror = await world.mirror(organization);
  await world.control('PATCH', `/records/DIFF/${idOf(organization, 3)}`, {
    values: { pfs_f_model: 'New', pfs_f_rate: 12.5, pfs_a_rate: 11 },
  });
  await world.control('PATCH', `/records/DIFF/${idOf(organization, 4)}`, { values: { pfs_f_model: null } });
  await world.control('DELETE', `/records/DIFF/${idOf(organization, 5)}`);
  await world.control('POST', '/records/DIFF', { id: 'DIFF-new', values: {} });
  const changed = mirror[2]!.data;
  const expected: Difference[] = [
    {
      kind: 'missing-in-mirror',
      pfa_id: 'DIFF-new',
      key: null,
      mirror_value: null,
      pems_value: null,
      message: null,
    },
    ...(
      [
        [3, 'model', changed.model, 'New'],
        [3, 'monthlyRate', changed.monthlyRate, 12.5],
        [3, 'originalMonthlyRate', changed.originalMonthlyRate, 11],
        [4, 'model', mirror[3]!.data.model, null],
      ] as const
    ).map(([n, key, from, to]) => ({
      ...{ kind: 'differs', pfa_id: idOf(organization, n), key, message: null },
      ...{ mirror_value: from ?? null, pems_value: to },
    })),
    {
      ...{ kind: 'missing-in-pems', pfa_id: idOf(organization, 5), key: null },
      ...{ mirror_value: null, pems_value: null, message: null },
    },
  ];
  const order = (a: Difference, b: Difference) => (`${a.pfa_id} ${a.key}` < `${b.pfa_id} ${b.key}` ? -1 : 1);

  const all = await check(organization);
  expect(all).toMatchObject({
    ...{ state: 'succeeded', records_compared: 31, records_differing: 2, keys_differing: 4 },
    ...{ missing_in_pems: 1, missing_in_mirror: 1, differences_kept: 6, left_out: 0 },
  });
  expect((await differences(organization, all.id)).toSorted(order)).toEqual(expected.toSorted(order));

  // A sample comes from the mirror: it misses records that only PEMS has.
  const sampled = await check(organization, 10_000);
  expect(sampled).toMatchObject({
    records_compared: 30,
    keys_differing: 4,
    missing_in_pems: 1,
    missing_in_mirror: 0,
  });
  expect((await differences(organization, sampled.id)).toSorted(order)).toEqual(
    expected.filter(({ kind }) => kind !== 'missing-in-mirror').toSorted(order),
  );
  // Includes the transaction that wrote each row.
  expect(await world.mirror(organization)).toEqual(mirror);
  expect(await world.changes(organization)).toEqual([]);
  const { rows } = await db.owner.query('select from app_private.pfa_staging where organization_id = $1', [
    organization.id,
  ]);
  expect(rows).toEqual([]);
});

test('unreadable and duplicate records are reported as such, and not as missing', async () => {
  const organization = await world.organization('ODD');
  await world.sync(organization);
  const match = { organization: 'ODD' };
  await world.fault({
    ...{ kind: 'malformed', what: 'value', count: 1, match, id: idOf(organization, 2) },
    ...{ field: 'pfs_f_startdate', text: '31-FEB-20Z6' },
  });
  await world.fault({ kind: 'duplicate', count: 1, match, id: idOf(organization, 9) });
  await world.fault({ kind: 'foreign-row', count: 1, match, organization: 'SAME' });
  const found = await check(organization);
  expect(found).toMatchObject({ ...clean, records_compared: 10, unreadable: 2, differences_kept: 2 });
  expect(await differences(organization, found.id)).toEqual([
    expect.objectContaining({
      ...{
        kind: 'unreadable',
        pfa_id: idOf(organization, 2),
        key: 'forecastStart',
        pems_value: '31-FEB-20Z6',
      },
      message: expect.stringContaining('31-FEB-20Z6') as string,
    }),
    expect.objectContaining({ kind: 'unreadable', pfa_id: idOf(organization, 9) }),
  ]);
});

test('only a thousand differences are listed, but all are counted', async () => {
  const organization = await world.organization('MANY');
  await world.sync(organization);
  await db.owner.query(
    `update app_core.pfa_mirror set data = data || '{"model": "other", "class": "other"}', observed_at = observed_at
    where organization_id = $1`,
    [organization.id],
  );
  const found = await check(organization);
  expect(found).toMatchObject({ records_differing: 1100, keys_differing: 2200, differences_kept: 1000 });
  expect(await differences(organization, found.id)).toHaveLength(1000);
});

test('a record that push observed after the request of its page, or that is being written, is no difference', async () => {
  const organization = await world.organization('MOVED');
  await world.sync(organization);
  // A write is confirmed during the request: the response of PEMS is older than the mirror.
  await world.fault({ kind: 'hang', count: 1, match: { organization: 'MOVED' } });
  const asked = await ask(organization);
  await until('PEMS is asked', async () => (await world.faultHits()) > 0);
  const confirm = async (n: number, model: string) => {
    await world.control('PATCH', `/records/MOVED/${idOf(organization, n)}`, {
      values: { pfs_f_model: model },
    });
    await db.owner.query(
      `update app_core.pfa_mirror set data = data || jsonb_build_object('model', $3::text), observed_at = clock_timestamp()
      where organization_id = $1 and pfa_id = $2`,
      [organization.id, idOf(organization, n), model],
    );
  };
  await confirm(2, 'confirmed');
  await world.control('DELETE', '/faults');
  // A second read finds no difference; the other records are compared meanwhile.
  expect(await ended(organization, asked)).toMatchObject({ ...clean, records_compared: 12 });

  // A record that is being written is read again; after some rounds the comparison skips it and says so.
  const author = await makeMember(db, organization);
  const written = idOf(organization, 5);
  await db.asUser(author, (client) => saveDraft(client, organization, written, { model: 'on its way' }), {
    commit: true,
  });
  await db.owner.query(
    "update app_core.pfa_modification set state = 'syncing', commit_sequence = 1 where organization_id = $1",
    [organization.id],
  );
  await world.control('PATCH', `/records/MOVED/${written}`, { values: { pfs_f_model: 'on its way' } });
  expect(await check(organization)).toMatchObject({ ...clean, records_compared: 11, left_out: 1 });
});

test('a failing PEMS ends the comparison with the reason, and it can be requested again', async () => {
  const organization = await world.organization('DOWN');
  await world.sync(organization);
  await world.fault({ kind: 'bad-credentials', count: 1, match: { organization: 'DOWN' } });
  expect(await check(organization)).toMatchObject({ state: 'failed', error_code: 'PEMS_UNAUTHORIZED' });
  expect(await check(organization)).toMatchObject({ ...clean, records_compared: 5 });
});

test('a comparison whose worker died is repeated from the start by another', async () => {
  const organization = one(
    (await db.owner.query<Organization>("select id, code from app_public.organizations where code = 'DOWN'"))
      .rows,
  );
  await db.owner.query(
    `with c as (
      insert into app_public.pfa_drift_check (organization_id, state, started_at, records_compared, differences_kept)
      values ($1, 'running', now(), 3, 1) returning organization_id, id)
    insert into app_public.pfa_drift_difference (organization_id, check_id, number, kind, pfa_id)
    select organization_id, id, 1, 'missing-in-pems', 'x' from c`,
    [organization.id],
  );
  const { rows } = await db.owner.query<{ id: string }>(
    'select id from app_public.pfa_drift_check where organization_id = $1 order by id desc limit 1',
    [organization.id],
  );
  await db.owner.query(
    "select graphile_worker.add_job('pfa__check_drift', json_build_object('organizationId', $1::int, 'checkId', $2::int))",
    [organization.id, rows[0]!.id],
  );
  expect(await ended(organization, rows[0]!.id)).toMatchObject({ ...clean, records_compared: 5 });
  expect(await differences(organization, rows[0]!.id)).toEqual([]);
});
