import { describe, expect, test } from 'vitest';
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

test('an organization without records has no bounds, even if it had some', async () => {
  const org = await makeOrganization(db);
  const user = await makeMember(db, org);
  const bounds = async () => (await db.asUser(user, (client) => sums(client, org))).bounds;
  expect(await bounds()).toEqual(none);
  await putRecords(db, org, [{ pfaId: 'a', forecastStart: '2026-01-01' }]);
  await refresh();
  for (let run = 0; run < 2; run++) await putRecords(db, org, []);
  expect(await bounds()).toEqual(none);
});

test("follow the user's drafts, and pending changes of all users", async () => {
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

describe('if records of the outermost day are overlaid', () => {
  /**
   * Records by the first day of their forecast in the materialized view, and the bounds for a user who moved some of
   * them.
   */
  async function moved(days: string[], indexes: number[], to: string) {
    const org = await makeOrganization(db);
    const user = await makeMember(db, org);
    await putRecords(
      db,
      org,
      days.map((forecastStart, i) => ({ pfaId: `r${i}`, forecastStart, forecastEnd: '2027-01-01' })),
    );
    await refresh();
    for (const i of indexes)
      await db.asUser(user, (client) => saveDraft(client, org, `r${i}`, { forecastStart: to }), {
        commit: true,
      });
    return (await db.asUser(user, (client) => sums(client, org))).bounds;
  }

  test.each<[string, string[], number[], string]>([
    ['another record of that day holds it', ['2026-01-01', '2026-01-01', '2026-01-05'], [0], '2026-01-01'],
    ['else the next day does', ['2026-01-01', '2026-01-01', '2026-01-05'], [0, 1], '2026-01-05'],
    ['or the one after that', ['2026-01-01', '2026-01-05', '2026-01-06'], [0, 1], '2026-01-06'],
    [
      'or a day far away, of which only looking at all records knows',
      ['2026-01-01', '2026-01-05', '2026-05-06'],
      [0, 1],
      '2026-05-06',
    ],
    ['or the day that they were moved to', ['2026-01-01', '2026-06-01'], [0, 1], '2026-06-02'],
  ])('%s', async (_, days, indexes, expected) => {
    expect(await moved(days, indexes, '2026-06-02')).toMatchObject({
      forecast_start: expected,
      forecast_end: '2027-01-01',
    });
  });

  test('an earlier day than all others becomes the first', async () => {
    expect(await moved(['2026-01-01', '2026-01-02'], [1], '2025-01-01')).toMatchObject({
      forecast_start: '2025-01-01',
    });
  });

  test('no record has a day any more', async () => {
    const org = await makeOrganization(db);
    const user = await makeMember(db, org);
    await putRecords(db, org, [{ pfaId: 'a', forecastStart: '2026-01-01', originalStart: '2026-01-01' }]);
    await refresh();
    await db.asUser(user, (client) => saveDraft(client, org, 'a', { forecastStart: null }), { commit: true });
    expect((await db.asUser(user, (client) => sums(client, org))).bounds).toMatchObject({
      forecast_start: null,
      original_start: '2026-01-01',
    });
  });
});
