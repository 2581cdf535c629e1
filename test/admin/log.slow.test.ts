import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { createServer as createHttpServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { encryptionKeys, makePerson, password } from '../api/server.ts';
import { saveConnection } from '../../src/connections.ts';
import { createVault } from '../../src/encryption.ts';
import { freePorts } from '../start/vanguard.ts';
import { testDatabase } from '../support/database.ts';
import { environmentOf } from '../support/environment.ts';
import { makeOrganization, queueSync } from '../support/make.ts';
import { until } from '../support/until.ts';

// The logs of a real server and a real worker at the most verbose level, while every input contains secrets.

const db = await testDatabase();
const org = await makeOrganization(db, 'RIO');
const anna = await makePerson(db, 'anna', [[org, 'admin']]);
const launcher = fileURLToPath(new URL('../../bin/vanguard.js', import.meta.url));
const started: ChildProcess[] = [];
afterAll(async () => {
  for (const child of started) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGTERM');
    await once(child, 'exit');
  }
});

const secret = 'VANGUARD-SECRET-of-this-test-0123';
const passwordOf = (url: string) => decodeURIComponent(new URL(url).password);

function launch(part: 'server' | 'worker', more: Record<string, string> = {}) {
  const child = spawn(process.execPath, [launcher, part], {
    env: environmentOf({
      LOG_LEVEL: 'trace',
      DATABASE_URL: db.urls.owner,
      AUTHENTICATOR_DATABASE_URL: db.urls.authenticator,
      WORKER_DATABASE_URL: db.urls.worker,
      VANGUARD_SECRET: secret,
      VANGUARD_ENCRYPTION_KEYS: encryptionKeys,
      ...more,
    }),
  });
  started.push(child);
  let [said, output] = ['', ''];
  child.stderr.on('data', (text) => (said += String(text)));
  child.stdout.on('data', (text) => (output += String(text)));
  const lines = () =>
    said
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  return { child, said: () => said, output: () => output, lines };
}

/** A PEMS that echoes the whole request. */
const pems = createHttpServer((request, response) => {
  const sent = JSON.stringify(request.headers);
  const basic = Buffer.from(
    (request.headers.authorization ?? '').replace(/^Basic /, ''),
    'base64',
  ).toString();
  response.writeHead(500, { 'content-type': 'application/json' }).end(JSON.stringify({ sent, basic }));
}).listen(0, '127.0.0.1');
await once(pems, 'listening');
afterAll(() => pems.close());

/** Texts that no log may contain. */
const secrets = {
  vanguardSecret: secret,
  encryptionKey: encryptionKeys.split(':')[1]!,
  databasePasswords: passwordOf(db.urls.authenticator),
  workersPassword: passwordOf(db.urls.worker),
  password,
  header: 'header-s3cret-value',
  cookie: 'cookie-s3cret-value',
  body: 'body-s3cret-value',
  query: 'query-s3cret-value',
  path: 'path-s3cret-value',
  pemsPassword: 'pems-s3cret-§-value',
  pemsBasic: Buffer.from('pemsuser:pems-s3cret-§-value').toString('base64'),
};

function expectNoSecret(said: string, more: string[] = []): void {
  const found = [...Object.entries(secrets), ...more.map((one) => ['token', one] as const)]
    .filter(([, value]) => said.includes(value))
    .map(([name]) => name);
  expect(found).toEqual([]);
}

