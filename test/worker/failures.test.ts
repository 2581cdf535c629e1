import { createServer, type AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { newEncryptionKey } from '../../src/encryption.ts';
import { makeOrganization, one, type Organization } from '../support/make.ts';
import { until } from '../support/until.ts';
import { idOf, pemsPassword, stagedRows, testWorld, type ConnectionSettings } from './world.ts';

const world = await testWorld({ DOOR: 12, AWAY: 12, ALERT: 12, HALF: 12, SIGNIN: 12, STALE: 12, KEYS: 12 });
const { db } = world;
await world.startWorker();

const token = (password: string) => Buffer.from(`vanguard:${password}`).toString('base64');
const secrets = [pemsPassword, 'falsch-Ünd-geheim', token(pemsPassword), token('falsch-Ünd-geheim')];

/** Returns the complete row of the connection. */
async function connectionRow({ code }: Organization) {
  const { rows } = await db.owner.query<{ status: string; last_error: string | null; all: string }>(
    'select c.status, c.last_error, to_json(c)::text as all from app_public.api_configurations c where id = $1',
    [`test-${code.toLowerCase()}`],
  );
  return one(rows);
}

/** Runs a failing run over existing records; the next run succeeds. Returns the failed run. */
async function failing(
  organization: Organization,
  spoil: () => Promise<unknown>,
  mend: () => Promise<unknown> = () => world.control('DELETE', '/faults'),
) {
  expect(await world.sync(organization)).toMatchObject({ state: 'succeeded', rows_inserted: 12 });
  const mirror = await world.mirror(organization);
  await world.control('PATCH', `/records/${organization.code}/${idOf(organization, 1)}`, {
    values: { pfs_f_model: 'news that must not come half' },
  });
  await spoil();
  const run = await world.sync(organization);
  expect(run.state).toBe('failed');
  expect(run.error_message).toMatch(/\w{3}/);
  expect(run.error_hint).toMatch(/\w\.$/);
  expect(await world.mirror(organization)).toEqual(mirror);
  expect(await stagedRows(db.owner, organization)).toBe(0);
  const connection = await connectionRow(organization);
  expect(connection).toMatchObject({ status: 'error', last_error: run.error_message });
  for (const secret of secrets) {
    expect(connection.all).not.toContain(secret);
    expect(JSON.stringify(run)).not.toContain(secret);
  }
  await mend();
  expect(await world.sync(organization)).toMatchObject({ state: 'succeeded', rows_updated: 1 });
  expect(await connectionRow(organization)).toMatchObject({ status: 'connected', last_error: null });
  return run;
}

const reconnect = (organization: Organization, settings?: ConnectionSettings) => () =>
  world.connect(organization, settings);

test('a wrong password: the mirror stays, and the log and the connection report it without the password', async () => {
  const organization = await world.organization('DOOR');
  const run = await failing(
    organization,
    reconnect(organization, { password: 'falsch-Ünd-geheim' }),
    reconnect(organization),
  );
  expect(run.error_code).toBe('PEMS_UNAUTHORIZED');
});

test('no response: the mirror stays, and the log names host and port', async () => {
  const organization = await world.organization('AWAY');
  const server = createServer();
  const port = await new Promise<number>((listening) => {
    server.listen(0, '127.0.0.1', () => listening((server.address() as AddressInfo).port));
  });
  await new Promise((closed) => server.close(closed));
  const run = await failing(
    organization,
    reconnect(organization, { url: `http://127.0.0.1:${port}/axis/restservices` }),
    reconnect(organization),
  );
  expect(run.error_code).toBe('PEMS_UNREACHABLE');
  expect(run.error_message).toContain(`127.0.0.1:${port}`);
});

test('an error of PEMS: the log contains its text without the password', async () => {
  const organization = await world.organization('ALERT', { pageSize: 5 });
  let staged = Promise.resolve();
  const run = await failing(organization, async () => {
    // At the second page, so that the cleanup has something to delete. The first page and the column names come before
    // it.
    await world.fault({ kind: 'latency', ms: 0, count: 2 });
    await world.fault({ kind: 'latency', ms: 1000, count: 1 });
    staged = until(
      'the first page is staged',
      async () => (await stagedRows(db.owner, organization)) > 0,
    ).then(() =>
      world.fault({ kind: 'error-alert', count: 1, message: `Grid locked for vanguard/${pemsPassword}` }),
    );
  });
  await staged;
  expect(run).toMatchObject({
    error_code: 'PEMS_ERROR_ALERT',
    error_message: 'PEMS refused the request: Grid locked for vanguard/***',
  });
});

test('a response that is not JSON leaves the mirror unchanged', async () => {
  const organization = await world.organization('SIGNIN');
  const run = await failing(organization, () =>
    world.fault({ kind: 'malformed', what: 'html', count: 1, match: { organization: 'SIGNIN' } }),
  );
  expect(run.error_code).toBe('PEMS_MALFORMED_ANSWER');
});

test('a response that is cut off is requested again, and the run succeeds', async () => {
  const organization = await world.organization('HALF', { pageSize: 5 });
  await world.fault({ kind: 'half-body', count: 1, match: { organization: 'HALF' } });
  expect(await world.sync(organization)).toMatchObject({
    state: 'succeeded',
    rows_read: 12,
    rows_inserted: 12,
  });
});

test('without a connection the run says so, with a hint', async () => {
  const organization = await makeOrganization(db, 'NOWHERE');
  expect(await world.sync(organization)).toMatchObject({
    state: 'failed',
    error_code: 'NO_PEMS_CONNECTION',
    error_hint: expect.stringContaining('vanguard connection create') as string,
  });
});

test('a password encrypted under a missing key fails the run, and the error names the key', async () => {
  const organization = await world.organization('KEYS', { keys: newEncryptionKey('lost-2019') });
  const run = await world.sync(organization);
  expect(run).toMatchObject({ state: 'failed', error_code: 'ENCRYPTION_KEY_MISSING' });
  expect(run.error_message).toContain('lost-2019');
});

test('a run that lost its token merges nothing, and does not count against the connection', async () => {
  const organization = await world.organization('STALE', { pageSize: 5 });
  await world.fault({ kind: 'hang', count: 1, match: { organization: 'STALE' } });
  const { id } = await world.request(organization);
  await until('PEMS is asked', async () => (await world.faultHits()) > 0);
  await db.owner.query('select app_private.fail_sync_run($1, $2, $3, $4, null)', [
    organization.id,
    id,
    'TEST_TOOK_IT',
    'Taken away.',
  ]);
  await world.control('DELETE', '/faults');
  await until('the job is done', async () => {
    const { rows } = await db.owner.query<{ left: boolean }>(
      `select exists (select from graphile_worker._private_jobs j
        join graphile_worker._private_job_queues q on q.id = j.job_queue_id where q.queue_name = $1) as left`,
      [`sync:${organization.id}`],
    );
    return !one(rows).left;
  });
  expect((await world.runs(organization)).map(({ error_code }) => error_code)).toEqual(['TEST_TOOK_IT']);
  expect(await world.mirror(organization)).toEqual([]);
  expect((await connectionRow(organization)).last_error).toBeNull();
});
