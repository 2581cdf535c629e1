import { describe, expect, test } from 'vitest';
import { withClient } from '../../src/database/bootstrap.ts';
import { urlTo } from '../../src/database/roles.ts';
import type { RunningWorker } from '../../worker/index.ts';
import { makePerson, testApi } from '../api/server.ts';
import { makeMember, trustAll, type Organization } from '../support/make.ts';
import { freePorts } from '../start/vanguard.ts';
import { until } from '../support/until.ts';
import { pushTools } from '../worker/push-world.ts';
import { idOf, testWorld } from '../worker/world.ts';
import { areFiring, exposed, hasPromtool, readRules, type Firing, type Scrape } from './promtool.ts';

// Each alert fires in its state, and no other does. The tests use real states of a database, worker and PEMS, scraped
// like Prometheus, and Prometheus itself evaluates the rules.

describe.skipIf(!hasPromtool)('alerts (checked by promtool)', { timeout: 60_000 }, async () => {
  if (!hasPromtool) {
    // Counts as skipped: without a database, PEMS and worker the tests below cannot run.
    test.skip('each alert fires in its state');
    return;
  }
  const world = await testWorld({ CALM: 5, BUSY: 80 });
  const { db } = world;
  const push = pushTools(world);
  const api = await testApi(db, { admin: { host: '127.0.0.1', port: 0 } });
  const calm = await world.organization('CALM');
  const busy = await world.organization('BUSY');
  const connection = 'test-busy';
  const author = await makeMember(db, busy);
  await makePerson(db, 'anna', [[busy, 'admin']]);
  const anna = await api.token('anna');

  let worker: RunningWorker;
  let workerUrl = '';
  const startWorker = async () => {
    worker = await world.startWorker({ admin: { host: '127.0.0.1', port: 0 }, releaseIntervalMs: 250 });
    workerUrl = `http://127.0.0.1:${worker.adminPort}`;
  };
  await startWorker();
  for (const organization of [calm, busy])
    expect(await world.sync(organization)).toMatchObject({ state: 'succeeded' });

  const rules = await readRules();
  const names = rules.groups.flatMap((group) => group.rules.map(({ alert }) => alert));
  const fired = new Set<string>();

  /** Both targets of ops/prometheus/prometheus.yml. */
  async function scrape(): Promise<Scrape> {
    const targets = [
      { job: 'vanguard', instance: 'server', url: api.adminUrl },
      { job: 'vanguard-worker', instance: 'worker', url: workerUrl },
    ];
    return {
      at: performance.now(),
      targets: await Promise.all(
        targets.map(async ({ url, ...target }) => ({
          ...target,
          text: await fetch(`${url}/metrics`).then(
            (response) => response.text(),
            () => null,
          ),
        })),
      ),
    };
  }

  /** A rule with other metric names. */
  const planted = (alert: string) => ({
    groups: rules.groups.map((group) => ({
      ...group,
      rules: group.rules.map((rule) =>
        rule.alert === alert
          ? { ...rule, expr: rule.expr.replaceAll(/\bvanguard_|\bup\b/g, 'other_') }
          : rule,
      ),
    })),
  });

  /** Exactly these alerts fire now. Each would be missing if its rule read other metrics. */
  async function expectFiring(first: Scrape, ...firing: Firing[]): Promise<void> {
    const scrapes: [Scrape, Scrape] = [first, await scrape()];
    expect(await areFiring(rules, scrapes, firing)).toEqual({
      ok: true,
      output: expect.any(String) as string,
    });
    for (const { alertname } of firing) {
      expect(names).toContain(alertname);
      fired.add(alertname);
      expect(await areFiring(planted(alertname), scrapes, firing)).toMatchObject({ ok: false });
    }
  }

  const breakerIsOpen = () =>
    until('the breaker is open', async () =>
      exposed((await scrape()).targets[0]?.text ?? '').some(
        ({ name, labels, value }) =>
          name === 'vanguard_pems_breaker_open' && labels.includes(connection) && value === 1,
      ),
    );
  const sql = (text: string, ...values: unknown[]) => db.owner.query(text, values);
  /** Simulates the past: the test does not wait. */
  const longAgo = (table: string, column: string, { id }: Organization, age: string) =>
    sql(`update ${table} set ${column} = ${column} - $2::interval where organization_id = $1`, id, age);
  const committedLongAgo = (age: string) =>
    sql(
      `update app_core.pfa_modification set committed_at = committed_at - $2::interval
      where organization_id = $1 and state in ('committed', 'syncing')`,
      busy.id,
      age,
    );
  const mutate = async (name: string, argument: string) => {
    const { body } = await api.graphql(
      anna,
      `mutation { ${name}(input: { ${argument} }) { clientMutationId } }`,
    );
    expect(body.errors).toBeUndefined();
  };

  let rate = 0;
  const uniqueChange = (n: number) =>
    push.change(busy, author, idOf(busy, n), { monthlyRate: 2000 + ++rate });

  test('none in a healthy state, with reads and writes', async () => {
    const first = await scrape();
    await world.sync(calm);
    await uniqueChange(1);
    await push.settled(busy);
    await expectFiring(first);
  });

  test('a mirror that is not read again, while its schedule says so', async () => {
    const first = await scrape();
    // A run that never ends.
    await world.fault({ kind: 'latency', ms: 60_000, count: 100, match: { organization: 'CALM' } });
    const run = await world.request(calm);
    await until('it runs', async () =>
      (await world.runs(calm)).some(({ id, state }) => id === run.id && state === 'running'),
    );
    await longAgo('app_public.pfa_sync_log', 'finished_at', calm, '1 hour');
    await sql(
      'update app_private.pfa_sync_schedule set paused_at = null where organization_id = $1',
      calm.id,
    );
    await expectFiring(first, { alertname: 'VanguardMirrorTooOld', organization: 'CALM' });
    await world.control('DELETE', '/faults');
    expect(await world.ended(calm, run.id)).toMatchObject({ state: 'succeeded' });
    await expectFiring(first);
  });

  test('a failing sync', async () => {
    const first = await scrape();
    await world.fault({ kind: 'status', status: 500, count: 1000, match: { organization: 'CALM' } });
    expect(await world.sync(calm)).toMatchObject({ state: 'failed' });
    await expectFiring(first, { alertname: 'VanguardSyncFailing', organization: 'CALM' });
    await world.control('DELETE', '/faults');
    expect(await world.sync(calm)).toMatchObject({ state: 'succeeded' });
  });

  test('a schedule that was paused and forgotten', async () => {
    const first = await scrape();
    await sql(
      "update app_private.pfa_sync_schedule set paused_at = now() - interval '2 days' where organization_id = $1",
      calm.id,
    );
    await expectFiring(first, { alertname: 'VanguardSyncPaused', organization: 'CALM' });
    await sql(
      'update app_private.pfa_sync_schedule set paused_at = now() where organization_id = $1',
      calm.id,
    );
  });

  test('a slow write to PEMS, and one that never succeeds', async () => {
    const first = await scrape();
    await world.fault({ kind: 'latency', ms: 60_000, count: 100, match: { organization: 'BUSY' } });
    await uniqueChange(2);
    await committedLongAgo('5 minutes');
    const slow = { alertname: 'VanguardChangesSlow', organization: 'BUSY' };
    await expectFiring(first, slow);
    await committedLongAgo('15 minutes');
    await expectFiring(first, slow, { alertname: 'VanguardChangesStuck', organization: 'BUSY' });
    await world.control('DELETE', '/faults');
    await push.settled(busy);
    await expectFiring(first);
  });

  test('wrong credentials open the breaker, and commits are stuck', async () => {
    const first = await scrape();
    await world.connect(busy, { password: 'wrong' });
    await uniqueChange(3);
    const open = { alertname: 'VanguardBreakerOpen', connection };
    await breakerIsOpen();
    await expectFiring(first, open);
    await committedLongAgo('20 minutes');
    await expectFiring(first, open, { alertname: 'VanguardChangesStuck', organization: 'BUSY' });
    await world.connect(busy);
    await push.settled(busy);
    await expectFiring(first);
  });

  test('a write-back that was paused and forgotten; its pending changes cause no other alert', async () => {
    const first = await scrape();
    await mutate('pausePush', `organizationId: ${busy.id}`);
    await uniqueChange(4);
    await committedLongAgo('1 day');
    await expectFiring(first);
    await longAgo('app_private.pfa_push_pause', 'paused_at', busy, '5 hours');
    await expectFiring(first, { alertname: 'VanguardPushPaused', organization: 'BUSY' });
    await mutate('resumePush', `organizationId: ${busy.id}`);
    await push.settled(busy);
  });

  test('a connection that was paused and forgotten', async () => {
    const first = await scrape();
    await mutate('pauseConnection', `apiConfigurationId: "${connection}"`);
    await uniqueChange(5);
    await committedLongAgo('1 day');
    await expectFiring(first);
    await sql("update app_private.pems_state set paused_at = paused_at - interval '5 hours'");
    await expectFiring(first, { alertname: 'VanguardConnectionPaused', connection });
    await mutate('resumeConnection', `apiConfigurationId: "${connection}"`);
    await push.settled(busy);
  });

  test('old unresolved problems, and many at once', async () => {
    const first = await scrape();
    // A run with so many at once would be withheld.
    await trustAll(world.db, busy);
    const ids = Array.from({ length: 60 }, (_, n) => idOf(busy, n + 11));
    const conflict = async (some: string[], value: string) => {
      for (const id of some) await push.draft(busy, author, id, { contract: 'MINE' });
      await world.control('PATCH', '/records/BUSY', {
        records: some.map((id) => ({ id, values: { pfa_ca_contract: value } })),
      });
      expect(await world.sync(busy)).toMatchObject({ state: 'succeeded', conflicts: some.length });
    };
    await conflict(ids.slice(0, 1), 'THEIRS');
    expect(await push.draftOf(busy, ids[0]!)).toMatchObject({ problems: { contract: { kind: 'conflict' } } });
    await expectFiring(first);
    await sql('alter table app_core.pfa_modification disable trigger user');
    await longAgo('app_core.pfa_modification', 'updated_at', busy, '4 days');
    await sql('alter table app_core.pfa_modification enable trigger user');
    const waiting = { alertname: 'VanguardProblemsWaiting', organization: 'BUSY' };
    await expectFiring(first, waiting);
    await conflict(ids.slice(1), 'THEIRS TOO');
    await expectFiring(first, waiting, { alertname: 'VanguardProblemsGrowing', organization: 'BUSY' });
    await db.asUser(author, (client) => client.query('select app_public.discard_drafts($1)', [busy.id]), {
      commit: true,
    });
    await expectFiring(first);
  });

  test('the request limit of PEMS is used up permanently', async () => {
    const limit = (requestsPerSecond: number) =>
      sql('update app_public.pems_settings set requests_per_second = $1', requestsPerSecond);
    await limit(10);
    const first = await scrape();
    const began = performance.now();
    // Workers that use up the rate limit, however fast this machine is.
    const takeTurns = async (turns: number) => {
      const { rows } = await db.worker.query<{ wait: number }>(
        'select app_private.take_turns($1, $2) as wait',
        [connection, turns],
      );
      return rows[0]!.wait;
    };
    await until(
      'some seconds of turns are taken',
      async () => {
        if ((await takeTurns(1)) > 1000) await new Promise((resolve) => setTimeout(resolve, 100));
        return performance.now() - began > 3000;
      },
      30,
    );
    await expectFiring(first, { alertname: 'VanguardRateUsedUp', connection });
    await limit(1000);
    await sql('update app_private.pems_rate set next_at = now()');
    await expectFiring(await scrape());
  });

  test('a permanently failed job, and an unprocessed one', async () => {
    const first = await scrape();
    await sql("select graphile_worker.add_job('no_such_task', job_key => 'failed')");
    await sql("update graphile_worker._private_jobs set attempts = max_attempts where key = 'failed'");
    await expectFiring(first, { alertname: 'VanguardJobsFailed', task: 'no_such_task' });
    await sql("select graphile_worker.remove_job('failed')");
    await sql("select graphile_worker.add_job('no_such_task', job_key => 'old')");
    await sql(
      "update graphile_worker._private_jobs set run_at = run_at - interval '1 hour' where key = 'old'",
    );
    await expectFiring(first, { alertname: 'VanguardQueueStalled', task: 'no_such_task' });
    await sql("select graphile_worker.remove_job('old')");
  });

  test('a missing worker that was scraped before', async () => {
    const first = await scrape();
    await world.stopWorkers();
    await expectFiring(first, { alertname: 'VanguardNoWorker' }, { alertname: 'VanguardProcessDown' });
    await startWorker();
    await expectFiring(first);
  });

  test('a database that does not respond', async () => {
    const first = await scrape();
    const asSuperuser = (text: string) =>
      withClient(urlTo(db.superuserUrl, 'postgres'), (client) => client.query(text));
    // It would end with its database.
    await world.stopWorkers();
    await asSuperuser(`alter database ${db.name} with allow_connections false`);
    try {
      await asSuperuser(
        `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${db.name}'`,
      );
      await expectFiring(first, { alertname: 'VanguardDatabaseDown' }, { alertname: 'VanguardProcessDown' });
    } finally {
      await asSuperuser(`alter database ${db.name} with allow_connections true`);
    }
    await startWorker();
    await until('the database answers', async () =>
      (await scrape()).targets[0]?.text?.includes('vanguard_database_up{part="server"} 1'),
    );
    await expectFiring(first);
  });

  test('a missing PEMS', async () => {
    const first = await scrape();
    const [port = 0] = await freePorts(1);
    await world.connect(busy, { url: `http://127.0.0.1:${port}/axis/restservices` });
    await uniqueChange(6);
    await breakerIsOpen();
    await expectFiring(first, { alertname: 'VanguardBreakerOpen', connection });
    await world.connect(busy);
    await push.settled(busy);
  });

  test('a test here fires each alert', () => {
    // A rule that no test fires may never fire at all.
    expect([...fired].sort()).toEqual([...names].sort());
  });
});
