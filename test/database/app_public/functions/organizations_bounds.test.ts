import { expect, test } from 'vitest';
import { saveDraft } from '../../../support/ask.ts';
import { testDatabase } from '../../../support/database.ts';
import { makeMember, makeOrganization, putRecords, type RecordData } from '../../../support/make.ts';
import { plantModification, sums } from '../../../support/merged.ts';

const db = await testDatabase();
const refresh = () => db.worker.query('select app_private.refresh_summaries()');
const none = {
  ...{ original_start: null, original_end: null, forecast_start: null, forecast_end: null },
  ...{ actual_start: null, actual_end: null },
};

test('first and last days, without discontinued and removed records, before a refresh and after', async () => {
  const org = await makeOrganization(db);
  const user = await makeMember(db, org);
  const lasting: RecordData[] = [
    { pfaId: 'a', originalStart: '2026-02-01', originalEnd: '2026-03-01', forecastStart: '2026-02-02' },
    { pfaId: 'b', originalStart: '2026-01-01', forecastEnd: '2026-12-31', actualStart: '2026-05-01' },
    { pfaId: 'c', originalStart: '2020-01-01', forecastEnd: '2030-01-01', isDiscontinued: true },
  ];
  await putRecords(db, org, [
    ...lasting,
    { pfaId: 'gone', originalStart: '2019-01-01', actualEnd: '2031-01-01' },
  ]);
  const bounds = async () => (await db.asUser(user, (client) => sums(client, org))).bounds;
  expect(await bounds()).toMatchObject({ original_start: '2019-01-01', actual_end: '2031-01-01' });
  await refresh();
  await putRecords(db, org, lasting);
  await putRecords(db, org, lasting);
  const expected = {
    ...{ original_start: '2026-01-01', original_end: '2026-03-01', forecast_start: '2026-02-02' },
    ...{ forecast_end: '2026-12-31', actual_start: '2026-05-01', actual_end: null },
  };
  expect(await bounds()).toEqual(expected);
  await refresh();
  expect(await bounds()).toEqual(expected);
});

test('an organization without records has none, also when it had some', async () => {
  const org = await makeOrganization(db);
  const user = await makeMember(db, org);
  const bounds = async () => (await db.asUser(user, (client) => sums(client, org))).bounds;
  expect(await bounds()).toEqual(none);
  await putRecords(db, org, [{ pfaId: 'a', forecastStart: '2026-01-01' }]);
  await refresh();
  for (let run = 0; run < 2; run++) await putRecords(db, org, []);
  expect(await bounds()).toEqual(none);
});

test("follow my draft, and everybody's pending changes", async () => {
  const org = await makeOrganization(db);
  const [author, colleague] = [await makeMember(db, org), await makeMember(db, org)];
  await putRecords(db, org, [
    { pfaId: 'a', forecastStart: '2026-01-01', forecastEnd: '2026-02-01' },
    { pfaId: 'b', forecastStart: '2026-01-15', forecastEnd: '2026-01-20' },
  ]);
  await refresh();
  const bounds = async (user: number) => (await db.asUser(user, (client) => sums(client, org))).bounds;
  await db.asUser(author, (client) => saveDraft(client, org, 'a', { isDiscontinued: true }), {
    commit: true,
  });
  expect(await bounds(author)).toMatchObject({ forecast_start: '2026-01-15', forecast_end: '2026-01-20' });
  expect(await bounds(colleague)).toMatchObject({ forecast_start: '2026-01-01', forecast_end: '2026-02-01' });
  await plantModification(db, org, 'b', author, { forecastEnd: '2027-01-01' });
  expect(await bounds(author)).toMatchObject({ forecast_end: '2027-01-01' });
  expect(await bounds(colleague)).toMatchObject({ forecast_end: '2027-01-01' });
});
