import { beforeEach, describe, expect, test } from 'vitest';
import { refusal } from '../../../support/ask.ts';
import { testDatabase } from '../../../support/database.ts';
import {
  beginSyncRun,
  makeMember,
  makeOrganization,
  mergeSyncRun,
  one,
  queueSync,
  type Organization,
} from '../../../support/make.ts';

const db = await testDatabase();

let org: Organization;
let owner: number;
beforeEach(async () => {
  await db.owner.query('update app_public.organizations set is_active = false'); // the other tests'
  org = await makeOrganization(db);
  owner = await makeMember(db, org, 'owner');
  await db.owner.query(
    `insert into app_public.api_configurations (id, name, usage, url) values ('pems', 'PEMS', 'PEMS_PFA_READ', 'http://pems') on conflict do nothing`,
  );
  await db.owner.query(
    `insert into app_public.pems_settings (api_configuration_id, tenant) values ('pems', 'T') on conflict do nothing`,
  );
  await db.owner.query(
    `insert into app_public.data_source_mappings (id, entity_type, api_configuration_id) values ('pems', 'pfa', 'pems') on conflict do nothing`,
  );
});

interface Schedule {
  every_minutes: number | null;
  cron: string | null;
  time_zone: string;
  quiet_from: string | null;
  quiet_to: string | null;
  full_every_hours: number;
  is_paused: boolean;
  paused_at: Date | null;
  paused_by: string | null;
  next_run_at: Date | null;
  next_run_kind: string | null;
  changed_at: Date | null;
  changed_by: string | null;
}

const query =
  'select * from app_public.set_sync_schedule($1, every_minutes => $2, cron => $3, time_zone => $4, quiet_from => $5, quiet_to => $6, full_every_hours => $7)';
interface Given {
  every?: number;
  cron?: string;
  zone?: string;
  quiet?: [string | null, string | null];
  fullEvery?: number;
}
const values = ({ every, cron, zone, quiet, fullEvery }: Given) => [
  ...[org.id, every ?? null, cron ?? null, zone ?? null],
  ...[quiet?.[0] ?? null, quiet?.[1] ?? null, fullEvery ?? null],
];
const set = (given: Given, user = owner) =>
  db.asUser(user, async (client) => one((await client.query<Schedule>(query, values(given))).rows), {
    commit: true,
  });
const refused = (given: Given, user = owner) =>
  db.asUser(user, (client) => refusal(client, () => client.query(query, values(given))));
const pause = (name: 'pause_sync' | 'resume_sync', user = owner) =>
  db.asUser(
    user,
    async (client) =>
      one((await client.query<Schedule>(`select * from app_public.${name}($1)`, [org.id])).rows),
    { commit: true },
  );
const seen = (user: number) =>
  db.asUser(user, async (client) =>
    one(
      (
        await client.query<Schedule>(
          'select s.* from app_public.organizations o cross join lateral app_public.organizations_sync_schedule(o) s where o.id = $1',
          [org.id],
        )
      ).rows,
    ),
  );

async function dispatch(): Promise<number> {
  const { rows } = await db.worker.query<{ n: number }>('select app_private.dispatch_due_syncs() as n');
  return one(rows).n;
}
async function succeed() {
  const run = await queueSync(db.worker, org);
  await beginSyncRun(db.worker, org, run.id);
  await mergeSyncRun(db.worker, org, run.id);
}
/** Sets when the last run began and ended, in the past. */
const lastRun = (at: string) =>
  db.owner.query(
    `update app_public.pfa_sync_log set requested_at = $2, started_at = $2, finished_at = $2::timestamptz + interval '1 second'
    where organization_id = $1 and id = (select max(id) from app_public.pfa_sync_log where organization_id = $1)`,
    [org.id, at],
  );
const nextAt = async () =>
  one((await db.owner.query<{ at: Date | null }>('select app_private.next_sync_at($1) as at', [org.id])).rows)
    .at;
