import { expect, test } from 'vitest';
import { refusal, saveDraft } from '../../../support/ask.ts';
import { testDatabase } from '../../../support/database.ts';
import { makeMember, makeOrganization, putRecords, type RecordData } from '../../../support/make.ts';
import { expected, plantModification, sums } from '../../../support/merged.ts';

const db = await testDatabase();
const refresh = () => db.worker.query('select app_private.refresh_summaries()');

/** Ten days at 3,044 USD per month cost 1,000 USD. */
const rental = (pfaId: string, more: Partial<RecordData> = {}): RecordData => ({
  pfaId,
  source: 'Rental',
  monthlyRate: 3044,
  originalStart: '2026-01-01',
  originalEnd: '2026-01-11',
  forecastStart: '2026-01-01',
  forecastEnd: '2026-01-21',
  ...more,
});
const purchase = (pfaId: string, price: number): RecordData => ({
  pfaId,
  source: 'Purchase',
  purchasePrice: price,
});

test('counts and costs, by source, without discontinued and removed records', async () => {
  const org = await makeOrganization(db);
  const user = await makeMember(db, org);
  const lasting = [
    rental('a'),
    rental('b', { isActualized: true, actualStart: '2026-01-01', actualEnd: '2026-01-06' }),
    purchase('c', 12.34),
    rental('d', { isDiscontinued: true }),
    { pfaId: 'e' },
  ];
  await putRecords(db, org, [...lasting, rental('gone')]);
  await putRecords(db, org, lasting);
  await putRecords(db, org, lasting);
  const kpis = {
    record_count: '4',
    actualized_count: '1',
    discontinued_count: '1',
    plan_cost: '2012.34',
    forecast_cost: '4012.34',
    actual_cost: '500.00',
    variance: '2000.00',
    rental_count: '2',
    rental_plan_cost: '2000.00',
    rental_forecast_cost: '4000.00',
    rental_actual_cost: '500.00',
    purchase_count: '1',
    purchase_plan_cost: '12.34',
    purchase_forecast_cost: '12.34',
    purchase_actual_cost: '0.00',
  };
  const seen = () => db.asUser(user, (client) => sums(client, org));
  expect((await seen()).kpis).toEqual(kpis);
  await refresh();
  expect((await seen()).kpis).toEqual(kpis);
});

test('an organization without records has zero counts and costs', async () => {
  const org = await makeOrganization(db);
  const user = await makeMember(db, org);
  const { kpis } = await db.asUser(user, (client) => sums(client, org));
  expect(kpis).toMatchObject({ record_count: '0', plan_cost: '0.00', variance: '0.00' });
});

test('a draft counts at once for its author, and for no other user', async () => {
  const org = await makeOrganization(db);
  const [author, colleague] = [await makeMember(db, org), await makeMember(db, org)];
  await putRecords(db, org, [rental('a'), purchase('b', 10)]);
  await refresh();
  await db.asUser(author, (client) => saveDraft(client, org, 'a', { isDiscontinued: true }), {
    commit: true,
  });
  await db.asUser(author, (client) => saveDraft(client, org, 'b', { source: 'Rental' }), { commit: true });
  const costs = async (user: number) => (await db.asUser(user, (client) => sums(client, org))).kpis;
  expect(await costs(author)).toMatchObject({
    record_count: '1',
    discontinued_count: '1',
    forecast_cost: '0.00',
    purchase_count: '0',
    rental_count: '1',
  });
  expect(await costs(colleague)).toMatchObject({
    record_count: '2',
    discontinued_count: '0',
    forecast_cost: '2010.00',
  });
});

test('a pending change counts for all users, and the total does not jump when PEMS confirms it', async () => {
  const org = await makeOrganization(db);
  const [author, colleague] = [await makeMember(db, org), await makeMember(db, org, 'viewer')];
  await putRecords(db, org, [purchase('a', 10)]);
  await refresh();
  const total = async (user: number) =>
    (await db.asUser(user, (client) => sums(client, org))).kpis?.forecast_cost;
  await plantModification(db, org, 'a', author, { purchasePrice: 25 });
  for (const user of [author, colleague]) expect(await total(user)).toBe('25.00');
  await putRecords(db, org, [purchase('a', 25)]);
  expect(await total(colleague)).toBe('25.00');
  await db.owner.query("update app_core.pfa_modification set state = 'synced' where organization_id = $1", [
    org.id,
  ]);
  await db.owner.query("select app_private.rewrite_overlay($1, '{a}')", [org.id]);
  expect(await total(colleague)).toBe('25.00');
  await refresh();
  expect(await total(colleague)).toBe('25.00');
});

