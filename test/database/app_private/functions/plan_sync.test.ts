import { beforeEach, describe, expect, test } from 'vitest';
import { testDatabase } from '../../../support/database.ts';
import {
  beginSyncRun,
  makeOrganization,
  mergeSyncRun,
  queueSync,
  stage,
  syncRows,
  type Organization,
  type StagedRow,
} from '../../../support/make.ts';

const db = await testDatabase();

let org: Organization;
beforeEach(async () => {
  org = await makeOrganization(db);
});

const row = (pfaId: string, version: string | null, model = 'M'): StagedRow => ({
  ...{ pfaId, version, versionBy: 'PLANNER' },
  data: { pfaId, organization: org.code, model },
});

async function plan(kind: 'full' | 'incremental' | null = null) {
  const { rows } = await db.owner.query<{ kind: string; since: string | null }>(
    `select kind, to_char(changed_since, 'YYYY-MM-DD HH24:MI') as since from app_private.plan_sync($1, $2)`,
    [org.id, kind],
  );
  return [rows[0]?.kind, rows[0]?.since];
}

/** Lets time pass for every run of the organization. */
const pass = (time: string) =>
  db.owner.query(
    `update app_public.pfa_sync_log set requested_at = requested_at - $2::interval, started_at = started_at - $2::interval,
      finished_at = finished_at - $2::interval where organization_id = $1`,
    [org.id, time],
  );

async function fail(code: string, kind: 'full' | 'incremental') {
  const run = await beginSyncRun(db.worker, org, (await queueSync(db.worker, org, kind)).id);
  await db.worker.query("select app_private.fail_sync_run($1, $2, $3, 'It failed.', null)", [
    org.id,
    run?.id,
    code,
  ]);
  return run;
}

describe('the due kind', () => {
  test('is full until a full run is complete, whatever was requested', async () => {
    expect(await plan()).toEqual(['full', null]);
    expect(await plan('incremental')).toEqual(['full', null]);
    await fail('PEMS_TIMEOUT', 'full');
    expect(await plan()).toEqual(['full', null]);
    const queued = await queueSync(db.worker, org, 'incremental');
    expect(queued).toMatchObject({ kind: 'full' });
    expect(await beginSyncRun(db.worker, org, queued.id)).toMatchObject({
      kind: 'full',
      changed_since: null,
    });
  });

  test('is full if PEMS gives no times', async () => {
    await syncRows(db, org, [row('a', null)]);
    expect(await plan()).toEqual(['full', null]);
    expect(await plan('incremental')).toEqual(['full', null]);
  });

  test('is incremental between full runs, from 70 minutes before the newest change, for a day', async () => {
    await syncRows(db, org, [row('a', '2026-04-02 14:30'), row('b', '2026-04-01 08:00')]);
    expect(await plan()).toEqual(['incremental', '2026-04-02 13:20']);
    expect(await plan('full')).toEqual(['full', null]);
    await pass('23 hours 59 minutes');
    expect(await plan()).toEqual(['incremental', '2026-04-02 13:20']);
    await pass('2 minutes');
    expect(await plan()).toEqual(['full', null]);
    expect(await plan('incremental')).toEqual(['incremental', '2026-04-02 13:20']);

    // An incremental run does not delay it.
    await syncRows(db, org, [row('a', '2026-04-02 14:30')], 'incremental');
    expect(await plan()).toEqual(['full', null]);
    await syncRows(db, org, [row('a', '2026-04-02 14:30')]);
    expect(await plan()).toEqual(['incremental', '2026-04-02 13:20']);
  });

  test('or for the time that the organization sets', async () => {
    await syncRows(db, org, [row('a', '2026-04-02 14:30')]);
    await db.owner.query(
      "insert into app_private.pfa_sync_schedule (organization_id, full_every) values ($1, '3 hours')",
      [org.id],
    );
    await pass('2 hours 59 minutes');
    expect((await plan())[0]).toBe('incremental');
    await pass('2 minutes');
    expect((await plan())[0]).toBe('full');
  });

  test('is full an hour after the last full run while missing records need confirmation', async () => {
    await syncRows(db, org, [row('a', '2026-04-02 14:30'), row('b', '2026-04-01 08:00')]);
    await syncRows(db, org, [row('a', '2026-04-02 14:30')]);
    expect((await plan())[0]).toBe('incremental');
    await pass('59 minutes');
    expect((await plan())[0]).toBe('incremental');
    await pass('2 minutes');
    expect((await plan())[0]).toBe('full');
    // Withheld removals wait for a user, not for a run.
    await db.owner.query(
      'update app_public.pfa_removal_candidate set confirmed_at = clock_timestamp() where organization_id = $1',
      [org.id],
    );
    expect((await plan())[0]).toBe('incremental');
  });

  test('is full after a change of connection or mapping, and incremental afterwards', async () => {
    await syncRows(db, org, [row('a', '2026-04-02 14:30')]);
    const mapping = async (alias: string) =>
      db.owner.query(
        `insert into app_public.pfa_field_mappings (organization_id, key, grid_aliases) values ($1, 'model', array[$2])
        on conflict (organization_id, key) do update set grid_aliases = excluded.grid_aliases`,
        [org.id, alias],
      );
    await mapping('pfs_other_model');
    expect(await plan()).toEqual(['full', null]);
    expect(await plan('incremental')).toEqual(['full', null]);
    await syncRows(db, org, [row('a', '2026-04-02 14:30')], null);
    expect(await plan()).toEqual(['incremental', '2026-04-02 13:20']);

    // Changed during a run: the next run does not continue from its partial content.
    const run = await beginSyncRun(db.worker, org, (await queueSync(db.worker, org, null)).id);
    await mapping('pfs_third_model');
    await stage(db.worker, org, run!.id, [row('a', '2026-04-02 14:30')]);
    expect(await mergeSyncRun(db.worker, org, run!.id)).toMatchObject({ kind: 'incremental' });
    expect(await plan()).toEqual(['full', null]);
  });

  test.each([
    ['PEMS_ERROR_ALERT', 'full'],
    ['PEMS_REFUSED', 'full'],
    ['PEMS_UNREACHABLE', 'incremental'],
    ['WORKER_STOPPED', 'incremental'],
  ])('after an incremental run that failed with %s is %s', async (code, kind) => {
    await syncRows(db, org, [row('a', '2026-04-02 14:30')]);
    expect(await fail(code, 'incremental')).toMatchObject({ kind: 'incremental' });
    expect((await plan())[0]).toBe(kind);
    await syncRows(db, org, [row('a', '2026-04-02 14:30')]);
    expect((await plan())[0]).toBe('incremental');
  });

  test('is decided when the run begins, not when it was requested', async () => {
    const first = await queueSync(db.worker, org, null);
    await beginSyncRun(db.worker, org, first.id);
    const second = await queueSync(db.worker, org, null);
    expect(second).toMatchObject({ kind: 'full', state: 'queued' });
    await stage(db.worker, org, first.id, [row('a', '2026-04-02 14:30')]);
    await mergeSyncRun(db.worker, org, first.id);
    expect(await beginSyncRun(db.worker, org, second.id)).toMatchObject({ kind: 'incremental' });
  });

  test.each<[waiting: 'full' | 'incremental' | null, asked: 'full' | 'incremental' | null, becomes: string]>([
    [null, 'full', 'full'],
    ['full', null, 'full'],
    ['incremental', 'full', 'full'],
    ['incremental', 'incremental', 'incremental'],
    [null, null, 'incremental'],
  ])('of a waiting request (%s) and another one (%s) is %s', async (waiting, asked, becomes) => {
    await syncRows(db, org, [row('a', '2026-04-02 14:30')]);
    const first = await queueSync(db.worker, org, waiting);
    const second = await queueSync(db.worker, org, asked);
    expect(second).toMatchObject({ id: first.id, kind: becomes });
    expect(await beginSyncRun(db.worker, org, first.id)).toMatchObject({ kind: becomes });
  });
});

