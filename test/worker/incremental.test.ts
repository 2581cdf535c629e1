import { expect, test } from 'vitest';
import type { Organization } from '../support/make.ts';
import { idOf, mirrored, testWorld, type MirrorRow, type PemsRecord, type Run } from './world.ts';

// Runs that read only changes, by the clock of PEMS: our clock is in another year.

const world = await testWorld({ EDGE: 30, FALL: 20, NOTHING: 10, GONE: 30, SOURCE: 20, DUE: 20, ODD: 10 });
await world.startWorker();

interface Incremental extends Run {
  changed_since: Date | null;
}
const sync = async (organization: Organization, kind: 'full' | 'incremental' | null = null) =>
  (await world.sync(organization, kind)) as Incremental;

const clock = (now: string) => world.control('POST', '/clock', { now: `${now}:00Z` });
const change = async (organization: Organization, n: number, model: string, now: string) => {
  await clock(now);
  await world.control('PATCH', `/records/${organization.code}/${idOf(organization, n)}`, {
    values: { pfs_f_model: model },
  });
};
const models = async (organization: Organization, ...ns: number[]) => {
  const mirror = await world.mirror(organization);
  return ns.map((n) => mirror[n - 1]?.data.model);
};
const since = async (organization: Organization) => {
  const { rows } = await world.db.owner.query<{ since: string | null }>(
    `select to_char(changed_since, 'YYYY-MM-DD HH24:MI') as since from app_public.pfa_sync_log
    where organization_id = $1 order by id desc limit 1`,
    [organization.id],
  );
  return rows[0]?.since;
};
const held = ({ data, version }: MirrorRow) => ({ data, version });
const asHeld = (record: PemsRecord) => ({ data: mirrored(record), version: record.updatedAt.slice(0, 16) });

test('a run after a full one asks for changes since 70 minutes before the newest change, to the minute', async () => {
  const organization = await world.organization('EDGE', { pageSize: 3 });
  await change(organization, 1, 'newest', '2031-05-05T12:00');
  expect(await sync(organization)).toMatchObject({ kind: 'full', rows_read: 30, changed_since: null });

  // Committed late: its time is before the newest change, and exactly at the start of the range.
  await change(organization, 7, 'at the edge', '2031-05-05T10:50');
  await change(organization, 8, 'before it', '2031-05-05T10:49');
  await change(organization, 9, 'late', '2031-05-05T11:15');
  await change(organization, 10, 'new', '2031-05-05T13:30');
  const run = await sync(organization);
  expect(run).toMatchObject({
    ...{ kind: 'incremental', state: 'succeeded', rows_read: 4, rows_updated: 3, rows_unchanged: 1 },
    ...{ rows_missing: 0, rows_removed: 0, rows_inserted: 0 },
  });
  expect(await since(organization)).toBe('2031-05-05 10:50');
  expect(await models(organization, 7, 9, 10)).toEqual(['at the edge', 'late', 'new']);
  expect(await models(organization, 8)).not.toEqual(['before it']);

  // The next run continues from there, and the next full one finds changes that came too late for it.
  await sync(organization);
  expect(await since(organization)).toBe('2031-05-05 12:20');
  expect(await sync(organization, 'full')).toMatchObject({ kind: 'full', rows_read: 30, rows_updated: 1 });
  const records = await world.generated(organization);
  expect((await world.mirror(organization)).map(held)).toEqual(records.map(asHeld));
});

test('when the clock of PEMS goes back by an hour, the next run reads the changes of that hour', async () => {
  const organization = await world.organization('FALL');
  await change(organization, 1, 'summer', '2031-10-26T02:59');
  await sync(organization);
  // 02:59 is followed by 02:00.
  for (const [n, minute] of [
    [2, '02:00'],
    [3, '02:30'],
    [4, '02:58'],
  ] as const) {
    await change(organization, n, `winter ${minute}`, `2031-10-26T${minute}`);
    expect(await sync(organization)).toMatchObject({ kind: 'incremental', rows_updated: 1 });
  }
  expect(await models(organization, 2, 3, 4)).toEqual(['winter 02:00', 'winter 02:30', 'winter 02:58']);
  expect(await since(organization)).toBe('2031-10-26 01:49');
});

