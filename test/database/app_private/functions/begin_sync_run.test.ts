import { expect, test } from 'vitest';
import { testDatabase } from '../../../support/database.ts';
import {
  beginSyncRun,
  makeOrganization,
  mergeSyncRun,
  queueSync,
  stage,
  type Organization,
} from '../../../support/make.ts';

const db = await testDatabase();

async function states(org: Organization) {
  const { rows } = await db.owner.query<{ id: string; state: string; error_code: string | null }>(
    'select id, state, error_code from app_public.pfa_sync_log where organization_id = $1 order by id',
    [org.id],
  );
  return rows;
}

async function progress(org: Organization, runId: string, rowsRead: number) {
  const { rows } = await db.worker.query<{ is_current: boolean }>(
    'select app_private.report_sync_progress($1, $2, $3) as is_current',
    [org.id, runId, rowsRead],
  );
  return rows[0]?.is_current;
}

test('starts a queued run under its own id', async () => {
  const org = await makeOrganization(db);
  const queued = await queueSync(db.worker, org);
  const run = await beginSyncRun(db.worker, org, queued.id);
  expect(run).toMatchObject({ id: queued.id, state: 'running', trigger: 'command' });
  expect(run?.started_at).not.toBeNull();
});

test('repeats a run of a killed worker under a new token, and tells the old worker to stop', async () => {
  const org = await makeOrganization(db);
  const queued = await queueSync(db.worker, org);
  const lost = await beginSyncRun(db.worker, org, queued.id);
  expect(await progress(org, queued.id, 10)).toBe(true);
  const repeated = await beginSyncRun(db.worker, org, queued.id);
  expect(repeated).toMatchObject({
    state: 'running',
    kind: lost?.kind,
    trigger: lost?.trigger,
    rows_read: 0,
  });
  expect(await states(org)).toEqual([
    { id: queued.id, state: 'failed', error_code: 'WORKER_LOST' },
    { id: repeated?.id, state: 'running', error_code: null },
  ]);
  expect(await progress(org, queued.id, 20)).toBe(false);
});

test('repeats a failed run', async () => {
  const org = await makeOrganization(db);
  const queued = await queueSync(db.worker, org);
  await beginSyncRun(db.worker, org, queued.id);
  await db.worker.query("select app_private.fail_sync_run($1, $2, 'PEMS_DOWN', 'Down.', 'Wait.')", [
    org.id,
    queued.id,
  ]);
  const repeated = await beginSyncRun(db.worker, org, queued.id);
  expect(repeated?.id).not.toBe(queued.id);
  expect(await states(org)).toMatchObject([
    { state: 'failed', error_code: 'PEMS_DOWN' },
    { state: 'running' },
  ]);
});

test('removes rows of an earlier run from staging', async () => {
  const org = await makeOrganization(db);
  const queued = await queueSync(db.worker, org);
  await beginSyncRun(db.worker, org, queued.id);
  await stage(db.worker, org, queued.id, [{ pfaId: 'left', data: {} }]);
  const repeated = await beginSyncRun(db.worker, org, queued.id);
  const { rows } = await db.owner.query('select from app_private.pfa_staging where organization_id = $1', [
    org.id,
  ]);
  expect(rows).toEqual([]);
  expect(await mergeSyncRun(db.worker, org, repeated?.id ?? '')).toMatchObject({ rows_read: 0 });
});

test('begins nothing for a run that succeeded or does not exist', async () => {
  const org = await makeOrganization(db);
  const queued = await queueSync(db.worker, org);
  await beginSyncRun(db.worker, org, queued.id);
  await mergeSyncRun(db.worker, org, queued.id);
  expect(await beginSyncRun(db.worker, org, queued.id)).toBeNull();
  expect(await beginSyncRun(db.worker, org, '2000000000')).toBeNull();
  expect(await states(org)).toMatchObject([{ state: 'succeeded' }]);
});

test('neither begins nor touches a run of another organization', async () => {
  const [org, other] = [await makeOrganization(db), await makeOrganization(db)];
  const queued = await queueSync(db.worker, org);
  expect(await beginSyncRun(db.worker, other, queued.id)).toBeNull();
  expect(await states(org)).toMatchObject([{ state: 'queued' }]);
});

