import fc from 'fast-check';
import type pg from 'pg';
import { describe, expect, test } from 'vitest';
import { refusal, saveDraft } from '../../../support/ask.ts';
import { testDatabase } from '../../../support/database.ts';
import {
  makeMember,
  makeOrganization,
  putRecords,
  type Organization,
  type RecordData,
} from '../../../support/make.ts';
import {
  arbitraryDelta,
  arbitraryRecord,
  plainRecords,
  plantModification,
  recordOf,
} from '../../../support/merged.ts';
import { costsOf, sourceOf, usd, type Data } from '../../../support/plain.ts';
import { selectionOf, selectionValue, type Selection } from '../../../support/select.ts';

const db = await testDatabase();

type Dimension = 'category' | 'class' | 'area' | 'dor' | 'source' | 'month';
type Layer = 'merged' | 'mirror';

interface Sum {
  group_value: string | null;
  record_count: string | null;
  plan_cost: string;
  forecast_cost: string;
  actual_cost: string;
  variance: string;
  plan_months: string | null;
  forecast_months: string | null;
  actual_months: string | null;
}

async function sums(
  client: pg.ClientBase,
  organization: Organization,
  groupBy: Dimension | null,
  layer: Layer = 'merged',
  selection: Selection = {},
): Promise<Sum[]> {
  const { rows } = await client.query<Sum>(
    `select s.* from app_public.organizations o
    cross join lateral app_public.organizations_sums(o, $2, ${selectionOf(4)}, $3) s where o.id = $1`,
    [organization.id, groupBy, layer, selectionValue(selection)],
  );
  return rows;
}

const kinds = ['plan', 'forecast', 'actual'] as const;
const ends = {
  plan: ['originalStart', 'originalEnd'],
  forecast: ['forecastStart', 'forecastEnd'],
  actual: ['actualStart', 'actualEnd'],
} as const;
const dayOf = (value: unknown) => (typeof value === 'string' ? Date.parse(value) / 86_400_000 : null);

/** Rounded half up; neither is negative. */
const rounded = (numerator: bigint, denominator: bigint) =>
  (2n * numerator + denominator) / (2n * denominator);

function months(of: Data[], kind: (typeof kinds)[number]): string {
  const days = of.reduce((sum, data) => {
    const [first, last] = ends[kind].map((key) => dayOf(data[key]));
    return sum + (typeof first !== 'number' || typeof last !== 'number' ? 0 : Math.max(0, last - first));
  }, 0);
  // days / 30.44 in hundredths
  return usd(rounded(BigInt(days) * 10_000n, 3044n));
}

/** Costs and months of records by the value of a key. */
function plainSums(records: Data[], key: string | null): Sum[] {
  const live = records.filter((data) => data.isDiscontinued !== true);
  const groups = new Map<string | null, Data[]>();
  if (key === null) groups.set(null, []);
  for (const data of live) {
    const group = key === null ? null : ((data[key] as string | null | undefined) ?? null);
    groups.set(group, [...(groups.get(group) ?? []), data]);
  }
  return [...groups].map(([group_value, of]) => {
    const cost = (kind: (typeof kinds)[number]) => of.reduce((sum, data) => sum + costsOf(data)[kind], 0n);
    return {
      group_value,
      record_count: String(of.length),
      plan_cost: usd(cost('plan')),
      forecast_cost: usd(cost('forecast')),
      actual_cost: usd(cost('actual')),
      variance: usd(cost('forecast') - cost('plan')),
      plan_months: months(of, 'plan'),
      forecast_months: months(of, 'forecast'),
      actual_months: months(of, 'actual'),
    };
  });
}

/** Costs by month: the cost of every record until the end of each month, as an exact fraction. */
function plainMonths(records: Data[]): Sum[] {
  const live = records.filter((data) => data.isDiscontinued !== true);
  const parts = new Map<string | null, Record<(typeof kinds)[number], bigint>>();
  const add = (month: string | null, kind: (typeof kinds)[number], cents: bigint) => {
    const part = parts.get(month) ?? { plan: 0n, forecast: 0n, actual: 0n };
    part[kind] += cents;
    parts.set(month, part);
  };
  for (const kind of kinds) {
    let before = 0n;
    for (let index = 2023 * 12; index < 2030 * 12; index++) {
      const until = Date.UTC(Math.floor(index / 12), (index % 12) + 1, 1) / 86_400_000;
      let [numerator, denominator] = [0n, 1n];
      for (const data of live) {
        const cents = costsOf(data)[kind];
        const [first, last] = ends[kind].map((key) => dayOf(data[key]));
        if (cents === 0n || typeof first !== 'number') continue;
        const [elapsed, days] =
          sourceOf(data, kind) === 'Rental'
            ? [Math.min(Math.max(until - first, 0), last! - first), last! - first]
            : [first < until ? 1 : 0, 1];
        numerator = numerator * BigInt(days) + cents * BigInt(elapsed) * denominator;
        denominator *= BigInt(days);
      }
      const total = rounded(numerator, denominator);
      add(`${Math.floor(index / 12)}-${String((index % 12) + 1).padStart(2, '0')}`, kind, total - before);
      before = total;
    }
    for (const data of live)
      if (sourceOf(data, kind) === 'Purchase' && dayOf(data[ends[kind][0]]) === null)
        add(null, kind, costsOf(data)[kind]);
  }
  return [...parts]
    .filter(([, part]) => kinds.some((kind) => part[kind] !== 0n))
    .map(([group_value, part]) => ({
      group_value,
      record_count: null,
      plan_cost: usd(part.plan),
      forecast_cost: usd(part.forecast),
      actual_cost: usd(part.actual),
      variance: usd(part.forecast - part.plan),
      plan_months: null,
      forecast_months: null,
      actual_months: null,
    }));
}