test(
  'a server logs every request, as JSON only, without the secrets in it',
  { timeout: 60_000 },
  async () => {
    const [port = 0] = await freePorts(1);
    const server = launch('server', { PORT: String(port) });
    const url = `http://127.0.0.1:${port}`;
    await until('it listens', () => server.said().includes('"listening"'), 30);

    const json = { 'content-type': 'application/json' };
    const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
      fetch(url + path, {
        method: 'POST',
        headers: { ...json, ...headers },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      });
    const signedIn = await post('/api/auth/login', { username: 'anna', password });
    const { token } = (await signedIn.json()) as { token: string };
    const refresh = signedIn.headers.getSetCookie()[0]?.split(/[=;]/)[1] ?? '';
    const cookie = signedIn.headers.getSetCookie()[0]?.split(';')[0] ?? '';
    const authorization = `Bearer ${token}`;
    await post('/api/auth/refresh', {}, { cookie });
    await post('/api/auth/login', { username: secrets.body, password: secrets.body });
    await post(
      '/api/auth/change-password',
      { currentPassword: secrets.body, newPassword: secrets.body },
      { authorization },
    );
    await post('/api/auth/login', `{"password": "${secrets.body}"`);
    await post(
      '/graphql',
      { query: `query ($q: String) { ${secrets.body.replaceAll('-', '_')} }` },
      { authorization },
    );
    await post(
      '/graphql',
      { query: `{ organizationByCode(code: "${secrets.body}") { id } }` },
      { authorization },
    );
    // A request whose planning fails: the library prints that itself.
    const nested = '{ pfaRecords { nodes { organization '.repeat(40);
    await post(
      '/graphql',
      { query: `{ organizationByCode(code: "RIO") ${nested} { id } ${'} } }'.repeat(40)} }` },
      { authorization },
    );
    const get = (path: string, headers: Record<string, string> = {}) => fetch(url + path, { headers });
    await get(`/api/pfa/${secrets.path}?limit=${secrets.query}&token=${secrets.query}`, { authorization });
    await get(`/${secrets.path}?password=${secrets.query}`, {
      authorization: `Bearer ${secrets.header}`,
      cookie: `vanguard_refresh=${secrets.cookie}`,
      'x-api-key': secrets.header,
      'x-request-id': `${secrets.header} `.repeat(4),
      referer: `https://u:${secrets.header}@h/`,
    });
    await get('/api/sync/status', { authorization: `Basic ${secrets.header}` });
    await get('/api/health');

    // An internal error in the middle of a request.
    await db.owner.query('alter function app_public.save_draft rename to saved_draft');
    const failed = await post(
      '/api/pfa/RIO/draft',
      { recordId: secrets.body, changes: { contract: secrets.body }, revision: 0 },
      { authorization, 'x-request-id': 'the-one-that-failed' },
    );
    await post(
      '/graphql',
      {
        query: `mutation { saveDraft(input: { organizationId: ${org.id}, recordId: "${secrets.body}", changes: {}, revision: "0" }) { clientMutationId } }`,
      },
      { authorization, 'x-request-id': 'the-graphql-one' },
    );
    await db.owner.query('alter function app_public.saved_draft rename to save_draft');
    expect(failed.status).toBe(500);
    expect(failed.headers.get('x-request-id')).toBe('the-one-that-failed');
    await get('/api/sync/status', { authorization, 'x-request-id': 'the-last' });
    await until('the last is logged', () => server.said().includes('the-last'));

    server.child.kill('SIGTERM');
    await once(server.child, 'exit');
    expect(server.output()).toBe('');
    expectNoSecret(server.said(), [token, refresh]);
    expect(server.said()).not.toMatch(/s3cret|anna/);
    // Each line is JSON, also the output of libraries.
    const lines = server.lines();
    for (const line of lines)
      expect(line).toMatchObject({ level: expect.any(Number) as number, name: 'server' });
    const requests = lines.filter(({ msg }) => msg === 'request');
    expect(requests.find(({ requestId }) => requestId === 'the-last')).toMatchObject({
      ...{ level: 30, method: 'GET', route: '/api/sync/status', status: 200, userId: anna },
      milliseconds: expect.any(Number) as number,
    });
    expect(requests.filter(({ route }) => route === '/api/health').map(({ level }) => level)).toEqual([10]);
    expect(requests.some(({ route, status }) => route === '(none)' && status === 401)).toBe(true);
    // The log contains the failure under the request id that the client has.
    for (const id of ['the-one-that-failed', 'the-graphql-one']) {
      expect(lines).toContainEqual(
        expect.objectContaining({
          level: 50,
          requestId: id,
          err: expect.objectContaining({ code: '42883' }) as object,
        }),
      );
    }
  },
);

test('a worker logs no secret, whatever PEMS responds', { timeout: 60_000 }, async () => {
  const client = await db.owner.connect();
  try {
    await saveConnection(client, createVault(encryptionKeys), {
      ...{ id: 'echo', name: 'echo', url: `http://127.0.0.1:${(pems.address() as AddressInfo).port}` },
      ...{ tenant: 'T', username: 'pemsuser', password: secrets.pemsPassword, organization: 'RIO' },
      ...{ dateOrder: 'MDY', requestType: 'LIST.DATA_ONLY.STORED', isSimulated: false },
    });
  } finally {
    client.release();
  }
  const worker = launch('worker');
  await until('it works', () => worker.said().includes('"working"'), 30);
  await queueSync(db.worker, org);
  await until('the run has failed', () => worker.said().includes('not synchronized'), 40);
  worker.child.kill('SIGTERM');
  await once(worker.child, 'exit');
  expectNoSecret(worker.said());
  for (const line of worker.lines()) expect(line).toMatchObject({ name: 'worker' });
});

test('output of libraries, warnings of Node and uncaught errors are logged in the same form', async () => {
  const logger = fileURLToPath(new URL('../../src/logger.ts', import.meta.url));
  const child = spawn(process.execPath, [
    ...['--input-type=module', '-e'],
    `import { createLogger, logEverything } from ${JSON.stringify(logger)};
    logEverything(createLogger('child', 'trace'));
    console.error('planning failed: %s', 'password=${secrets.body}', { record: '${secrets.body}' });
    console.log(new Error('postgres://u:${secrets.body}@h/d'));
    process.emitWarning('old');
    setTimeout(() => { throw new Error('nobody: Bearer ${secrets.body}'); }, 20);`,
  ]);
  let [said, printed] = ['', ''];
  child.stderr.on('data', (text) => (said += String(text)));
  child.stdout.on('data', (text) => (printed += String(text)));
  const [code] = (await once(child, 'close')) as [number];
  expect({ code, printed }).toEqual({ code: 1, printed: '' });
  const lines = said
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { level: number; msg: string });
  expect(lines.map(({ level }) => level)).toEqual([40, 30, 40, 60]);
  expect(lines[0]?.msg).toBe('planning failed: password=(left out) (an object)');
  expect(said).not.toContain(secrets.body);
});

test('an occupied monitoring port causes one clear error, and leaves no process behind', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const adminPort = String((taken.address() as AddressInfo).port);
  const [port = 0] = await freePorts(1);
  for (const [part, variable] of [
    ['server', 'ADMIN_PORT'],
    ['worker', 'WORKER_ADMIN_PORT'],
  ] as const) {
    const { child, said } = launch(part, { PORT: String(port), [variable]: adminPort, LOG_LEVEL: 'warn' });
    const [code] = (await once(child, 'close')) as [number];
    expect(code).toBe(1);
    expect(said()).toBe(
      `PORT_IN_USE: Port ${adminPort} of 127.0.0.1 cannot be used: another program listens there.\nStop that program, or set ${variable} to another.\n`,
    );
  }
  taken.close();
});