const wall = async (offset: string, zone = 'UTC') =>
  one(
    (
      await db.owner.query<{ t: string }>(
        `select to_char((clock_timestamp() + $1::interval) at time zone $2, 'HH24:MI') as t`,
        [offset, zone],
      )
    ).rows,
  ).t;

describe('setting it', () => {
  test('omitted settings get their defaults', async () => {
    expect(await seen(owner)).toMatchObject({
      ...{ every_minutes: 15, cron: null, time_zone: 'UTC', quiet_from: null, full_every_hours: 24 },
      ...{ is_paused: false, next_run_kind: 'full', changed_at: null, changed_by: null },
    });
    await set({ every: 90, zone: 'America/Chicago', quiet: ['22:00', '06:00'], fullEvery: 12 });
    expect(await set({})).toMatchObject({
      ...{ every_minutes: 15, time_zone: 'UTC', quiet_from: null, quiet_to: null, full_every_hours: 24 },
    });
  });

  test('all members see the user and the time of the last change', async () => {
    await set({ cron: ' */20 * * * mon-fri ', zone: 'Asia/Qatar', quiet: ['01:00', '03:30'] });
    const member = await makeMember(db, org, 'viewer');
    expect(await seen(member)).toMatchObject({
      ...{ every_minutes: null, cron: '*/20 * * * mon-fri', time_zone: 'Asia/Qatar' },
      ...{ quiet_from: '01:00:00', quiet_to: '03:30:00' },
      changed_at: expect.any(Date) as Date,
      changed_by: expect.stringMatching(/^user-/) as string,
    });
  });

  test.each<[Given, words: string]>([
    [{ every: 0 }, 'interval of 0'],
    [{ every: 10_081 }, 'interval of 10081'],
    [{ every: 15, cron: '* * * * *' }, 'both an interval'],
    [{ cron: '61 * * * *' }, 'the minute'],
    [{ cron: '' }, 'five fields'],
    [{ cron: '0 0 30 2 *' }, 'never occurs'],
    [{ zone: 'Mars/Olympus' }, 'no time zone'],
    [{ zone: 'CET+3' }, 'no time zone'],
    [{ zone: '' }, 'no time zone'],
    [{ quiet: ['22:00', null] }, 'quiet hours'],
    [{ quiet: ['22:00', '22:00'] }, 'quiet hours'],
    [{ fullEvery: 0 }, '0 hours'],
    [{ fullEvery: 745 }, '745 hours'],
  ])('refuses %o, with the allowed values', async (given, words) => {
    expect(await refused(given)).toMatchObject({
      code: 'VG400',
      message: expect.stringContaining(words) as string,
      hint: expect.stringMatching(/^Give /) as string,
    });
    expect(await seen(owner)).toMatchObject({ changed_at: null });
  });

  test('only owners and admins of the organization may set, pause and resume it', async () => {
    const outsider = await makeMember(db, await makeOrganization(db), 'owner');
    for (const [user, code] of [
      [await makeMember(db, org, 'member'), 'VG403'],
      [await makeMember(db, org, 'viewer'), 'VG403'],
      [outsider, 'VG404'],
    ] as const) {
      expect(await refused({}, user)).toMatchObject({ code });
      for (const name of ['pause_sync', 'resume_sync'] as const)
        await expect(pause(name, user)).rejects.toMatchObject({ code });
    }
    await expect(seen(outsider)).rejects.toThrow('0 rows');
    await set({ every: 5 }, await makeMember(db, org, 'admin'));
  });
});

