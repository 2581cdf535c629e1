import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { bootstrap, withClient } from '../../src/database/bootstrap.ts';
import { startEmbeddedDatabase, type EmbeddedDatabase } from '../../src/database/embedded.ts';
import { migrate } from '../../src/database/migrate.ts';
import { urlTo, type RoleUrls } from '../../src/database/roles.ts';
import { newEncryptionKey } from '../../src/encryption.ts';
import { startServer } from '../../src/server.ts';
import { startWorker } from '../../worker/index.ts';
import { spawned } from '../cli/vanguard.ts';
import { until } from '../support/until.ts';
import { freePorts, isListening } from './vanguard.ts';

vi.setConfig({ testTimeout: 120_000 });

// Databases that do not fit: standbys, full servers, wrong encodings, poolers. A separate cluster.

const settings = { fsync: 'off', shared_buffers: '32MB' };
const secret = randomBytes(32).toString('base64url');
const encryptionKeys = newEncryptionKey('test');
const bouncer = '/usr/sbin/pgbouncer';
let base: string;
let cluster: EmbeddedDatabase;
let urls: RoleUrls;
const start = async (more = {}) =>
  (cluster = await startEmbeddedDatabase({
    folder: join(base, 'cluster'),
    settings: { ...settings, ...more },
  }));

beforeAll(async () => {
  base = mkdtempSync(join(tmpdir(), 'vanguard-unusable-'));
  chmodSync(base, 0o711); // as root, the user that PostgreSQL runs as must get in
  await start();
  urls = await bootstrap(cluster.superuserUrl, 'vanguard', secret);
  await migrate(urls.owner);
});
afterAll(async () => {
  await cluster?.stop();
  rmSync(base, { recursive: true, force: true });
});

/** Through another port, or to another database. */
function environmentOf(change: (url: string) => string = (url) => url): Record<string, string> {
  return {
    DATABASE_URL: change(urls.owner),
    AUTHENTICATOR_DATABASE_URL: change(urls.authenticator),
    WORKER_DATABASE_URL: change(urls.worker),
    VANGUARD_SECRET: secret,
    VANGUARD_ENCRYPTION_KEYS: encryptionKeys,
    VANGUARD_DATA_DIR: join(base, 'unused'),
    ADMIN_PORT: 'off',
  };
}
const toPort = (port: number) => (url: string) => {
  const changed = new URL(url);
  changed.port = String(port);
  return changed.href;
};

async function expectRefused(environment: Record<string, string>, commands: string[], code: string) {
  for (const command of commands) {
    const { code: exit, complained } = await spawned(environment, [command]);
    expect({ command, exit, complained }).toMatchObject({
      exit: 1,
      complained: expect.stringMatching(`^${code}: .+\\n.{15,}\\n$`) as string,
    });
  }
}

test('a standby is refused by name, until it is promoted', async () => {
  await cluster.stop();
  writeFileSync(join(cluster.folder, 'data', 'standby.signal'), '');
  await start();
  const environment = { ...environmentOf(), DATABASE_URL: urls.owner };
  await expectRefused(environment, ['start', 'migrate', 'server', 'worker'], 'DATABASE_READ_ONLY');
  await expectRefused(
    { ...environment, ROOT_DATABASE_URL: cluster.superuserUrl },
    ['start', 'bootstrap'],
    'DATABASE_READ_ONLY',
  );
  await withClient(cluster.superuserUrl, (client) => client.query('select pg_promote()'));
  expect(await spawned(environment, ['migrate'])).toMatchObject({ code: 0, complained: '' });
});

test('a database that is read-only by a setting is refused by name', async () => {
  const set = (what: string) =>
    withClient(cluster.superuserUrl, (client) => client.query(`alter database vanguard ${what}`));
  await set('set default_transaction_read_only = on');
  await expectRefused(environmentOf(), ['start', 'migrate', 'server', 'worker'], 'DATABASE_READ_ONLY');
  await set('reset default_transaction_read_only');
});

test('a server without a free connection is refused by name', async () => {
  const limit = (connections: number) =>
    withClient(cluster.superuserUrl, (client) =>
      client.query(`alter database vanguard connection limit ${connections}`),
    );
  await limit(0);
  await expectRefused(environmentOf(), ['start', 'migrate', 'server', 'worker'], 'DATABASE_FULL');
  await limit(-1);
});

test('a database with another encoding is refused by name', async () => {
  await withClient(cluster.superuserUrl, (client) =>
    client.query(
      "create database latin owner vanguard_owner template template0 encoding 'LATIN1' locale 'C' locale_provider libc",
    ),
  );
  await expectRefused(
    environmentOf((url) => urlTo(url, 'latin')),
    ['start', 'migrate'],
    'DATABASE_ENCODING',
  );
});

describe.skipIf(!existsSync(bouncer))('PgBouncer', () => {
  let child: ChildProcess;
  let port: number;
  const run = async (mode: string) => {
    [port = 0] = await freePorts(1);
    const folder = join(base, `pgbouncer-${mode}`);
    mkdirSync(folder, { mode: 0o755 });
    const users = Object.values(urls).map((url: string) => new URL(url));
    writeFileSync(
      join(folder, 'users.txt'),
      users.map(({ username, password }) => `"${username}" "${decodeURIComponent(password)}"\n`).join(''),
    );
    writeFileSync(
      join(folder, 'pgbouncer.ini'),
      `[databases]
* = host=127.0.0.1 port=${cluster.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = ${folder}/users.txt
pool_mode = ${mode}
default_pool_size = 60
`,
    );
    const root = process.getuid?.() === 0;
    const uid = root ? Number(execFileSync('id', ['-u', 'nobody'], { encoding: 'utf8' })) : undefined;
    if (uid !== undefined) for (const name of ['', 'users.txt']) chownSync(join(folder, name), uid, uid);
    child = spawn(bouncer, [join(folder, 'pgbouncer.ini')], { stdio: 'ignore', uid });
    await until('PgBouncer listens', () => isListening(port));
  };
  const end = async () => {
    child.kill('SIGKILL');
    await once(child, 'exit');
  };

  test('works in session mode: migrations, server, worker, limits and notifications', async () => {
    await run('session');
    const through = environmentOf(toPort(port));
    try {
      expect(await spawned(through, ['migrate'])).toMatchObject({ code: 0, complained: '' });
      const server = await startServer({
        authenticatorUrl: through.AUTHENTICATOR_DATABASE_URL!,
        encryptionKeys,
        host: '127.0.0.1',
        port: 0,
        production: false,
        introspection: true,
        logLevel: 'silent',
      });
      const worker = await startWorker({
        workerUrl: through.WORKER_DATABASE_URL!,
        encryptionKeys,
        concurrency: 1,
        logLevel: 'silent',
      });
      try {
        expect((await fetch(`http://127.0.0.1:${server.port}/api/ready`)).status).toBe(200);
        const listener = new pg.Client({ connectionString: through.AUTHENTICATOR_DATABASE_URL });
        await listener.connect();
        await listener.query('listen heard');
        const heard = once(listener, 'notification');
        await withClient(urls.owner, (client) => client.query("notify heard, 'yes'"));
        expect(await heard).toMatchObject([{ payload: 'yes' }]);
        await listener.end();
      } finally {
        await worker.stop();
        await server.stop();
      }
    } finally {
      await end();
    }
  });

  test('is refused by name in transaction mode', async () => {
    await run('transaction');
    try {
      await expectRefused(
        environmentOf(toPort(port)),
        ['start', 'migrate', 'server', 'worker'],
        'POOLER_UNSUPPORTED',
      );
    } finally {
      await end();
    }
  });
});
