import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from 'graphql-ws';
import pg from 'pg';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { hashPassword } from '../../src/auth/passwords.ts';
import { bootstrap, withClient } from '../../src/database/bootstrap.ts';
import { startEmbeddedDatabase, type EmbeddedDatabase } from '../../src/database/embedded.ts';
import { applyCurrent, migrate } from '../../src/database/migrate.ts';
import { newEncryptionKey } from '../../src/encryption.ts';
import type { RoleUrls } from '../../src/database/roles.ts';
import type { RealtimeEvent } from '../../src/realtime/subscription.ts';
import { startServer, type RunningServer } from '../../src/server.ts';
import { until } from '../support/until.ts';

vi.setConfig({ testTimeout: 60_000 });

// PostgreSQL ends under a server with subscriptions: websockets stay open, clients are asked to catch up, and later
// events arrive. A separate cluster.

let folder: string;
let database: EmbeddedDatabase;
let urls: RoleUrls;
let server: RunningServer;
const settings = { fsync: 'off', shared_buffers: '32MB' };
const start = async (port?: number) =>
  (database = await startEmbeddedDatabase({ folder, settings, ...(port ? { port } : {}) }));
const ask = (text: string, values: unknown[] = []) =>
  withClient(urls.owner, (client) => client.query<Record<string, string>>(text, values));

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vanguard-realtime-'));
  chmodSync(folder, 0o711); // as root, the user that PostgreSQL runs as must get in
  await start();
  urls = await bootstrap(database.superuserUrl, 'vanguard', 'the secret of this test');
  await migrate(urls.owner);
  await applyCurrent(urls.owner);
  await ask("insert into app_public.organizations (code, name) values ('HOLNG', 'HOLNG')");
  await ask("insert into app_public.users (username, role) values ('anna', 'admin')");
  await ask("select app_private.set_password(id, $1, false) from app_public.users where username = 'anna'", [
    await hashPassword('correct horse battery staple'),
  ]);
  await ask(`insert into app_core.pfa_mirror (organization_id, pfa_id, observed_at, data)
    select id, 'a', now(), '{}' from app_public.organizations where code = 'HOLNG'`);
  server = await startServer({
    authenticatorUrl: urls.authenticator,
    encryptionKeys: newEncryptionKey('test'),
    host: '127.0.0.1',
    port: 0,
    production: false,
    introspection: true,
    logLevel: 'silent',
    realtime: { together: 30, heartbeat: 200 },
  });
});
afterAll(async () => {
  await server?.stop();
  await database?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const change = () =>
  ask(
    `update app_core.pfa_mirror set data = jsonb_build_object('model', revision::text), revision = nextval('app_core.revision_seq')`,
  );

/** Anna subscribes; all events that she received, by kind. */
async function listen() {
  const response = await fetch(`http://127.0.0.1:${server.port}/api/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username: 'anna', password: 'correct horse battery staple' }),
  });
  const { token } = (await response.json()) as { token: string };
  const { rows } = await ask("select id from app_public.organizations where code = 'HOLNG'");
  const told: string[] = [];
  const errors: unknown[] = [];
  const client = createClient({
    url: `ws://127.0.0.1:${server.port}/graphql`,
    webSocketImpl: WebSocket,
    retryAttempts: 0,
    connectionParams: { authorization: `Bearer ${token}` },
  });
  client.subscribe<{ organizationEvents: RealtimeEvent }>(
    { query: `subscription { organizationEvents(organizationId: ${rows[0]!.id}) { kind } }` },
    {
      next: ({ data }) => void (data && told.push(data.organizationEvents.kind)),
      error: (error) => void errors.push(error),
      complete: () => undefined,
    },
  );
  await until('READY', () => told.includes('READY'));
  return { told, errors, client };
}

const ways: [string, () => Promise<unknown>][] = [
  [
    'killed and started again',
    async () => {
      const { port } = database;
      process.kill(
        Number.parseInt(readFileSync(join(database.folder, 'data', 'postmaster.pid'), 'utf8'), 10),
        'SIGKILL',
      );
      await until('it is gone', async () => {
        const client = new pg.Client({ connectionString: urls.owner });
        client.on('error', () => undefined);
        return client.connect().then(
          () => client.end().then(() => false),
          () => true,
        );
      });
      // Longer than several heartbeats: rights cannot be checked, and no client is disconnected because of that.
      await new Promise((resolve) => setTimeout(resolve, 700));
      await start(port);
    },
  ],
  [
    'restarted properly',
    async () => {
      const { port } = database;
      await database.stop();
      await start(port);
    },
  ],
  [
    'ending the one connection that listens',
    () =>
      withClient(database.superuserUrl, (client) =>
        client.query(
          "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'vanguard events'",
        ),
      ),
  ],
];

test.each(ways)(
  'the database %s: clients are asked to catch up, and receive later events',
  async (_what, end) => {
    const { told, errors, client } = await listen();
    await change();
    await until('what is told before', () => told.includes('RECORDS'));
    await end();
    await until('RESYNC', () => told.includes('RESYNC'), 30);
    told.length = 0;
    await change();
    await until('what is told after', () => told.includes('RECORDS'));
    expect(errors).toEqual([]);
    await until('one connection that listens', async () => {
      const { rows } = await withClient(database.superuserUrl, (superuser) =>
        superuser.query("select from pg_stat_activity where application_name = 'vanguard events'"),
      );
      return rows.length === 1;
    });
    await client.dispose();
  },
);
