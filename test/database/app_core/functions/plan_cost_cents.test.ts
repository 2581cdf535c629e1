import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bulkPreview, saveDraft, type BulkOperation } from '../../../support/ask.ts';
import { testDatabase } from '../../../support/database.ts';
import { makeMember, makeOrganization, one, putRecords, type RecordData } from '../../../support/make.ts';
import { plantModification } from '../../../support/merged.ts';
import { costsOf, type Data } from '../../../support/plain.ts';
import { selectionOf, selectionValue } from '../../../support/select.ts';

const db = await testDatabase();

// 3,044 USD per month of 30.44 days are 100 USD per day.
const days = (first: string, last: string) => ({ originalStart: first, originalEnd: last });
const forecast = (first: string, last: string) => ({ forecastStart: first, forecastEnd: last });

/** Ten records whose plan and forecast have different prices, with costs computed by hand. */
const records: (RecordData & { costs: [plan: string, forecast: string, actual: string] })[] = [
  {
    pfaId: '01 rate doubled',
    ...{ source: 'Rental', originalSource: 'Rental', monthlyRate: 6088, originalMonthlyRate: 3044 },
    ...days('2026-01-01', '2026-01-31'),
    ...forecast('2026-01-01', '2026-01-31'),
    costs: ['3000.00', '6000.00', '0.00'],
  },
  {
    // 90 days at 1,234.56 per month, 89 days at 1,000 per month.
    pfaId: '02 rate lowered, other days',
    ...{ source: 'Rental', originalSource: 'Rental', monthlyRate: 1000, originalMonthlyRate: 1234.56 },
    ...days('2026-01-01', '2026-04-01'),
    ...forecast('2026-02-01', '2026-05-01'),
    costs: ['3650.14', '2923.78', '0.00'],
  },
  {
    pfaId: '03 price raised',
    ...{
      source: 'Purchase',
      originalSource: 'Purchase',
      purchasePrice: 15_000,
      originalPurchasePrice: 12_345.67,
    },
    ...days('2026-05-01', '2026-05-31'),
    ...forecast('2026-05-01', '2026-05-31'),
    costs: ['12345.67', '15000.00', '0.00'],
  },
  {
    pfaId: '04 planned as a rental, bought',
    ...{ source: 'Purchase', originalSource: 'Rental', purchasePrice: 25_000, originalMonthlyRate: 3044 },
    ...days('2026-03-01', '2026-04-30'),
    ...forecast('2026-03-10', '2026-04-30'),
    costs: ['6000.00', '25000.00', '0.00'],
  },
  {
    // A plan of a single day costs the full price of a purchase.
    pfaId: '05 planned as a purchase, rented',
    ...{ source: 'Rental', originalSource: 'Purchase', monthlyRate: 1522, originalPurchasePrice: 40_000.5 },
    ...days('2026-05-15', '2026-05-15'),
    ...forecast('2026-06-01', '2026-06-15'),
    costs: ['40000.50', '700.00', '0.00'],
  },
  {
    pfaId: '06 no plan rate in PEMS',
    ...{ source: 'Rental', monthlyRate: 3044 },
    ...days('2026-01-01', '2026-01-11'),
    ...forecast('2026-01-01', '2026-01-21'),
    costs: ['1000.00', '2000.00', '0.00'],
  },
  {
    pfaId: '07 planned for nothing',
    ...{ source: 'Rental', monthlyRate: 3044, originalMonthlyRate: 0 },
    ...days('2026-01-01', '2026-01-11'),
    ...forecast('2026-01-01', '2026-01-11'),
    costs: ['0.00', '1000.00', '0.00'],
  },
  {
    pfaId: '08 a plan rate without plan days',
    ...{ source: 'Rental', monthlyRate: 6088, originalMonthlyRate: 3044 },
    ...forecast('2026-01-01', '2026-01-11'),
    costs: ['0.00', '2000.00', '0.00'],
  },
  {
    pfaId: '09 on site: billed at the rate of the forecast',
    ...{ source: 'Rental', originalSource: 'Rental', monthlyRate: 4566, originalMonthlyRate: 3044 },
    ...days('2026-01-01', '2026-01-11'),
    ...forecast('2026-01-01', '2026-01-11'),
    ...{ isActualized: true, actualStart: '2026-01-05', actualEnd: '2026-01-25' },
    costs: ['1000.00', '1500.00', '3000.00'],
  },
  {
    pfaId: '10 discontinued',
    ...{ source: 'Rental', originalSource: 'Rental', monthlyRate: 6088, originalMonthlyRate: 3044 },
    ...{ ...days('2026-01-01', '2026-01-31'), ...forecast('2026-01-01', '2026-01-31'), isDiscontinued: true },
    costs: ['3000.00', '6000.00', '0.00'],
  },
];

