import type { JobHelpers } from 'graphile-worker';
import { expect, test } from 'vitest';
import { createLogger } from '../../src/logger.ts';
import type { TaskContext } from '../../worker/context.ts';
import { retention__enforce } from '../../worker/tasks/retention__enforce.ts';
import { until } from '../support/until.ts';
import { testWorld } from './world.ts';

const world = await testWorld({ RIO: 1 });
const { owner } = world.db;

const rio = await world.organization('RIO');
const retention = {
  syncLogDays: 30,
  rejectsDays: 30,
  sessionsDays: 30,
  failedJobsDays: 30,
  changesDays: 30,
  privateChangesDays: 20,
  exchangesDays: 30,
};

/** More than one batch of old runs. */
const addOldRuns = () =>
  owner.query(
    `insert into app_public.pfa_sync_log (organization_id, trigger, state, started_at, finished_at, error_code)
    select $1, 'schedule', 'failed', at, at, 'SYNC_FAILED'
    from generate_series(1, 6000) n cross join lateral (select now() - interval '40 days' - n * interval '1 second' as at) t`,
    [rio.id],
  );

test('a stopping worker starts no further batch', async () => {
  await addOldRuns();
  const logger = createLogger('test', 'silent');
  const context = { pool: world.db.worker, retention, logger } as unknown as TaskContext;
  const helpers = { abortSignal: AbortSignal.abort() } as unknown as JobHelpers;
  await retention__enforce(context)({}, helpers);
  expect(await world.runs(rio)).toHaveLength(1000);
});

test('a worker deletes rows beyond the retention limits, batch by batch, and no others', async () => {
  // All but a few of them are old.
  await addOldRuns();
  await owner.query(
    `insert into app_public.pfa_sync_log (organization_id, trigger, state, started_at, finished_at, error_code)
    select $1, 'schedule', 'failed', now() - interval '20 days', now() - interval '20 days', 'SYNC_FAILED' from generate_series(1, 3)`,
    [rio.id],
  );
  await world.startWorker({ retention });
  await owner.query("select graphile_worker.add_job('retention__enforce')");
  const left = await until('the old ones are gone', async () => {
    const runs = await world.runs(rio);
    return runs.length < 1000 && runs;
  });
  expect(left).toHaveLength(3);
});

test('events of records are deleted after a week, batch by batch, except the newest', async () => {
  await owner.query(
    `insert into app_core.pfa_event (organization_id, kind, viewer_id, record_ids, revisions, happened_at)
    select $1, 'records', 0, '{a}', '{1}', now() - interval '8 days' from generate_series(1, 6000)`,
    [rio.id],
  );
  await owner.query("select graphile_worker.add_job('retention__enforce')");
  await until('they are gone', async () => {
    const { rows } = await owner.query('select from app_core.pfa_event where organization_id = $1', [rio.id]);
    return rows.length === 1;
  });
});
