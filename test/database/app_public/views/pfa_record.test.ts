import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { testDatabase } from '../../../support/database.ts';
import { makeMember, makeOrganization, makeUser, one, putRecords } from '../../../support/make.ts';
import {
  answered,
  arbitraryDelta,
  arbitraryRecord,
  expected,
  plantModification,
  recordOf,
} from '../../../support/merged.ts';
import { costsOf, usd } from '../../../support/plain.ts';

const db = await testDatabase();
const administrator = await makeUser(db, 'admin');

const recordCount = 3;
const modification = fc.record({
  record: fc.nat(recordCount - 1),
  user: fc.nat(2),
  state: fc.constantFrom('draft', 'draft', 'committed', 'syncing', 'synced'),
  delta: arbitraryDelta,
  hasProblem: fc.boolean(),
});
const mirror = fc.array(arbitraryRecord, { minLength: recordCount, maxLength: recordCount });

test('records, totals and bounds equal the plain definition mirror || pending || draft, for each user', async () => {
  await fc.assert(
    fc.asyncProperty(
      mirror,
      fc.array(modification, { maxLength: 10 }),
      mirror,
      fc.integer({ min: 1, max: recordCount }),
      fc.boolean(),
      async (first, modifications, second, kept, refreshBetween) => {
        const org = await makeOrganization(db);
        const users = [
          await makeMember(db, org),
          await makeMember(db, org, 'owner'),
          await makeMember(db, org, 'viewer'),
        ];
        const agree = async () => {
          for (const user of [...users, administrator]) {
            expect(await answered(db, org, user)).toEqual(await expected(db, org, user));
          }
        };

        await putRecords(
          db,
          org,
          first.map((data, i) => recordOf(i, data)),
        );
        await agree();
        if (refreshBetween) await db.worker.query('select app_private.refresh_summaries()');
        const drafted = new Set<string>();
        for (const { record, user, state, delta, hasProblem } of modifications) {
          if (state === 'draft' && drafted.has(`${record} ${user}`)) continue;
          if (state === 'draft') drafted.add(`${record} ${user}`);
          const problems =
            state === 'draft' && hasProblem ? { [Object.keys(delta)[0] ?? '']: { kind: 'refused' } } : {};
          await plantModification(db, org, `r${record}`, users[user] ?? 0, delta, state, problems);
        }
        await agree();
        // PEMS changes all records and loses some, which count as removed after the second miss.
        for (let run = 0; run < 2; run++) {
          await putRecords(
            db,
            org,
            second.slice(0, kept).map((data, i) => recordOf(i, data)),
          );
        }
        await agree();
        // PEMS has them again.
        await putRecords(
          db,
          org,
          second.map((data, i) => recordOf(i, data)),
        );
        await agree();
        await db.worker.query('select app_private.refresh_summaries()');
        await agree();
      },
    ),
    { numRuns: 15 },
  );
});

describe('columns', () => {
  test('columns hold the values of data, in their types', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(arbitraryRecord, { minLength: 20, maxLength: 20 }), async (records) => {
        const org = await makeOrganization(db);
        const user = await makeMember(db, org);
        await putRecords(
          db,
          org,
          records.map((data, i) => recordOf(100 + i, data)),
        );
        const { rows } = await db.asUser(user, (client) =>
          client.query<{ row: Record<string, unknown> }>(
            `select to_jsonb(r) || jsonb_build_object('plan_cost', plan_cost::text, 'forecast_cost', forecast_cost::text,
              'actual_cost', actual_cost::text, 'variance', variance::text, 'forecast_cost_cents', forecast_cost_cents::text) as row
            from app_public.pfa_record r where organization_id = $1 order by pfa_id`,
            [org.id],
          ),
        );
        expect(rows.map(({ row }) => row)).toMatchObject(
          records.map((data, i) => {
            const costs = costsOf(data);
            return {
              pfa_id: `r${100 + i}`,
              organization_id: org.id,
              category: data.category ?? null,
              source: data.source ?? null,
              monthly_rate: data.monthlyRate ?? null,
              purchase_price: data.purchasePrice ?? null,
              original_source: data.originalSource ?? null,
              original_monthly_rate: data.originalMonthlyRate ?? null,
              original_purchase_price: data.originalPurchasePrice ?? null,
              original_start: data.originalStart ?? null,
              forecast_end: data.forecastEnd ?? null,
              actual_end: data.actualEnd ?? null,
              is_actualized: data.isActualized ?? false,
              is_discontinued: data.isDiscontinued ?? false,
              has_plan: data.originalStart !== undefined && data.originalEnd !== undefined,
              has_actuals: data.actualStart !== undefined && data.actualEnd !== undefined,
              plan_cost: usd(costs.plan),
              forecast_cost: usd(costs.forecast),
              actual_cost: usd(costs.actual),
              variance: usd(costs.forecast - costs.plan),
              forecast_cost_cents: String(costs.forecast),
            };
          }),
        );
      }),
      { numRuns: 5 },
    );
  });

  test('dates do not depend on DateStyle', async () => {
    const org = await makeOrganization(db);
    const user = await makeMember(db, org);
    await putRecords(db, org, [{ pfaId: 'a', forecastStart: '2026-04-02' }]);
    await db.asUser(user, async (client) => {
      await client.query("set local datestyle = 'SQL, DMY'");
      const { rows } = await client.query<{ days: number }>(
        'select forecast_start - make_date(2026, 4, 2) as days from app_public.pfa_record where organization_id = $1',
        [org.id],
      );
      expect(one(rows).days).toBe(0);
    });
  });
});

test('of two pending values of a key, the later commit counts', async () => {
  const org = await makeOrganization(db);
  const user = await makeMember(db, org);
  await putRecords(db, org, [{ pfaId: 'a', category: 'Old' }]);
  await plantModification(db, org, 'a', user, { category: 'First', source: 'Rental' }, 'syncing');
  await plantModification(db, org, 'a', administrator, { category: 'Second' }, 'committed');
  const { records } = await answered(db, org, user);
  expect(records).toMatchObject([{ data: { category: 'Second', source: 'Rental' }, is_pending: true }]);
});