const organization = await makeOrganization(db);
const viewer = await makeMember(db, organization, 'viewer');
await putRecords(
  db,
  organization,
  records.map(({ costs: _, ...record }) => record),
);

describe('ten records with costs computed by hand', () => {
  test('each record costs what its plan and its forecast say', async () => {
    const { rows } = await db.asUser(viewer, (client) =>
      client.query(
        `select pfa_id, plan_cost::text, forecast_cost::text, actual_cost::text, (plan_cost + variance)::text as sum
        from app_public.pfa_record where organization_id = $1 order by pfa_id`,
        [organization.id],
      ),
    );
    expect(rows).toEqual(
      records.map(({ pfaId: pfa_id, costs: [plan_cost, forecast_cost, actual_cost] }) => ({
        ...{ pfa_id, plan_cost, forecast_cost, actual_cost, sum: forecast_cost },
      })),
    );
  });

  test.each(['before', 'after'])('totals %s the summary is refreshed', async (when) => {
    if (when === 'after') await db.worker.query('select app_private.refresh_summaries()');
    const { rows } = await db.asUser(viewer, (client) =>
      client.query(
        'select k.* from app_public.organizations o cross join lateral app_public.organizations_kpis(o) k where o.id = $1',
        [organization.id],
      ),
    );
    expect(one(rows)).toMatchObject({
      ...{ record_count: '9', discontinued_count: '1' },
      ...{ plan_cost: '66996.31', forecast_cost: '56123.78', actual_cost: '3000.00', variance: '-10872.53' },
      // Groups by the source of the forecast, so that a record and its variance are in one group.
      ...{ rental_count: '7', rental_plan_cost: '48650.64', rental_forecast_cost: '16123.78' },
      ...{ purchase_count: '2', purchase_plan_cost: '18345.67', purchase_forecast_cost: '40000.00' },
    });
  });

  test('spreads a plan over months by its own source', async () => {
    const ids = [records[3]!.pfaId, records[4]!.pfaId];
    const { rows } = await db.asUser(viewer, (client) =>
      client.query(
        `select s.group_value as month, s.plan_cost::text as plan, s.forecast_cost::text as forecast
        from app_public.organizations o
        cross join lateral app_public.organizations_sums(o, 'month', ${selectionOf(2)}) s where o.id = $1`,
        [organization.id, selectionValue({ recordIds: ids })],
      ),
    );
    expect(rows).toEqual([
      { month: '2026-03', plan: '3100.00', forecast: '25000.00' },
      { month: '2026-04', plan: '2900.00', forecast: '0.00' },
      { month: '2026-05', plan: '40000.50', forecast: '0.00' },
      { month: '2026-06', plan: '0.00', forecast: '700.00' },
    ]);
  });
});

