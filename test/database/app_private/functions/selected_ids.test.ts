import { describe, expect, test } from 'vitest';
import { refusal } from '../../../support/ask.ts';
import { testDatabase } from '../../../support/database.ts';
import { makeMember, makeOrganization, putRecords, type Json } from '../../../support/make.ts';
import { asOwnerFor, selectedIds, type Selection } from '../../../support/select.ts';

const db = await testDatabase();

const org = await makeOrganization(db);
const user = await makeMember(db, org);
await putRecords(db, org, [
  {
    pfaId: 'a',
    category: 'Cranes',
    class: 'Tower',
    source: 'Rental',
    monthlyRate: 100,
    forecastStart: '2026-01-01',
    forecastEnd: '2026-03-01',
  },
  { pfaId: 'b', category: 'Cranes', source: 'Purchase', purchasePrice: 12.5, isDiscontinued: true },
  { pfaId: 'c', category: 'it\'s "quoted" \\ %', dor: 'BEO', forecastStart: '2027-05-31' },
  { pfaId: 'd' },
]);
const selected = (selection: Selection) =>
  asOwnerFor(db, user, (client) => selectedIds(client, org, selection));

test.each<[Selection, string[]]>([
  [{ everything: true }, ['a', 'b', 'c', 'd']],
  [{ recordIds: ['d', 'a', 'd', 'nobody'] }, ['a', 'd']],
  [{ recordIds: [] }, []],
  [{ filter: { category: { equalTo: 'Cranes' } } }, ['a', 'b']],
  [{ filter: { category: { notEqualTo: 'Cranes' } } }, ['c']],
  [{ filter: { category: { equalTo: 'it\'s "quoted" \\ %' } } }, ['c']],
  [{ filter: { category: { in: ['Cranes', 'x'] }, isDiscontinued: { equalTo: false } } }, ['a']],
  [{ filter: { class: { isNull: true } } }, ['b', 'c', 'd']],
  [{ filter: { class: { isNull: false } } }, ['a']],
  [{ filter: { not: { class: { isNull: true } } } }, ['a']],
  [{ filter: { forecastStart: { greaterThan: '2026-01-01' } } }, ['c']],
  [{ filter: { forecastStart: { in: ['2026-01-01', '2027-05-31'] } } }, ['a', 'c']],
  [{ filter: { forecastCostCents: { equalTo: 1250 } } }, ['b']],
  [{ filter: { forecastCostCents: { in: ['1250', 0] } } }, ['b', 'c', 'd']],
  [
    {
      filter: {
        or: [
          { pfaId: { lessThanOrEqualTo: 'a' } },
          { and: [{ source: { equalTo: 'Purchase' } }, { dor: { isNull: true } }] },
        ],
      },
    },
    ['a', 'b'],
  ],
  [{ filter: { hasDraft: { equalTo: true } } }, []],
  [{ filter: { category: { equalTo: 'Cranes' } }, recordIds: ['b', 'c'] }, ['b']],
  [{ search: 'cranes' }, ['a', 'b']],
  [{ search: 'cranes', filter: { class: { equalTo: 'Tower' } }, containing: { source: 'Rental' } }, ['a']],
  [{ containing: { dor: 'BEO' }, everything: false }, ['c']],
])('%j', async (selection, ids) => {
  expect(await selected(selection)).toEqual(ids);
});

