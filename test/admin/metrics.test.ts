import { networkInterfaces } from 'node:os';
import { expect, test } from 'vitest';
import { withClient } from '../../src/database/bootstrap.ts';
import { urlTo } from '../../src/database/roles.ts';
import { makePerson, testApi } from '../api/server.ts';
import { testWorld } from '../worker/world.ts';
import { untilBlocked } from '../support/ask.ts';
import { until } from '../support/until.ts';

// Monitoring of a real server, a worker and a PEMS, scraped as Prometheus does it.

const world = await testWorld({ RIO: 5, HOLNG: 5 });
const { db } = world;
const api = await testApi(db, { admin: { host: '127.0.0.1', port: 0 } });
const rio = await world.organization('RIO');
const holng = await world.organization('HOLNG');
await makePerson(db, 'anna', [[rio, 'admin']]);

const scrape = async (url = api.adminUrl) => {
  const response = await fetch(`${url}/metrics`);
  return { status: response.status, type: response.headers.get('content-type'), text: await response.text() };
};

/** Returns a metric by name and labels; undefined if it is missing. */
function figure(text: string, name: string, labels: Record<string, string> = {}): number | undefined {
  const line = text
    .split('\n')
    .find(
      (one) =>
        (one.startsWith(`${name}{`) || one.startsWith(`${name} `)) &&
        Object.entries(labels).every(([key, value]) => one.includes(`${key}="${value}"`)),
    );
  return line === undefined ? undefined : Number(line.split(' ').at(-1));
}
const requests = (text: string, labels: Record<string, string>) =>
  figure(text, 'vanguard_http_request_duration_seconds_count', labels) ?? 0;

test('metrics are text for Prometheus, need no sign-in, and include the process itself', async () => {
  const { status, type, text } = await scrape();
  expect(status).toBe(200);
  expect(type).toContain('text/plain; version=0.0.4');
  expect(figure(text, 'vanguard_build_info', { version: '0.1.0', node: process.versions.node })).toBe(1);
  expect(figure(text, 'process_resident_memory_bytes')).toBeGreaterThan(0);
  expect(figure(text, 'nodejs_eventloop_lag_seconds')).toBeGreaterThanOrEqual(0);
  expect(figure(text, 'vanguard_database_up')).toBe(1);
});

test('health and readiness are on the admin port too, and still on the main port', async () => {
  for (const url of [api.url, api.adminUrl]) {
    expect((await fetch(`${url}/api/health`)).status).toBe(200);
    const ready = await fetch(`${url}/api/ready`);
    expect({ status: ready.status, body: await ready.json() }).toMatchObject({
      status: 200,
      body: { status: 'ready' },
    });
  }
});

test('the main port shows no metrics, and the admin port serves nothing else', async () => {
  for (const path of ['/metrics', '/api/metrics', '/api/../metrics']) {
    expect((await api.rest('GET', path)).status).toBe(404);
  }
  for (const path of ['/', '/graphql', '/api/auth/login', '/api/sync/status', '/graphiql']) {
    const answer = await fetch(`${api.adminUrl}${path}`, { method: path === '/graphql' ? 'POST' : 'GET' });
    expect(answer.status).toBe(404);
    expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(answer.headers.get('x-powered-by')).toBeNull();
  }
});

test('only loopback may connect', async () => {
  const elsewhere = Object.values(networkInterfaces())
    .flatMap((all) => all ?? [])
    .find(({ internal, family }) => !internal && family === 'IPv4');
  const address = elsewhere?.address ?? '127.0.0.2';
  for (const url of [api.adminUrl, api.url])
    await expect(fetch(url.replace('127.0.0.1', address))).rejects.toThrow();
});

