import { expect, test } from 'vitest';
import { testDatabase } from '../../../support/database.ts';
import { makeMember, makeOrganization, putRecords } from '../../../support/make.ts';
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
  [{ filter: { category: { in: [] } } }, []],
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