test("after two runs that ended with their worker, a third one waits for an admin's request", async () => {
  const org = await makeOrganization(db);
  const nextAt = async () =>
    (await db.worker.query<{ at: Date | null }>('select app_private.next_sync_at($1) as at', [org.id]))
      .rows[0]?.at;
  await db.owner.query(
    `insert into app_public.api_configurations (id, organization_id, name, usage, url) values ('killer', $1, 'P', 'PEMS_PFA_READ', 'https://pems.example')`,
    [org.id],
  );
  await db.owner.query(
    "insert into app_public.pems_settings (api_configuration_id, tenant) values ('killer', 'T')",
  );
  await db.owner.query(
    `insert into app_public.data_source_mappings (id, entity_type, organization_id, api_configuration_id) values ('killer', 'pfa', $1, 'killer')`,
    [org.id],
  );
  const queued = await queueSync(db.worker, org);
  expect(await beginSyncRun(db.worker, org, queued.id)).toMatchObject({ state: 'running' });
  // The job returns whenever its worker has ended.
  const second = await beginSyncRun(db.worker, org, queued.id);
  expect(second).toMatchObject({ state: 'running' });
  expect(await beginSyncRun(db.worker, org, queued.id)).toBeNull();
  const killed = { state: 'failed', error_code: 'SYNC_KILLED_WORKER' };
  expect((await states(org)).at(-1)).toMatchObject(killed);
  expect(await nextAt()).toBeNull();

  // Neither do the start of the product or the schedule.
  for (const trigger of ['start', 'schedule']) {
    const { rows } = await db.worker.query<{ id: string }>(
      'select id from app_private.queue_sync($1, $2, null, null)',
      [org.id, trigger],
    );
    expect(await beginSyncRun(db.worker, org, rows[0]!.id)).toBeNull();
    expect((await states(org)).at(-1)).toMatchObject({ id: rows[0]!.id, ...killed });
  }

  const asked = await queueSync(db.worker, org);
  expect(await beginSyncRun(db.worker, org, asked.id)).toMatchObject({ id: asked.id, state: 'running' });
  // It ended its worker too, and is not repeated.
  expect(await beginSyncRun(db.worker, org, asked.id)).toBeNull();
  const good = await queueSync(db.worker, org);
  await beginSyncRun(db.worker, org, good.id);
  await stage(db.worker, org, good.id, []);
  await mergeSyncRun(db.worker, org, good.id);
  const { rows } = await db.owner.query('select app_private.lost_runs($1) as lost', [org.id]);
  expect(rows).toEqual([{ lost: 0 }]);
  expect(await nextAt()).not.toBeNull();
});

test('a stopped worker or a failing PEMS does not count as a run that ended its worker', async () => {
  const org = await makeOrganization(db);
  const fail = (runId: string, code: string) =>
    db.worker.query("select app_private.fail_sync_run($1, $2, $3, 'M', null)", [org.id, runId, code]);
  const lose = async () => {
    const run = await queueSync(db.worker, org);
    await beginSyncRun(db.worker, org, run.id);
    await fail(run.id, 'WORKER_LOST');
  };
  await lose();
  const unreachable = await queueSync(db.worker, org);
  await beginSyncRun(db.worker, org, unreachable.id);
  await fail(unreachable.id, 'PEMS_UNREACHABLE');
  await lose();
  const queue = async () =>
    (
      await db.worker.query<{ id: string }>(
        "select id from app_private.queue_sync($1, 'schedule', null, null)",
        [org.id],
      )
    ).rows[0]!.id;
  const next = await queue();
  expect(await beginSyncRun(db.worker, org, next)).toMatchObject({ state: 'running' });
  await fail(next, 'WORKER_STOPPED');
  await lose();
  expect(await beginSyncRun(db.worker, org, await queue())).toBeNull();
});

test('runs of two organizations whose workers ended do not run at the same time', async () => {
  await db.worker.query("select app_private.register_worker('alive')");
  const begin = async (org: Organization, runId: string) => {
    const { rows } = await db.worker.query<{ id: string | null }>(
      "select id from app_private.begin_sync_run($1, $2, 'alive')",
      [org.id, runId],
    );
    return rows[0]?.id ?? null;
  };
  const [suspect, other, innocent] = [
    await makeOrganization(db),
    await makeOrganization(db),
    await makeOrganization(db),
  ];
  const lost = async (org: Organization) => {
    const queued = await queueSync(db.worker, org);
    await begin(org, queued.id);
    return queued.id;
  };
  const [first, second] = [await lost(suspect), await lost(other)];
  const again = await begin(suspect, first);
  expect(again).not.toBeNull();
  expect(await begin(other, second)).toBeNull();
  const { rows } = await db.owner.query<{ waits: boolean }>(
    "select run_at > now() as waits from graphile_worker.jobs where key = 'sync:' || $1 || ':' || $2",
    [other.id, second],
  );
  expect(rows).toEqual([{ waits: true }]);
  // Those of other organizations continue.
  expect(await begin(innocent, (await queueSync(db.worker, innocent)).id)).not.toBeNull();
  await mergeSyncRun(db.worker, suspect, again!);
  expect(await begin(other, second)).not.toBeNull();
});
