import { beforeEach, expect, test } from 'vitest';
import type { Organization } from '../support/make.ts';
import { idOf, testWorld } from './world.ts';

// A PEMS whose grid changes its format, and the effect on the mirror.

const codes = ['LOST', 'NAMES', 'BLANK', 'HEADS', 'ORDER', 'COMMA', 'IDS', 'PADS', 'NOID', 'PAGES'] as const;
const world = await testWorld(Object.fromEntries(codes.map((code) => [code, 120])), {
  dateFormat: 'MM/DD/YYYY',
});
await world.startWorker();

let org: Organization;
let before: Awaited<ReturnType<typeof world.mirror>>;
let place = 0;
beforeEach(async () => {
  const code = codes[place++]!;
  org = await world.organization(code, {
    pageSize: code === 'PAGES' ? 50 : 10_000,
    requestType: code === 'HEADS' ? 'LIST.HEAD_DATA.STORED' : 'LIST.DATA_ONLY.STORED',
  });
  expect(await world.sync(org)).toMatchObject({ state: 'succeeded', rows_inserted: 120, notice: null });
  before = await world.mirror(org);
});
/** The records and costs of the mirror do not change. */
async function unchanged() {
  expect(await world.mirror(org)).toEqual(before);
}

test('a lost column keeps its values, and the plan does not replace the forecast', async () => {
  await world.fault({ kind: 'reshape', probability: 1, lost: ['pfs_f_rate', 'pfs_f_startdate', 'pfa_act'] });
  const run = await world.sync(org);
  expect(run).toMatchObject({ state: 'succeeded', rows_updated: 0, rows_unchanged: 120 });
  expect(run.missing_columns.map(({ alias, keys, rows }) => [alias, keys, rows])).toEqual([
    ['pfa_act', ['isActualized'], 120],
    ['pfs_f_rate', ['monthlyRate'], 120],
    ['pfs_f_startdate', ['forecastStart'], 120],
  ]);
  await unchanged();
});

test('a renamed column is a lost one, and the new name is added', async () => {
  await world.fault({ kind: 'reshape', probability: 1, renamed: { pfs_f_rate: 'pfs_f_rate2' } });
  const run = await world.sync(org);
  expect(run).toMatchObject({ state: 'succeeded', missing_columns: [{ alias: 'pfs_f_rate' }] });
  const after = await world.mirror(org);
  expect(after.map(({ data }) => data.monthlyRate)).toEqual(before.map(({ data }) => data.monthlyRate));
  expect(after.some(({ data }) => 'pfs_f_rate2' in data)).toBe(true);
});

test('a column that is suddenly empty withholds the run', async () => {
  await world.fault({ kind: 'reshape', probability: 1, blank: ['pfs_f_startdate'] });
  expect(await world.sync(org)).toMatchObject({
    state: 'withheld',
    reasons: [{ code: 'SYNC_COLUMN_EMPTIED', key: 'forecastStart' }],
  });
  await unchanged();
});

test('both response shapes can lose a column', async () => {
  await world.fault({ kind: 'reshape', probability: 1, lost: ['pfs_f_model', 'pfs_x_vendor_note'] });
  expect(await world.sync(org)).toMatchObject({
    state: 'succeeded',
    missing_columns: [{ alias: 'pfs_f_model' }, { alias: 'pfs_x_vendor_note', keys: [] }],
  });
  await unchanged();
});

test('dates in another order withhold the run, with the column and the right order', async () => {
  await world.fault({ kind: 'reshape', probability: 1, dates: 'DD/MM/YYYY' });
  const run = await world.sync(org);
  expect(run).toMatchObject({ state: 'withheld', error_code: 'SYNC_DATE_ORDER', rows_updated: 0 });
  expect(run.error_message).toContain('day before the month; the connection says month first (MDY)');
  expect(run.reasons.map(({ key }) => key)).toContain('forecastStart');
  await unchanged();
});

test('numbers with a decimal comma withhold the run', async () => {
  await world.fault({ kind: 'reshape', probability: 1, comma: true });
  expect(await world.sync(org)).toMatchObject({ state: 'withheld', error_code: 'SYNC_NUMBER_FORMAT' });
  await unchanged();
});

test('ids in another case withhold the run', async () => {
  await world.fault({ kind: 'reshape', probability: 1, ids: 'lower' });
  expect(await world.sync(org)).toMatchObject({ state: 'withheld', error_code: 'SYNC_TWIN_IDS' });
  await unchanged();
});

test('ids with trailing blanks withhold the run', async () => {
  await world.fault({ kind: 'reshape', probability: 1, ids: 'padded' });
  expect(await world.sync(org)).toMatchObject({ state: 'withheld', error_code: 'SYNC_TWIN_IDS' });
  await unchanged();
});

test('without the column of ids or organizations the run fails', async () => {
  for (const lost of ['pfs_id', 'pfs_a_org']) {
    await world.control('DELETE', '/faults');
    await world.fault({ kind: 'reshape', probability: 1, lost: [lost] });
    expect(await world.sync(org)).toMatchObject({ state: 'failed', error_code: 'PEMS_COLUMN_MISSING' });
  }
  await unchanged();
});

test('a column that one of several pages lacks keeps the values of that page', async () => {
  await world.fault({ kind: 'reshape', count: 1, skip: 1, lost: ['pfs_f_rate'] });
  const id = idOf(org, 120);
  await world.control('PATCH', `/records/${org.code}/${id}`, { values: { pfs_f_rate: 4321 }, by: 'OTHER' });
  const run = await world.sync(org);
  expect(run).toMatchObject({
    state: 'succeeded',
    rows_updated: 1,
    missing_columns: [{ alias: 'pfs_f_rate' }],
  });
  expect(run.missing_columns[0]?.rows).toBeLessThan(120);
  const after = await world.mirror(org);
  expect(after.at(-1)?.data.monthlyRate).toBe(4321);
  expect(after.slice(0, -1)).toEqual(before.slice(0, -1));
});