describe('changes', () => {
  /** A record with a plan rate, and one without. */
  const changed = async () => {
    const org = await makeOrganization(db);
    const author = await makeMember(db, org);
    const rental = { source: 'Rental', monthlyRate: 3044, ...days('2026-01-01', '2026-01-31') };
    const both = { ...rental, ...forecast('2026-01-01', '2026-01-31') };
    await putRecords(db, org, [
      { ...both, pfaId: 'planned', originalSource: 'Rental', originalMonthlyRate: 3044 },
      { ...both, pfaId: 'unplanned' },
    ]);
    const seen = () =>
      db.asUser(author, async (client) => {
        const { rows } = await client.query<{ id: string; plan: string; variance: string }>(
          `select pfa_id as id, plan_cost::text as plan, variance::text from app_public.pfa_record
          where organization_id = $1 order by pfa_id`,
          [org.id],
        );
        const { rows: totals } = await client.query<{ plan: string; variance: string }>(
          `select k.plan_cost::text as plan, k.variance::text from app_public.organizations o
          cross join lateral app_public.organizations_kpis(o) k where o.id = $1`,
          [org.id],
        );
        return { ...Object.fromEntries(rows.map(({ id, ...costs }) => [id, costs])), all: one(totals) };
      });
    return { org, author, seen };
  };
  const untouched = {
    ...{ planned: { plan: '3000.00', variance: '0.00' }, unplanned: { plan: '3000.00', variance: '0.00' } },
    all: { plan: '6000.00', variance: '0.00' },
  };

  test.each(['draft', 'committed'] as const)(
    'a rate that is %s makes a variance if PEMS has a plan rate',
    async (state) => {
      const { org, author, seen } = await changed();
      expect(await seen()).toEqual(untouched);
      for (const id of ['planned', 'unplanned'])
        await plantModification(db, org, id, author, { monthlyRate: 4566 }, state);
      expect(await seen()).toEqual({
        planned: { plan: '3000.00', variance: '1500.00' },
        // Without a plan value of PEMS, the plan uses the forecast that the user sees.
        unplanned: { plan: '4500.00', variance: '0.00' },
        all: { plan: '7500.00', variance: '1500.00' },
      });
    },
  );

  test('a changed source leaves the plan a rental if PEMS planned one', async () => {
    const { org, author, seen } = await changed();
    for (const id of ['planned', 'unplanned'])
      await plantModification(db, org, id, author, { source: 'Purchase', purchasePrice: 5000 }, 'draft');
    expect(await seen()).toEqual({
      planned: { plan: '3000.00', variance: '2000.00' },
      unplanned: { plan: '5000.00', variance: '0.00' },
      all: { plan: '8000.00', variance: '2000.00' },
    });
  });

  test('a change of the plan by PEMS updates the record, and the total before the next refresh', async () => {
    const { org, seen } = await changed();
    await db.worker.query('select app_private.refresh_summaries()');
    const kept = { pfaId: 'unplanned', source: 'Rental', monthlyRate: 3044 };
    const dates = { ...days('2026-01-01', '2026-01-31'), ...forecast('2026-01-01', '2026-01-31') };
    await putRecords(db, org, [
      { ...kept, ...dates },
      { ...kept, ...dates, pfaId: 'planned', originalSource: 'Rental', originalMonthlyRate: 1522 },
    ]);
    const now = {
      ...{
        planned: { plan: '1500.00', variance: '1500.00' },
        unplanned: { plan: '3000.00', variance: '0.00' },
      },
      all: { plan: '4500.00', variance: '1500.00' },
    };
    expect(await seen()).toEqual(now);
    await db.worker.query('select app_private.refresh_summaries()');
    expect(await seen()).toEqual(now);
  });

  test('a bulk preview shows the new plan and forecast cost', async () => {
    const { org, author } = await changed();
    await db.asUser(author, async (client) => {
      const after = async (operation: BulkOperation) => {
        const preview = await bulkPreview(client, org, { everything: true }, operation);
        return { plan: preview.plan_cost_after, forecast: preview.forecast_cost_after };
      };
      expect(await after({ set: { monthlyRate: 4566 } })).toEqual({ plan: 7500, forecast: 9000 });
      expect(await after({ set: { source: 'Purchase', purchasePrice: 5000 } })).toEqual({
        plan: 8000,
        forecast: 10_000,
      });
      // A reset to the plan changes the dates only. The rate of the forecast stays.
      await saveDraft(client, org, 'planned', { forecastEnd: '2026-02-10', monthlyRate: 4566 });
      expect(await after({ reset_to_plan: true })).toEqual({ plan: 6000, forecast: 7500 });
    });
  });
});

test('equals exact rational arithmetic, with any plan values of PEMS', async () => {
  const amount = fc.integer({ min: 0, max: 99_999_999 }).map((cents) => cents / 100);
  const day = fc
    .integer({ min: 0, max: 400 })
    .map((n) => new Date(Date.UTC(2026, 0, n)).toISOString().slice(0, 10));
  const source = fc.constantFrom('Rental', 'Purchase', 'Loan');
  const record = fc.record(
    {
      ...{ source, originalSource: source, originalStart: day, originalEnd: day },
      ...{ monthlyRate: amount, originalMonthlyRate: fc.option(amount), purchasePrice: amount },
      ...{ originalPurchasePrice: amount, forecastStart: day },
    },
    { requiredKeys: [] },
  ) as fc.Arbitrary<Data>;
  await fc.assert(
    fc.asyncProperty(fc.array(record, { minLength: 200, maxLength: 300 }), async (cases) => {
      const { rows } = await db.owner.query<{ cents: string }>(
        `select app_core.plan_cost_cents(data) as cents from jsonb_array_elements($1) with ordinality e (data, n) order by n`,
        [JSON.stringify(cases)],
      );
      expect(rows.map(({ cents }) => cents)).toEqual(cases.map((data) => String(costsOf(data).plan)));
    }),
    { numRuns: 20 },
  );
});