test('a run without changes writes nothing, and an empty one keeps the start of the range', async () => {
  const organization = await world.organization('NOTHING');
  await change(organization, 1, 'newest', '2031-05-05T12:00');
  await sync(organization);
  const mirror = await world.mirror(organization);
  for (let n = 0; n < 2; n += 1) {
    expect(await sync(organization)).toMatchObject({ kind: 'incremental', rows_read: 1, rows_unchanged: 1 });
  }
  // Includes the transaction that wrote each row.
  expect(await world.mirror(organization)).toEqual(mirror);
  expect(await world.changes(organization)).toEqual([]);

  await world.control('DELETE', `/records/NOTHING/${idOf(organization, 1)}`);
  for (let n = 0; n < 2; n += 1) {
    expect(await sync(organization)).toMatchObject({
      ...{ kind: 'incremental', state: 'succeeded', rows_read: 0, rows_missing: 0, rows_removed: 0 },
      greatest_version: expect.any(Date) as Date,
    });
    expect(await since(organization)).toBe('2031-05-05 10:50');
  }
  expect(await world.mirror(organization)).toEqual(mirror);
});

test('an incremental run restores a record that a full run missed', async () => {
  const organization = await world.organization('GONE');
  await change(organization, 1, 'newest', '2031-05-05T12:00');
  await sync(organization);
  const missed = idOf(organization, 4);
  await world.fault({ kind: 'vanish', count: 1, id: missed, match: { organization: 'GONE' } });
  expect(await sync(organization, 'full')).toMatchObject({ rows_missing: 1 });

  await change(organization, 4, 'still there', '2031-05-05T12:10');
  await world.control('POST', '/records/GONE', { id: 'GONE-new', values: { pfs_f_model: 'N' } });
  expect(await sync(organization)).toMatchObject({
    ...{ kind: 'incremental', rows_read: 3, rows_updated: 1, rows_inserted: 1, rows_missing: 0 },
  });
  // If missed again, it counts as missed for the first time.
  await world.fault({ kind: 'vanish', count: 1, id: missed, match: { organization: 'GONE' } });
  expect(await sync(organization, 'full')).toMatchObject({ rows_missing: 1, rows_removed: 0 });
});

test('another mapping, or another connection, needs a full run', async () => {
  const organization = await world.organization('SOURCE');
  await sync(organization);
  expect(await sync(organization)).toMatchObject({ kind: 'incremental' });
  await world.db.owner.query(
    `insert into app_public.pfa_field_mappings (organization_id, key, grid_aliases) values ($1, 'areaSilo', '{pfs_a_class}')`,
    [organization.id],
  );
  // Also if a user requests an incremental run: other records would keep the old mapping.
  expect(await sync(organization, 'incremental')).toMatchObject({ kind: 'full', rows_updated: 20 });
  expect(await sync(organization)).toMatchObject({ kind: 'incremental' });
  await world.db.owner.query(
    "update app_public.pems_settings set grid_name = 'cupfag' where api_configuration_id = 'test-source'",
  );
  expect(await sync(organization)).toMatchObject({
    kind: 'full',
    state: 'failed',
    error_code: 'PEMS_ERROR_ALERT',
  });
});

test('a PEMS without the change filter is read in full', async () => {
  const organization = await world.organization('ODD', { filterDateFormat: 'YYYY-MM-DD' });
  await sync(organization);
  expect(await sync(organization)).toMatchObject({ kind: 'incremental', error_code: 'PEMS_ERROR_ALERT' });
  expect(await sync(organization)).toMatchObject({ kind: 'full', state: 'succeeded' });

  await world.connect(organization, { filterDateFormat: 'DD-MON-YYYY' });
  expect(await sync(organization)).toMatchObject({ kind: 'incremental', state: 'succeeded' });
});

test('by schedule, runs are incremental until a full one is due', async () => {
  const organization = await world.organization('DUE');
  await sync(organization);
  await world.db.owner.query(
    'update app_private.pfa_sync_schedule set paused_at = null where organization_id = $1',
    [organization.id],
  );
  for (const [age, kind] of [
    ['16 minutes', 'incremental'],
    ['1 day', 'full'],
    ['16 minutes', 'incremental'],
  ] as const) {
    await world.db.owner.query(
      `update app_public.pfa_sync_log set started_at = started_at - $2::interval, finished_at = finished_at - $2::interval
      where organization_id = $1`,
      [organization.id, age],
    );
    await world.db.worker.query('select app_private.dispatch_due_syncs()');
    const run = (await world.runs(organization)).at(-1)!;
    expect(await world.ended(organization, run.id)).toMatchObject({
      kind,
      trigger: 'schedule',
      state: 'succeeded',
    });
  }
});