describe('the start time of the next incremental run', () => {
  const nextSince = async () => (await plan('incremental'))[1];

  test('does not change after a run without rows, or without newer ones', async () => {
    await syncRows(db, org, [row('a', '2026-04-02 14:30')]);
    for (const rows of [[], [row('a', '2026-04-02 14:30')], [row('b', '2026-04-02 13:25')], []]) {
      const run = await syncRows(db, org, rows, 'incremental');
      expect(run).toMatchObject({
        kind: 'incremental',
        state: 'succeeded',
        greatest_version: expect.any(Date) as Date,
      });
      expect(await nextSince()).toBe('2026-04-02 13:20');
    }
    await syncRows(db, org, [row('c', '2026-04-02 16:00')], 'incremental');
    expect(await nextSince()).toBe('2026-04-02 14:50');
  });

  test('does not change after a failed run, a refused row, or a push', async () => {
    await syncRows(db, org, [row('a', '2026-04-02 14:30')]);
    await fail('PEMS_TIMEOUT', 'incremental');
    await syncRows(
      db,
      org,
      [{ ...row('b', '2029-01-01 00:00'), problems: [{ key: 'organization', value: 'x', message: 'No.' }] }],
      'incremental',
    );
    await db.owner.query("update app_core.pfa_mirror set version = '2028-01-01' where organization_id = $1", [
      org.id,
    ]);
    expect(await nextSince()).toBe('2026-04-02 13:20');
  });

  test('is earlier by the duration of the run, because a record may have changed after its page', async () => {
    const run = await beginSyncRun(db.worker, org, (await queueSync(db.worker, org)).id);
    await stage(db.worker, org, run!.id, [row('a', '2026-04-02 14:30')]);
    await db.owner.query(
      "update app_public.pfa_sync_log set started_at = started_at - interval '95 minutes' where organization_id = $1",
      [org.id],
    );
    await mergeSyncRun(db.worker, org, run!.id);
    expect(await nextSince()).toBe('2026-04-02 11:45');
  });

  test('follows a full run to an earlier time as well', async () => {
    await syncRows(db, org, [row('a', '2099-01-01 00:00')]);
    await syncRows(db, org, [row('a', '2026-04-02 14:30')]);
    expect(await nextSince()).toBe('2026-04-02 13:20');
  });
});

