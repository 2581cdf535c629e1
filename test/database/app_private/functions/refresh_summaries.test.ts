import { expect, test } from 'vitest';
import { untilBlocked } from '../../../support/ask.ts';
import { testDatabase } from '../../../support/database.ts';
import { makeMember, makeOrganization, putRecords } from '../../../support/make.ts';
import { sums } from '../../../support/merged.ts';

const db = await testDatabase();
const refresh = () => db.worker.query('select app_private.refresh_summaries()');

test('recomputes both views and deletes the differences that they now contain', async () => {
  const org = await makeOrganization(db);
  const user = await makeMember(db, org);
  await putRecords(db, org, [
    { pfaId: 'a', source: 'Purchase', purchasePrice: 5, forecastStart: '2026-01-01' },
  ]);
  const differences = async () =>
    (await db.owner.query('select from app_private.pfa_kpi_change')).rows.length;
  expect(await differences()).toBe(1);
  await refresh();
  expect(await differences()).toBe(0);
  await db.asUser(user, async (client) => {
    const kpis = await client.query('select source, record_count, plan_cost from app_public.pfa_kpi_summary');
    expect(kpis.rows).toEqual([{ source: 'Purchase', record_count: '1', plan_cost: '5.00' }]);
    const bounds = await client.query('select forecast_start::text from app_public.pfa_timeline_bounds');
    expect(bounds.rows).toEqual([{ forecast_start: '2026-01-01' }]);
  });
});

test('deletes differences that came with a backup from another cluster with later transactions', async () => {
  const org = await makeOrganization(db);
  const user = await makeMember(db, org);
  await putRecords(db, org, [{ pfaId: 'a', source: 'Purchase', purchasePrice: 5 }]);
  await db.owner.query("update app_private.pfa_kpi_change set transaction_id = '9000000000000000'");
  await refresh();
  const { kpis } = await db.asUser(user, (client) => sums(client, org));
  expect(kpis).toMatchObject({ record_count: '1', plan_cost: '5.00' });
});

test('a change that commits between the snapshot and the end of a refresh is kept until the next one', async () => {
  const org = await makeOrganization(db);
  const user = await makeMember(db, org);
  const record = (pfaId: string) => ({ pfaId, source: 'Purchase', purchasePrice: 5 });
  await putRecords(db, org, [record('a')]);
  await refresh();
  const seen = async () => (await db.asUser(user, (client) => sums(client, org))).kpis;
  await db.asOwner(async (client) => {
    // The refresh has finished the first view, and waits for this transaction before the second.
    await client.query('refresh materialized view concurrently app_private.pfa_timeline_bounds');
    const refreshed = refresh();
    await untilBlocked(db);
    await putRecords(db, org, [record('a'), record('b')]);
    await client.query('rollback');
    await refreshed;
  });
  expect(await seen()).toMatchObject({ record_count: '2', plan_cost: '10.00' });
  await refresh();
  expect(await seen()).toMatchObject({ record_count: '2', plan_cost: '10.00' });
});

test('uses no parallel workers, which would take every core from readers', async () => {
  const { rows } = await db.owner.query<{ settings: string[] }>(
    "select proconfig as settings from pg_proc where oid = 'app_private.refresh_summaries()'::regprocedure",
  );
  expect(rows[0]!.settings).toContain('max_parallel_workers_per_gather=0');
});

test('only the worker refreshes', async () => {
  const user = await makeMember(db, await makeOrganization(db));
  const ask = 'select app_private.refresh_summaries()';
  await expect(db.asUser(user, (client) => client.query(ask))).rejects.toMatchObject({ code: '42501' });
  await expect(db.authenticator.query(ask)).rejects.toMatchObject({ code: '42501' });
});