const inOrder = (of: Sum[]) =>
  [...of].sort(
    (a, b) =>
      Number(a.group_value === null) - Number(b.group_value === null) ||
      (a.group_value! < b.group_value! ? -1 : 1),
  );

const keys = {
  category: 'category',
  class: 'class',
  area: 'areaSilo',
  dor: 'dor',
  source: 'source',
} as const;
const dimensions: (Dimension | null)[] = [null, 'category', 'class', 'area', 'dor', 'source', 'month'];
const plain = (records: Data[], dimension: Dimension | null) =>
  inOrder(
    dimension === 'month'
      ? plainMonths(records)
      : plainSums(records, dimension === null ? null : keys[dimension]),
  );

test('totals of random records, pending changes and drafts equal the plain definition in each layer', async () => {
  const group = fc.option(fc.constantFrom('A', 'b', 'ü'), { nil: undefined });
  const arbitrary = fc.record({
    records: fc.array(
      fc.tuple(arbitraryRecord, group, group, group).map(([data, dor, area, kind]) => ({
        ...data,
        ...(dor && { dor }),
        ...(area && { areaSilo: area }),
        ...(kind && { class: kind }),
      })),
      { maxLength: 12 },
    ),
    pending: fc.array(arbitraryDelta, { maxLength: 3 }),
    drafts: fc.array(arbitraryDelta, { maxLength: 3 }),
    gone: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(arbitrary, async ({ records, pending, drafts, gone }) => {
      const here = await makeOrganization(db);
      const [member, colleague] = [await makeMember(db, here), await makeMember(db, here)];
      const all = records.map((data, index) => recordOf(index, data as Data));
      await putRecords(db, here, all);
      if (gone && all.length > 1) for (let i = 0; i < 2; i++) await putRecords(db, here, all.slice(1));
      const there = Math.max(1, all.length);
      if (all.length > 0) {
        for (const [i, delta] of pending.entries())
          await plantModification(db, here, `r${(i * 2) % there}`, colleague, delta);
        for (const [i, delta] of drafts.slice(0, there).entries())
          await plantModification(db, here, `r${i}`, member, delta, 'draft');
      }
      const merged = (await plainRecords(db, here, member)).filter((record) => !record.is_removed);
      const mirror = await db.owner.query<{ data: Data }>(
        'select data from app_core.pfa_mirror where organization_id = $1 and removed_at is null',
        [here.id],
      );
      await db.asUser(member, async (client) => {
        for (const dimension of dimensions) {
          expect([dimension, inOrder(await sums(client, here, dimension))]).toEqual([
            dimension,
            plain(
              merged.map(({ data }) => data),
              dimension,
            ),
          ]);
          expect([dimension, inOrder(await sums(client, here, dimension, 'mirror'))]).toEqual([
            dimension,
            plain(
              mirror.rows.map(({ data }) => data),
              dimension,
            ),
          ]);
        }
      });
    }),
    { numRuns: 40 },
  );
}, 120_000);

const org = await makeOrganization(db);
const user = await makeMember(db, org);
const viewer = await makeMember(db, org, 'viewer');
await putRecords(db, org, [
  {
    pfaId: 'a',
    category: 'Cranes',
    source: 'Rental',
    monthlyRate: 3044,
    forecastStart: '2026-01-30',
    forecastEnd: '2026-02-03',
  },
  { pfaId: 'b', category: 'Cranes', source: 'Purchase', purchasePrice: 10, forecastStart: '2026-02-01' },
  { pfaId: 'c', category: 'Pumps', source: 'Purchase', purchasePrice: 5.5 },
  { pfaId: 'd', category: 'Pumps', source: 'Purchase', purchasePrice: 7, isDiscontinued: true },
]);

describe('costs by month', () => {
  test('rentals count by day, with the first and without the last; purchases by their start; records without a start are separate', async () => {
    const rows = await db.asUser(viewer, (client) => sums(client, org, 'month'));
    expect(rows.map((row) => [row.group_value, row.plan_cost, row.forecast_cost, row.actual_cost])).toEqual([
      ['2026-01', '0.00', '200.00', '0.00'],
      ['2026-02', '0.00', '210.00', '0.00'],
      [null, '15.50', '5.50', '0.00'],
    ]);
  });

  test('a rental without a near end, and one in the first days of the calendar', async () => {
    const here = await makeOrganization(db);
    const member = await makeMember(db, here);
    await putRecords(db, here, [
      {
        pfaId: 'a',
        source: 'Rental',
        monthlyRate: 99999999999,
        forecastStart: '0001-01-01',
        forecastEnd: '9999-12-31',
      },
    ]);
    const rows = await db.asUser(member, (client) => sums(client, here, 'month'));
    expect(rows).toHaveLength(602);
    expect([rows[0]?.group_value, rows.at(-1)?.group_value]).toEqual([
      expect.stringMatching(/^before \d{4}-\d\d$/),
      expect.stringMatching(/^after \d{4}-\d\d$/),
    ]);
    const [total] = await db.asUser(member, (client) => sums(client, here, null));
    const cents = (amount: string) => BigInt(amount.replace('.', ''));
    expect(rows.reduce((sum, row) => sum + cents(row.forecast_cost), 0n)).toBe(cents(total!.forecast_cost));
  });
});

test.each([
  ['long before', '0001-01-01', '0001-03-01'],
  ['long after', '9999-10-01', '9999-12-31'],
  ['all the time', '0001-01-01', '9999-12-31'],
])('one record %s does not change the months of the others', async (when, forecastStart, forecastEnd) => {
  const here = await makeOrganization(db);
  const member = await makeMember(db, here);
  const records: RecordData[] = ['2024-02-10', '2026-07-01', '2030-12-31'].map((start, n) => ({
    pfaId: `p${n}`,
    source: 'Purchase',
    purchasePrice: n + 1,
    forecastStart: start,
  }));
  await putRecords(db, here, records);
  const months = async () =>
    (await db.asUser(member, (client) => sums(client, here, 'month'))).flatMap(
      ({ group_value, forecast_cost }) =>
        group_value === null ? [] : [[group_value, forecast_cost] as const],
    );
  const alone = await months();
  expect(alone.map(([month]) => month)).toEqual(['2024-02', '2026-07', '2030-12']);
  const odd = { pfaId: 'odd', source: 'Rental', monthlyRate: 30.44, forecastStart, forecastEnd };
  await putRecords(db, here, [...records, odd]);
  const bounded = await months();
  const cents = (amount: string) => BigInt(amount.replace('.', ''));
  const days = BigInt((Date.parse(forecastEnd) - Date.parse(forecastStart)) / 86_400_000);
  expect(bounded.length).toBeLessThanOrEqual(602);
  expect(bounded.reduce((sum, [, cost]) => sum + cents(cost), 0n)).toBe(600n + days * 100n);
  if (when !== 'all the time') expect(bounded.filter(([month]) => /^\d/.test(month))).toEqual(alone);
  else expect(bounded.find(([month]) => month === '2026-07')).toEqual(['2026-07', '33.00']);
});

describe('of a selection', () => {
  const costs = (selection: Selection, layer?: Layer) =>
    db.asUser(user, async (client) => {
      await saveDraft(client, org, 'c', { category: 'Cranes', purchasePrice: 6 });
      return (await sums(client, org, null, layer, selection)).map((row) => [
        row.record_count,
        row.forecast_cost,
      ]);
    });

  test.each<[Selection, Layer, string[]]>([
    [{}, 'merged', ['3', '416.00']],
    [{}, 'mirror', ['3', '415.50']],
    [{ filter: { category: { equalTo: 'Cranes' } } }, 'merged', ['3', '416.00']],
    [{ filter: { category: { equalTo: 'Cranes' } } }, 'mirror', ['2', '410.00']],
    [{ filter: { hasDraft: { equalTo: true } } }, 'merged', ['1', '6.00']],
    [{ filter: { hasDraft: { equalTo: true } } }, 'mirror', ['0', '0.00']],
    [{ search: 'cranes' }, 'merged', ['3', '416.00']],
    [{ search: 'cranes' }, 'mirror', ['2', '410.00']],
    [{ containing: { category: 'Pumps' } }, 'merged', ['0', '0.00']],
    [{ containing: { category: 'Pumps' } }, 'mirror', ['1', '5.50']],
    [{ recordIds: ['c', 'd'] }, 'mirror', ['1', '5.50']],
  ])('%j, %s', async (selection, layer, expected) => {
    expect(await costs(selection, layer)).toEqual([expected]);
  });

  test('refuses an invalid selection', async () => {
    await db.asUser(user, async (client) => {
      expect(
        await refusal(client, () =>
          sums(client, org, null, 'merged', { filter: { contract: { equalTo: 'x' } } }),
        ),
      ).toMatchObject({ code: 'VG400', message: expect.stringContaining('"contract"') as string });
    });
  });
});

test('hides totals of another organization, however it is requested', async () => {
  const outsider = await makeMember(db, await makeOrganization(db));
  await db.asUser(outsider, async (client) => {
    expect(await sums(client, org, null)).toEqual([]);
    expect(
      await refusal(client, () =>
        client.query(
          `select s.* from app_public.organizations_sums(
            jsonb_populate_record(null::app_public.organizations, jsonb_build_object('id', $1::integer))) s`,
          [org.id],
        ),
      ),
    ).toMatchObject({ code: 'VG404' });
  });
});