describe('merging an incremental run', () => {
  const mirror = async () => {
    const { rows } = await db.owner.query<{ pfa_id: string; model: string; removed: boolean; xmin: string }>(
      `select pfa_id, data->>'model' as model, removed_at is not null as removed, xmin::text from app_core.pfa_mirror
      where organization_id = $1 order by pfa_id`,
      [org.id],
    );
    return rows;
  };
  const candidates = async () =>
    (
      await db.owner.query<{ pfa_id: string }>(
        'select pfa_id from app_public.pfa_removal_candidate where organization_id = $1',
        [org.id],
      )
    ).rows.map(({ pfa_id }) => pfa_id);

  test('marks nothing as missing, adds, changes, and writes nothing without differences', async () => {
    await syncRows(
      db,
      org,
      ['a', 'b', 'c'].map((id) => row(id, '2026-04-02 14:30')),
    );
    const before = await mirror();
    const run = await syncRows(
      db,
      org,
      [row('a', '2026-04-02 14:30'), row('b', '2026-04-02 15:00', 'N'), row('d', '2026-04-02 15:00')],
      'incremental',
    );
    expect(run).toMatchObject({
      ...{ kind: 'incremental', rows_read: 3, rows_updated: 1, rows_inserted: 1, rows_unchanged: 1 },
      ...{ rows_missing: 0, rows_removed: 0 },
    });
    const after = await mirror();
    expect(after.map(({ pfa_id, model }) => [pfa_id, model])).toEqual([
      ['a', 'M'],
      ['b', 'N'],
      ['c', 'M'],
      ['d', 'M'],
    ]);
    expect([after[0], after[2]]).toEqual([before[0], before[2]]);
    expect(await candidates()).toEqual([]);
  });

  test('removes its records from the list of the missing, and confirms no removal', async () => {
    await syncRows(
      db,
      org,
      ['a', 'b', 'c'].map((id) => row(id, '2026-04-02 14:30')),
    );
    await syncRows(db, org, [row('a', '2026-04-02 14:30')]);
    expect(await candidates()).toEqual(['b', 'c']);
    await syncRows(db, org, [row('b', '2026-04-02 14:31')], 'incremental');
    await syncRows(db, org, [], 'incremental');
    expect(await candidates()).toEqual(['c']);
    expect((await mirror()).filter(({ removed }) => removed)).toEqual([]);
  });

  test('restores a removed record', async () => {
    await syncRows(db, org, [row('a', '2026-04-02 14:30'), row('b', '2026-04-02 14:30')]);
    for (let n = 0; n < 2; n += 1) await syncRows(db, org, [row('a', '2026-04-02 14:30')]);
    expect((await mirror())[1]).toMatchObject({ removed: true });
    expect(await syncRows(db, org, [row('b', '2026-04-02 15:00')], 'incremental')).toMatchObject({
      rows_updated: 1,
    });
    expect((await mirror())[1]).toMatchObject({ removed: false });
  });

  test('does not overwrite content that was observed after its page was requested', async () => {
    await syncRows(db, org, [row('a', '2026-04-02 14:30')]);
    const { rows } = await db.owner.query<{ at: string }>('select clock_timestamp()::text as at');
    await db.owner.query(
      `update app_core.pfa_mirror set data = data || '{"model": "confirmed"}', observed_at = clock_timestamp() where organization_id = $1`,
      [org.id],
    );
    const stale = {
      ...row('a', '2026-04-02 15:00', 'stale'),
      requestedAt: rows[0]!.at,
      receivedAt: rows[0]!.at,
    };
    expect(await syncRows(db, org, [stale], 'incremental')).toMatchObject({
      rows_updated: 0,
      rows_unchanged: 1,
    });
    expect(await mirror()).toMatchObject([{ model: 'confirmed' }]);
  });

  test('locks only what it writes', async () => {
    await syncRows(
      db,
      org,
      ['a', 'b'].map((id) => row(id, '2026-04-02 14:30')),
    );
    await db.asOwner(async (client) => {
      await client.query(
        "select from app_core.pfa_mirror where organization_id = $1 and pfa_id = 'b' for update",
        [org.id],
      );
      const run = await syncRows(db, org, [row('a', '2026-04-02 15:00', 'N')], 'incremental');
      expect(run).toMatchObject({ state: 'succeeded', rows_updated: 1 });
    });
  });
});
