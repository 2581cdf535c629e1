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