test('requests are counted by method, route and status, without codes or ids as labels', async () => {
  const token = await api.token('anna');
  const before = (await scrape()).text;
  await api.rest('GET', '/api/pfa/RIO?limit=1', { token });
  await api.rest('GET', `/api/pfa/${rio.id}?limit=1`, { token });
  await api.rest('POST', '/api/pfa/NOSUCH/draft', {
    token,
    body: { recordId: 'secret-record', changes: {}, revision: 0 },
  });
  await api.rest('GET', '/api/pfa/RIO/kpis');
  await api.rest('GET', '/nowhere/secret-path');
  await api.rest('PROPFIND', '/api/health');
  await api.graphql(token, '{ viewer { id } }');
  const after = await until('the last request is counted', async () => {
    const { text } = await scrape();
    return requests(text, { route: '/graphql' }) > requests(before, { route: '/graphql' }) && text;
  });
  const more = (labels: Record<string, string>) => requests(after, labels) - requests(before, labels);
  expect(more({ method: 'GET', route: '/api/pfa/:org', status: '200' })).toBe(2);
  expect(more({ method: 'POST', route: '/api/pfa/:org/draft', status: '404' })).toBe(1);
  expect(more({ method: 'GET', route: '/api/pfa/:org/*', status: '401' })).toBe(1);
  expect(more({ method: 'GET', route: '(none)', status: '404' })).toBe(1);
  expect(more({ method: 'OTHER', route: '/api/*', status: '404' })).toBe(1);
  expect(more({ method: 'POST', route: '/graphql', status: '200' })).toBe(1);
  expect(requests(after, { method: 'POST', route: '/api/auth/login', status: '200' })).toBeGreaterThan(0);
  expect(after).not.toMatch(/secret|NOSUCH|anna/);
  expect([...after.matchAll(/route="([^"]*)"/g)].map(([, route]) => route)).not.toContain('/api/pfa/RIO');
});

test('a client that disconnects early is counted as gone', async () => {
  const token = await api.token('anna');
  const gone = { method: 'GET', route: '/api/pfa/:org/kpis', status: '499' };
  const leave = new AbortController();
  await db.asOwner(async (client) => {
    await client.query('lock table app_core.pfa_overlay in access exclusive mode');
    const asked = fetch(`${api.url}/api/pfa/RIO/kpis`, {
      headers: { authorization: `Bearer ${token}` },
      signal: leave.signal,
    });
    await untilBlocked(db);
    leave.abort();
    await expect(asked).rejects.toThrow();
    await until('it is counted', async () => requests((await scrape()).text, gone) > 0);
  });
});

test('the connections of the pool have metrics', async () => {
  const { text } = await scrape();
  expect(figure(text, 'vanguard_pool_maximum', { pool: 'api' })).toBe(20);
  // Looking up the user was the only query.
  const pool = { pool: 'reserved' };
  expect(figure(text, 'vanguard_pool_maximum', pool)).toBe(5);
  expect(figure(text, 'vanguard_pool_size', pool)).toBeGreaterThan(0);
  expect(figure(text, 'vanguard_pool_idle', pool)).toBeLessThanOrEqual(
    figure(text, 'vanguard_pool_size', pool)!,
  );
  expect(figure(text, 'vanguard_pool_waiting', pool)).toBe(0);
});

test('an unprocessed queue grows and ages; a worker empties it, and the mirror is fresh', async () => {
  const queued = async (state: string) =>
    figure((await scrape()).text, 'vanguard_queue_jobs', { task: 'pfa__sync', state });
  expect(await queued('ready')).toBeUndefined();
  expect(
    figure((await scrape()).text, 'vanguard_mirror_age_seconds', { organization: 'RIO' }),
  ).toBeUndefined();

  await world.request(rio);
  await world.request(holng);
  expect(await queued('ready')).toBe(2);
  await db.owner.query("update graphile_worker._private_jobs set run_at = run_at - interval '1 hour'");
  const waited = figure((await scrape()).text, 'vanguard_queue_oldest_ready_seconds', { task: 'pfa__sync' });
  expect(waited).toBeGreaterThanOrEqual(3600);

  await world.fault({ kind: 'status', status: 500, count: 1000, match: { organization: 'HOLNG' } });
  const worker = await world.startWorker({ admin: { host: '127.0.0.1', port: 0 } });
  const both = await until('both have ended', async () => {
    const { text } = await scrape();
    const ended = (organization: string) => figure(text, 'vanguard_sync_last_succeeded', { organization });
    return ended('RIO') !== undefined && ended('HOLNG') !== undefined && text;
  });
  expect(figure(both, 'vanguard_sync_last_succeeded', { organization: 'RIO' })).toBe(1);
  expect(figure(both, 'vanguard_sync_last_succeeded', { organization: 'HOLNG' })).toBe(0);
  expect(figure(both, 'vanguard_mirror_age_seconds', { organization: 'RIO' })).toBeLessThan(60);
  expect(figure(both, 'vanguard_mirror_age_seconds', { organization: 'HOLNG' })).toBeUndefined();
  const endedAt = figure(both, 'vanguard_sync_last_ended_timestamp_seconds', { organization: 'RIO' })!;
  expect(Math.abs(endedAt - Date.now() / 1000)).toBeLessThan(60);
  expect(figure(both, 'vanguard_workers')).toBe(1);

  const own = (await scrape(`http://127.0.0.1:${worker.adminPort}`)).text;
  expect(figure(own, 'vanguard_jobs_total', { task: 'pfa__sync', outcome: 'succeeded' })).toBe(2);
  expect(figure(own, 'vanguard_job_duration_seconds_count', { task: 'pfa__sync' })).toBe(2);
  expect(figure(own, 'vanguard_pool_maximum', { pool: 'jobs' })).toBeGreaterThan(0);
  // Only the server exports it: values of two processes would be added up.
  expect(own).not.toContain('vanguard_queue_jobs{');
  const ready = await fetch(`http://127.0.0.1:${worker.adminPort}/api/ready`);
  expect(ready.status).toBe(200);
});

test('a permanently failed job is counted', async () => {
  await db.owner.query("select graphile_worker.add_job('no_such_task', job_key => 'failed')");
  await db.owner.query(
    "update graphile_worker._private_jobs set attempts = max_attempts where key = 'failed'",
  );
  const { text } = await scrape();
  expect(figure(text, 'vanguard_queue_jobs', { task: 'no_such_task', state: 'failed' })).toBe(1);
  expect(figure(text, 'vanguard_queue_jobs', { task: 'no_such_task', state: 'ready' })).toBe(0);
});

test('no metric contains records, users or secrets', async () => {
  const { text } = await scrape();
  expect(text).not.toMatch(/RIO-0|anna|password|postgres:/);
});

test('a database that is down has a metric, and the metrics of the process continue', async () => {
  const asSuperuser = (text: string) =>
    withClient(urlTo(db.superuserUrl, 'postgres'), (client) => client.query(text));
  await world.stopWorkers();
  await asSuperuser(`alter database ${db.name} with allow_connections false`);
  try {
    await asSuperuser(`select pg_terminate_backend(pid) from pg_stat_activity where datname = '${db.name}'`);
    const { status, text } = await scrape();
    expect(status).toBe(200);
    expect(figure(text, 'vanguard_database_up')).toBe(0);
    expect(figure(text, 'process_resident_memory_bytes')).toBeGreaterThan(0);
    expect(text).not.toContain('vanguard_mirror_age_seconds{');
    expect((await fetch(`${api.adminUrl}/api/ready`)).status).toBe(503);
  } finally {
    await asSuperuser(`alter database ${db.name} with allow_connections true`);
  }
  await expect.poll(async () => figure((await scrape()).text, 'vanguard_database_up')).toBe(1);
});