test('a read while a refresh waits to commit counts nothing twice and misses nothing', async () => {
  const org = await makeOrganization(db);
  const user = await makeMember(db, org);
  await putRecords(db, org, [purchase('a', 10)]);
  const seen = async () => (await db.asUser(user, (client) => sums(client, org))).kpis;
  const all = (await expected(db, org, user)).kpis;
  await db.asWorker(async (client) => {
    await client.query('select app_private.refresh_summaries()');
    expect(await seen()).toEqual(all);
  });
  expect(await seen()).toEqual(all);
});

test('a change that commits after the refresh took its snapshot is still counted', async () => {
  const org = await makeOrganization(db);
  const user = await makeMember(db, org);
  await putRecords(db, org, [purchase('a', 10)]);
  await refresh();
  await db.asOwner(
    async (client) => {
      await client.query(
        `insert into app_core.pfa_mirror (organization_id, pfa_id, data, observed_at) values ($1, 'b', '{"source": "Purchase", "purchasePrice": 5}', now())`,
        [org.id],
      );
      await client.query(
        `insert into app_private.pfa_kpi_change (organization_id, source, record_count, actualized_count, discontinued_count, plan_cost_cents, forecast_cost_cents, actual_cost_cents)
        values ($1, 'Purchase', 1, 0, 0, 500, 500, 0)`,
        [org.id],
      );
      await refresh();
    },
    { commit: true },
  );
  const seen = async () => (await db.asUser(user, (client) => sums(client, org))).kpis;
  expect(await seen()).toMatchObject({ record_count: '2', forecast_cost: '15.00' });
  await refresh();
  expect(await seen()).toMatchObject({ record_count: '2', forecast_cost: '15.00' });
});

test('a refresh from a restored backup counts nothing twice', async () => {
  const org = await makeOrganization(db);
  const user = await makeMember(db, org);
  await putRecords(db, org, [purchase('a', 10)]);
  await db.owner.query('refresh materialized view app_private.pfa_kpi_summary');
  const { kpis } = await db.asUser(user, (client) => sums(client, org));
  expect(kpis).toMatchObject({ record_count: '1', forecast_cost: '10.00' });
});

test('treats another organization as unknown', async () => {
  const [org, other] = [await makeOrganization(db), await makeOrganization(db)];
  const user = await makeMember(db, org);
  await putRecords(db, other, [purchase('a', 10)]);
  await db.asUser(user, async (client) => {
    for (const name of ['organizations_kpis', 'organizations_bounds']) {
      for (const id of [other.id, 2_000_000_000]) {
        const ask = `select app_public.${name}(row($1::integer, null, 'X', 'X', null, true, now(), now())::app_public.organizations)`;
        expect(await refusal(client, () => client.query(ask, [id]))).toMatchObject({ code: 'VG404' });
      }
    }
  });
});

test('the largest amounts over the longest times do not overflow', async () => {
  const org = await makeOrganization(db);
  const user = await makeMember(db, org);
  const vast = { monthlyRate: 99_999_999_999.99, forecastStart: '0001-01-01', forecastEnd: '9999-12-31' };
  await putRecords(
    db,
    org,
    [...'abcdefghijk'].map((pfaId) => rental(pfaId, vast)),
  );
  const days = 3_652_058n; // from 0001-01-01 to 9999-12-31
  const each = (days * 9_999_999_999_999n * 100n + 1522n) / 3044n; // cents, rounded
  const total = each * 11n;
  const cost = `${total / 100n}.${String(total % 100n).padStart(2, '0')}`;
  const seen = () => db.asUser(user, (client) => sums(client, org));
  expect((await seen()).kpis).toMatchObject({ forecast_cost: cost, rental_forecast_cost: cost });
  await refresh();
  expect((await seen()).kpis).toMatchObject({ forecast_cost: cost });
});
