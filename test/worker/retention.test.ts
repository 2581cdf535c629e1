import { expect, test } from 'vitest';
import { until } from '../support/until.ts';
import { testWorld } from './world.ts';

const world = await testWorld({ RIO: 1 });
const { owner } = world.db;

test('a worker deletes what is older than its own limits say, batch by batch, and no more', async () => {
  const rio = await world.organization('RIO');
  // More than one batch, all but a few of them old.
  await owner.query(
    `insert into app_public.pfa_sync_log (organization_id, trigger, state, started_at, finished_at, error_code)
    select $1, 'schedule', 'failed', at, at, 'SYNC_FAILED'
    from generate_series(1, 6000) n cross join lateral (select now() - interval '40 days' - n * interval '1 second' as at) t`,
    [rio.id],
  );
  await owner.query(
    `insert into app_public.pfa_sync_log (organization_id, trigger, state, started_at, finished_at, error_code)
    select $1, 'schedule', 'failed', now() - interval '20 days', now() - interval '20 days', 'SYNC_FAILED' from generate_series(1, 3)`,
    [rio.id],
  );
  await world.startWorker({
    retention: { syncLogDays: 30, rejectsDays: 30, sessionsDays: 30, failedJobsDays: 30 },
  });
  await owner.query("select graphile_worker.add_job('retention__enforce')");
  const left = await until('the old ones are gone', async () => {
    const runs = await world.runs(rio);
    return runs.length < 1000 && runs;
  });
  expect(left).toHaveLength(3);
});
