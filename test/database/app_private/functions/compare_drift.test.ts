import { beforeEach, expect, test } from 'vitest';
import { testDatabase } from '../../../support/database.ts';
import {
  makeMember,
  makeOrganization,
  one,
  putRecords,
  stage,
  type Organization,
} from '../../../support/make.ts';

const db = await testDatabase();

let org: Organization;
let check: string;
beforeEach(async () => {
  org = await makeOrganization(db);
  await putRecords(
    db,
    org,
    ['a', 'b', 'c'].map((pfaId) => ({ pfaId, model: 'M' })),
  );
  const { rows } = await db.owner.query<{ id: string }>(
    'select id from app_private.queue_drift_check($1, null, null)',
    [org.id],
  );
  check = one(rows).id;
  await db.worker.query('select app_private.begin_drift_check($1, $2)', [org.id, check]);
});

const now = async () =>
  one((await db.owner.query<{ now: string }>('select clock_timestamp()::text as now')).rows).now;
const row = (pfaId: string, model: string, requestedAt: string) => ({
  ...{ pfaId, requestedAt, receivedAt: requestedAt },
  data: { pfaId, organization: org.code, model },
});
const observe = (pfaId: string) =>
  db.owner.query(
    `update app_core.pfa_mirror set data = data || '{"model": "confirmed"}', observed_at = clock_timestamp()
    where organization_id = $1 and pfa_id = $2`,
    [org.id, pfaId],
  );
async function compare(pfaIds: string[] | null, begunAt: string, isLast = false) {
  const { rows } = await db.worker.query<{ moved: string[] | null }>(
    'select app_private.compare_drift($1, $2, $3, $4, $5) as moved',
    [org.id, check, pfaIds, begunAt, isLast],
  );
  return one(rows).moved;
}
async function counts() {
  const { rows } = await db.owner.query<Record<string, number>>(
    'select records_compared, records_differing, missing_in_pems, left_out, differences_kept from app_public.pfa_drift_check where id = $1',
    [check],
  );
  return one(rows);
}

test('compares records again that were observed after the request, and finally leaves them out', async () => {
  const begun = await now();
  await stage(db.worker, org, `-${check}`, [row('a', 'M', begun), row('b', 'other', begun)]);
  // One record with an old response, and one without: PEMS may have been asked before the record existed.
  await observe('a');
  await observe('c');
  expect(await compare(null, begun)).toEqual(['a', 'c']);
  expect(await counts()).toMatchObject({
    records_compared: 1,
    records_differing: 1,
    missing_in_pems: 0,
    left_out: 0,
  });

  const again = await now();
  await stage(db.worker, org, `-${check}`, [row('a', 'confirmed', again)]);
  await observe('c');
  expect(await compare(['a', 'c'], again, true)).toEqual(['c']);
  expect(await counts()).toEqual({
    ...{ records_compared: 2, records_differing: 1, missing_in_pems: 0 },
    ...{ left_out: 1, differences_kept: 1 },
  });
});

test('reports an unchanged record without a response as missing', async () => {
  const begun = await now();
  await stage(db.worker, org, `-${check}`, [row('a', 'M', begun), row('b', 'M', begun)]);
  expect(await compare(null, begun)).toBeNull();
  expect(await counts()).toMatchObject({ records_compared: 3, missing_in_pems: 1, differences_kept: 1 });
});

test('compares only the sample', async () => {
  const begun = await now();
  await stage(db.worker, org, `-${check}`, [row('a', 'M', begun)]);
  expect(await compare(['a'], begun)).toBeNull();
  expect(await counts()).toMatchObject({ records_compared: 1, missing_in_pems: 0 });
});

test('does not touch the rows of a run, and a new run keeps its rows', async () => {
  const begun = await now();
  await stage(db.worker, org, '77', [row('a', 'of a run', begun)]);
  await stage(
    db.worker,
    org,
    `-${check}`,
    ['a', 'b', 'c'].map((id) => row(id, 'M', begun)),
  );
  expect(await compare(null, begun)).toBeNull();
  expect(await counts()).toMatchObject({ records_compared: 3, records_differing: 0 });
  const { rows } = await db.owner.query(
    'select run_id from app_private.pfa_staging where organization_id = $1',
    [org.id],
  );
  expect(rows).toEqual([{ run_id: '77' }]);
});

test('requests join a waiting comparison; the larger sample counts', async () => {
  const other = await makeOrganization(db);
  const queue = async (sample: number | null) => {
    const { rows } = await db.owner.query<{ id: string; sample: number | null }>(
      'select id, sample from app_private.queue_drift_check($1, $2, null)',
      [other.id, sample],
    );
    return one(rows);
  };
  const first = await queue(10);
  expect(await queue(5)).toEqual({ id: first.id, sample: 10 });
  expect(await queue(20)).toEqual({ id: first.id, sample: 20 });
  expect(await queue(null)).toEqual({ id: first.id, sample: null });
  expect(await queue(20)).toEqual({ id: first.id, sample: null });
  for (const sample of [0, 10_001]) await expect(queue(sample)).rejects.toMatchObject({ code: 'VG400' });
});

test('owners and admins of the organization may request and see comparisons; members and others may not', async () => {
  const ask = 'select id from app_public.check_drift($1, 10)';
  const see = 'select id from app_public.pfa_drift_check where organization_id = $1';
  for (const role of ['owner', 'admin'] as const) {
    await db.asUser(await makeMember(db, org, role), async (client) => {
      expect((await client.query(ask, [org.id])).rows).toHaveLength(1);
      expect((await client.query(see, [org.id])).rows).toHaveLength(2);
    });
  }
  const member = await makeMember(db, org);
  await db.asUser(member, async (client) => expect((await client.query(see, [org.id])).rows).toEqual([]));
  await expect(db.asUser(member, (client) => client.query(ask, [org.id]))).rejects.toMatchObject({
    code: 'VG403',
  });
  const outsider = await makeMember(db, await makeOrganization(db), 'owner');
  await expect(db.asUser(outsider, (client) => client.query(ask, [org.id]))).rejects.toMatchObject({
    code: 'VG404',
  });
});

test('deletes ended comparisons with their differences, and no others', async () => {
  const begun = await now();
  await compare(null, begun);
  const remove = async () =>
    one(
      (await db.worker.query<{ n: number }>("select app_private.delete_drift_checks('90 days', 10) as n"))
        .rows,
    ).n;
  expect(await remove()).toBe(0);
  await db.worker.query('select app_private.end_drift_check($1, $2)', [org.id, check]);
  expect(await remove()).toBe(0);
  await db.owner.query(
    "update app_public.pfa_drift_check set finished_at = now() - interval '91 days' where id = $1",
    [check],
  );
  expect(await remove()).toBe(1);
  const { rows } = await db.owner.query('select from app_public.pfa_drift_difference where check_id = $1', [
    check,
  ]);
  expect(rows).toEqual([]);
});
