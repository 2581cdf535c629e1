import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { bootstrap } from '../../src/database/bootstrap.ts';
import { startEmbeddedDatabase, type EmbeddedDatabase } from '../../src/database/embedded.ts';
import { applyCurrent, migrate } from '../../src/database/migrate.ts';
import { newEncryptionKey } from '../../src/encryption.ts';
import type { RoleUrls } from '../../src/database/roles.ts';
import { startServer, type RunningServer } from '../../src/server.ts';
import { until } from '../support/until.ts';

vi.setConfig({ testTimeout: 60_000 });

// PostgreSQL dies under the server in every possible way; the server stays and recovers. A separate cluster.

let folder: string;
let database: EmbeddedDatabase;
let urls: RoleUrls;
let server: RunningServer;
let isStopped = false;
const settings = { fsync: 'off', shared_buffers: '32MB' };
const start = async (port?: number) =>
  (database = await startEmbeddedDatabase({ folder, settings, ...(port ? { port } : {}) }));

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vanguard-killed-'));
  chmodSync(folder, 0o711); // as root, the user that PostgreSQL runs as must get in
  await start();
  urls = await bootstrap(database.superuserUrl, 'vanguard', 'the secret of this test');
  await migrate(urls.owner);
  await applyCurrent(urls.owner);
  server = await startServer({
    authenticatorUrl: urls.authenticator,
    encryptionKeys: newEncryptionKey('test'),
    host: '127.0.0.1',
    port: 0,
    production: false,
    introspection: true,
    logLevel: 'silent',
  });
});
afterAll(async () => {
  if (!isStopped) await server?.stop();
  await database?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const ask = async (path: string, body?: unknown) => {
  const response = await fetch(`http://127.0.0.1:${server.port}${path}`, {
    ...(body === undefined
      ? {}
      : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
};
let tried = 0;
/** A new user each time: ten wrong passwords would cause a wait. */
const login = () => ask('/api/auth/login', { username: `nobody-${++tried}`, password: 'whatever it is' });
const works = () =>
  until('the server works again', async () => {
    const [ready, signIn] = [await ask('/api/ready'), await login()];
    return ready.status === 200 && signIn.status === 401;
  });
const postmaster = () =>
  Number.parseInt(readFileSync(join(database.folder, 'data', 'postmaster.pid'), 'utf8'), 10);
const unavailable = { status: 503, body: { error: { code: 'DATABASE_UNAVAILABLE' } } };

test.each(['SIGKILL', 'SIGQUIT'] as const)('the whole cluster by %s, and a later restart', async (signal) => {
  await works();
  const { port } = database;
  process.kill(postmaster(), signal);
  expect(await until('it is gone', async () => (await login()).status === 503)).toBe(true);
  expect(await login()).toMatchObject(unavailable);
  expect(await ask('/api/ready')).toMatchObject({ status: 503, body: { checks: { database: false } } });
  expect(await ask('/api/health')).toMatchObject({ status: 200 });
  await start(port);
  await works();
});

test('one of its processes by SIGKILL, so that it closes all connections', async () => {
  await works();
  const client = new pg.Client({ connectionString: urls.owner });
  const ended = new Promise((resolve) => client.once('end', resolve));
  client.on('error', () => undefined);
  await client.connect();
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
  process.kill(rows[0]!.pid, 'SIGKILL');
  await ended;
  for (const { status } of await Promise.all([login(), login(), login()]))
    expect([401, 503]).toContain(status);
  await works();
});

test('a stopping server finishes its requests and accepts no more', async () => {
  await works();
  const holder = new pg.Client({ connectionString: urls.owner });
  await holder.connect();
  await holder.query('begin');
  await holder.query('lock table app_public.users in access exclusive mode');
  const answered = new Promise<{ status: number | undefined; connection: string | undefined }>(
    (resolve, reject) => {
      const sent = request(
        {
          port: server.port,
          host: '127.0.0.1',
          path: '/api/auth/login',
          method: 'POST',
          headers: { 'content-type': 'application/json' },
        },
        (response) => {
          response.resume();
          response.on('end', () =>
            resolve({ status: response.statusCode, connection: response.headers.connection }),
          );
        },
      );
      sent.on('error', reject);
      sent.end(JSON.stringify({ username: 'nobody', password: 'whatever it is' }));
    },
  );
  await until('it waits', async () => {
    const { rows } = await holder.query('select from pg_locks where not granted');
    return rows.length > 0;
  });
  const stopped = server.stop();
  const refused = await new Promise<string | undefined>((resolve) => {
    const socket = connect(server.port, '127.0.0.1');
    socket.on('connect', () => resolve('connected'));
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code));
  });
  expect(refused).toBe('ECONNREFUSED');
  await holder.query('rollback');
  // An unknown user: the request still gets a response.
  expect((await answered).status).toBe(401);
  await stopped;
  isStopped = true;
  await holder.end();
});
