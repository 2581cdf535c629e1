import fc from 'fast-check';
import { expect, test } from 'vitest';
import { testDatabase } from '../../../support/database.ts';
import { costCents } from '../../../support/plain.ts';

const db = await testDatabase();

type Case = [
  source: string | null,
  first: string | null,
  last: string | null,
  rate: string | null,
  price: string | null,
];

/** Checks many at once, because the round trip takes most of the time. */
async function costs(cases: Case[]): Promise<string[]> {
  const { rows } = await db.owner.query<{ cents: string }>(
    `select app_core.cost_cents(c->>0, (c->>1)::date, (c->>2)::date, (c->>3)::numeric, (c->>4)::numeric) as cents
    from jsonb_array_elements($1) with ordinality e (c, n) order by n`,
    [JSON.stringify(cases)],
  );
  return rows.map(({ cents }) => cents);
}

test.each<[what: string, c: Case, cents: string]>([
  [
    'a month of 30.44 days is no whole number of days',
    ['Rental', '2026-01-01', '2026-01-31', '3044', '1'],
    '300000',
  ],
  ['a day', ['Rental', '2026-01-01', '2026-01-02', '30.44', null], '100'],
  ['rounded once, half away from zero', ['Rental', '2026-01-01', '2026-01-02', '0.1522', null], '1'],
  ['just below the half', ['Rental', '2026-01-01', '2026-01-02', '0.1521', null], '0'],
  ['an end before the start costs nothing', ['Rental', '2026-01-02', '2026-01-01', '3044', '1'], '0'],
  ['a rental without a rate', ['Rental', '2026-01-01', '2026-01-31', null, '500'], '0'],
  ['a rental without an end', ['Rental', '2026-01-01', null, '3044', null], '0'],
  ['a rental without a start', ['Rental', null, '2026-01-31', '3044', null], '0'],
  ['a purchase does not mind dates', ['Purchase', null, null, '3044', '1234.56'], '123456'],
  ['a purchase without a price', ['Purchase', '2026-01-01', '2026-01-31', '3044', null], '0'],
  ['neither rented nor purchased', ['Loan', '2026-01-01', '2026-01-31', '3044', '500'], '0'],
  ['nothing known', [null, null, null, null, null], '0'],
])('%s', async (_, c, cents) => {
  expect(await costs([c])).toEqual([cents]);
});

test('equals exact rational arithmetic', async () => {
  const day = fc.option(
    fc
      .date({ min: new Date('2000-01-01'), max: new Date('2049-12-31'), noInvalidDate: true })
      .map((d) => d.toISOString().slice(0, 10)),
    { freq: 10 },
  );
  const amount = fc.option(
    fc.tuple(fc.bigInt(0n, 999_999_999_99n), fc.integer({ min: 0, max: 2 })).map(([units, scale]) => {
      const digits = String(units).padStart(scale + 1, '0');
      return scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
    }),
    { freq: 10 },
  );
  const source = fc.constantFrom('Rental', 'Rental', 'Purchase', 'Other', null);
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(source, day, day, amount, amount), { minLength: 200, maxLength: 300 }),
      async (cases) => {
        expect(await costs(cases)).toEqual(cases.map((c) => String(costCents(...c))));
      },
    ),
    { numRuns: 20 },
  );
});