describe('refuses an invalid selection and names the fault', () => {
  const condition = (depth: number): Json =>
    depth === 0 ? { pfaId: { isNull: false } } : { not: condition(depth - 1) };
  test.each<[string, Selection, RegExp]>([
    ['nothing', {}, /contains no condition/],
    ['everything and more', { everything: true, search: 'x' }, /with conditions/],
    ['a record null', { recordIds: ['a', null] }, /a null record id/],
    ['too many records', { recordIds: Array<string>(20_001).fill('a') }, /20001 records/],
    ['an empty filter', { filter: {} }, /filter is empty/],
    ['an empty part', { filter: { and: [{ not: {} }] } }, /at and\.0\.not is empty/],
    ['a list', { filter: [] }, /not an object/],
    ['no list', { filter: { or: { category: { equalTo: 'x' } } } }, /"or"/],
    ['an empty list', { filter: { and: [] } }, /"and"/],
    ['an empty list of values', { filter: { category: { in: [] } } }, /a list with at least one value/],
    ['null', { filter: { category: null } }, /"category"/],
    ['a key without operators', { filter: { category: {} } }, /"category"/],
    ['an unknown key', { filter: { contract: { equalTo: 'x' } } }, /"contract"/],
    ['a column’s name', { filter: { pfa_id: { equalTo: 'x' } } }, /"pfa_id"/],
    [
      'an unknown operator',
      { filter: { category: { like: 'x' } } },
      /"category" with the unknown operator "like"/,
    ],
    [
      'a number for text',
      { filter: { category: { equalTo: 1 } } },
      /"category" with the operator "equalTo".*text/,
    ],
    [
      'null for text',
      { filter: { category: { equalTo: null } } },
      /"category" with the operator "equalTo".*text/,
    ],
    [
      'text for a flag',
      { filter: { hasDraft: { equalTo: 'true' } } },
      /"hasDraft" with the operator "equalTo".*true or false/,
    ],
    [
      'isNull of no flag',
      { filter: { dor: { isNull: 'no' } } },
      /"dor" with the operator "isNull".*true or false/,
    ],
    [
      'no day',
      { filter: { forecastEnd: { lessThan: '2026-02-30' } } },
      /"forecastEnd" with the operator "lessThan".*valid date/,
    ],
    [
      'a day in words',
      { filter: { forecastEnd: { lessThan: 'tomorrow' } } },
      /"forecastEnd" with the operator "lessThan".*valid date/,
    ],
    [
      'a fraction of a cent',
      { filter: { forecastCostCents: { equalTo: 1.5 } } },
      /"forecastCostCents".*whole number/,
    ],
    [
      'too large a number',
      { filter: { forecastCostCents: { equalTo: '9223372036854775808' } } },
      /whole number/,
    ],
    ['no list of values', { filter: { category: { in: 'x' } } }, /"category" with the operator "in".*a list/],
    ['a list with null', { filter: { category: { in: ['x', null] } } }, /a list, each of it text/],
    ['11 levels', { filter: condition(10) }, /deeper than 10/],
    ['201 conditions', { filter: { or: Array<Json>(201).fill({ dor: { isNull: true } }) } }, /more than 200/],
    ['a search for no object', { containing: [1] }, /not an object/],
  ])('%s', async (_what, selection, message) => {
    const refused = await asOwnerFor(db, user, (client) =>
      refusal(client, () => selectedIds(client, org, selection)),
    );
    expect(refused).toMatchObject({ code: 'VG400', message: expect.stringMatching(message) as string });
    expect(refused.hint).toBeTruthy();
  });

  test('accepts as many as are allowed', async () => {
    expect(await selected({ filter: condition(9) })).toBeInstanceOf(Array);
    expect(await selected({ filter: { or: Array<Json>(200).fill({ dor: { isNull: true } }) } })).toEqual([
      'a',
      'b',
      'd',
    ]);
    expect(await selected({ recordIds: Array<string>(20_000).fill('a') })).toEqual(['a']);
  });
});

test.each(["' or true --", "'); drop table app_core.pfa_mirror; --", '$2', '%s %I', '\\', '{a,b}', '"x"'])(
  'treats SQL as text, wherever it is: %j',
  async (sql) => {
    for (const filter of [
      { category: { equalTo: sql } },
      { category: { in: [sql, `${sql}'`] } },
      { and: [{ or: [{ pfaId: { equalTo: sql } }] }] },
    ] as Json[])
      expect(await selected({ filter })).toEqual([]);
    expect(await selected({ recordIds: [sql] })).toEqual([]);
    for (const filter of [
      { [sql]: { equalTo: 'x' } },
      { category: { [sql]: 'x' } },
      { [sql]: [{ hasDraft: { equalTo: true } }] },
    ])
      expect(
        await asOwnerFor(db, user, (client) => refusal(client, () => selectedIds(client, org, { filter }))),
      ).toMatchObject({ code: 'VG400' });
  },
);

test('a viewer may select; other users get an unknown organization', async () => {
  const viewer = await makeMember(db, org, 'viewer');
  const outsider = await makeMember(db, await makeOrganization(db));
  expect(
    await asOwnerFor(db, viewer, (client) => selectedIds(client, org, { everything: true })),
  ).toHaveLength(4);
  expect(
    await asOwnerFor(db, outsider, (client) =>
      refusal(client, () => selectedIds(client, org, { everything: true })),
    ),
  ).toMatchObject({ code: 'VG404' });
});

test('it is not published', async () => {
  await db.asUser(user, async (client) => {
    expect(await refusal(client, () => selectedIds(client, org, { everything: true }))).toMatchObject({
      code: '42501',
    });
  });
});