describe('the dispatcher', () => {
  test('a pause delays scheduled runs; resuming makes up for them once', async () => {
    await succeed();
    await lastRun('2026-01-01 00:00Z');
    expect(await pause('pause_sync')).toMatchObject({
      ...{ is_paused: true, next_run_at: null, next_run_kind: null },
      paused_by: expect.any(String) as string,
    });
    const since = (await seen(owner)).paused_at;
    const other = await makeMember(db, org, 'admin');
    expect(await pause('pause_sync', other)).toMatchObject({ paused_at: since });
    expect(await dispatch()).toBe(0);
    expect(await pause('resume_sync')).toMatchObject({ is_paused: false, paused_at: null, paused_by: null });
    expect(await dispatch()).toBe(1);
    expect(await dispatch()).toBe(0);
  });

  test('a cron expression sets the times, from the beginning of the last run; missed times are made up for once', async () => {
    await set({ cron: '0 6 * * *', zone: 'America/Chicago' });
    await succeed();
    await lastRun('2026-01-01 12:00:30Z');
    // 06:00 in Chicago is 12:00 in UTC in winter, so the run began after that.
    expect((await nextAt())?.toISOString()).toBe('2026-01-02T12:00:00.000Z');
    expect(await dispatch()).toBe(1);
    await succeed();
    expect(await dispatch()).toBe(0);
    expect((await nextAt())!.getTime()).toBeGreaterThan(Date.now());
  });

  test('comes sooner after a failure, but not later than the next time', async () => {
    await set({ cron: '* * * * *' });
    const run = await queueSync(db.worker, org);
    await beginSyncRun(db.worker, org, run.id);
    await db.worker.query("select app_private.fail_sync_run($1, $2, 'PEMS_DOWN', 'Down.', null)", [
      org.id,
      run.id,
    ]);
    await lastRun('2026-01-01 12:00:30Z');
    expect((await nextAt())?.toISOString()).toBe('2026-01-01T12:01:00.000Z');
    await set({ cron: '0 0 1 * *' });
    expect((await nextAt())?.toISOString()).toBe('2026-01-01T12:01:31.000Z');
  });

  test('no scheduled run begins in quiet hours; the next one makes up for those missed', async () => {
    await succeed();
    await lastRun('2026-01-01 00:00Z');
    const zone = 'Asia/Kolkata';
    await set({ zone, quiet: [await wall('-1 hour', zone), await wall('2 hours', zone)] });
    expect(await dispatch()).toBe(0);
    const next = (await seen(owner)).next_run_at!.getTime() - Date.now();
    expect(next).toBeGreaterThan(118 * 60_000);
    expect(next).toBeLessThan(121 * 60_000);
    // In another time zone, these are no quiet hours.
    await set({ zone: 'UTC', quiet: [await wall('-1 hour', zone), await wall('2 hours', zone)] });
    expect(await dispatch()).toBe(1);
  });

  test('delays a scheduled run that waits during quiet hours, but not a requested one', async () => {
    expect(await dispatch()).toBe(1);
    const { rows } = await db.owner.query<{ id: string }>(
      'select id from app_public.pfa_sync_log where organization_id = $1',
      [org.id],
    );
    const { id } = one(rows);
    await set({ quiet: [await wall('-1 hour'), await wall('2 hours')] });
    expect(await beginSyncRun(db.worker, org, id)).toBeNull();
    await db.owner.query(
      "update app_public.pfa_sync_log set requested_at = '2026-01-01' where organization_id = $1",
      [org.id],
    );
    expect(await dispatch()).toBe(0);
    const asked = await db.asUser(
      owner,
      async (client) =>
        one(
          (
            await client.query<{ id: string; trigger: string }>(
              'select id, trigger from app_public.request_sync($1)',
              [org.id],
            )
          ).rows,
        ),
      { commit: true },
    );
    expect(asked).toEqual({ id, trigger: 'user' });
    expect(await beginSyncRun(db.worker, org, id)).toMatchObject({ id, state: 'running' });
  });

  test('delays a scheduled run that waits during a pause until it is resumed', async () => {
    expect(await dispatch()).toBe(1);
    await pause('pause_sync');
    const { rows } = await db.owner.query<{ id: string }>(
      "update app_public.pfa_sync_log set requested_at = now() - interval '2 minutes' where organization_id = $1 returning id",
      [org.id],
    );
    expect(await beginSyncRun(db.worker, org, one(rows).id)).toBeNull();
    expect(await dispatch()).toBe(0);
    await pause('resume_sync');
    expect(await dispatch()).toBe(1);
    expect(await beginSyncRun(db.worker, org, one(rows).id)).toMatchObject({ state: 'running' });
  });
});
