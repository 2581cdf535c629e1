import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { startSimulator, type Simulator } from '../../simulator/index.ts';
import { startEmbeddedDatabase, type EmbeddedDatabase } from '../../src/database/embedded.ts';
import { urlTo } from '../../src/database/roles.ts';
import { configuredRoleUrls } from '../../src/database/open.ts';
import { readConfiguration } from '../../src/configuration.ts';
import { newEncryptionKey } from '../../src/encryption.ts';
import { startServer, type RunningServer } from '../../src/server.ts';
import { environmentOf } from '../support/environment.ts';
import { one } from '../support/make.ts';
import { until } from '../support/until.ts';
import { launcher, run, spawned } from './vanguard.ts';

vi.setConfig({ testTimeout: 60_000 });

// A separate cluster: bootstrap sets the passwords of roles, which belong to the cluster. The first test prepares it
// with the commands themselves.

let folder: string;
let cluster: EmbeddedDatabase;
let simulator: Simulator;
let server: RunningServer;
let owner: pg.Pool;
let environment: Record<string, string>;

/** Words in double quotes are one argument, as in a shell. */
const words = (args: string) =>
  (args.match(/"[^"]*"|\S+/g) ?? []).map((word) => word.replace(/^"(.*)"$/, '$1'));
const vanguard = (args: string, input?: string) => run(environment, words(args), input);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vanguard-cli-'));
  chmodSync(folder, 0o711); // as root, the user that PostgreSQL runs as must get in
  cluster = await startEmbeddedDatabase({
    folder,
    settings: { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', shared_buffers: '32MB' },
  });
  simulator = await startSimulator({
    onlyListed: true,
    organizations: { RIO: 5 },
    credentials: { username: 'benutzerin', password: 'streng-geheim' },
  });
  environment = {
    // The database does not exist yet.
    DATABASE_URL: urlTo(cluster.superuserUrl, 'made_by_bootstrap'),
    VANGUARD_SECRET: 'the secret of the tests of the command line',
    VANGUARD_ENCRYPTION_KEYS: newEncryptionKey('cli'),
    VANGUARD_DATA_DIR: join(folder, 'unused'),
  };
});

afterAll(async () => {
  await server?.stop();
  await owner?.end();
  await simulator?.stop();
  await cluster?.stop();
  for (const place of new Set([folder, cluster?.folder ?? folder]))
    rmSync(place, { recursive: true, force: true });
});

test('bootstrap, migrate and seed create a database, and change nothing when run again', async () => {
  // In separate processes: a command must not leave anything that keeps its process alive.
  for (const command of ['bootstrap', 'migrate', 'seed'])
    expect(await spawned(environment, [command]), command).toMatchObject({ code: 0, complained: '' });

  const secret = environment.VANGUARD_SECRET ?? '';
  const keys = environment.VANGUARD_ENCRYPTION_KEYS ?? '';
  const configuration = { ...readConfiguration(environment), databaseUrl: environment.DATABASE_URL ?? '' };
  const urls = configuredRoleUrls(configuration, { secret, encryptionKeys: keys });
  owner = new pg.Pool({ connectionString: urls.owner, max: 2 });
  owner.on('error', () => undefined);
  await owner.query("update app_public.organizations set name = 'Renamed' where code = 'HOLNG'");
  await owner.query("delete from app_public.ai_providers where id = 'openai-default'");
  await owner.query('update app_private.user_passwords set must_change = false');
  const before = await everything();
  expect(before).toMatchObject({
    organizations: expect.arrayContaining(['HOLNG Renamed']) as string[],
    users: ['admin'],
  });
  expect(before.organizations).toHaveLength(28);

  for (const command of ['bootstrap', 'migrate', 'seed', 'prepare'])
    expect(await vanguard(command), command).toMatchObject({ code: 0, complained: '' });
  // Changes stay; deleted rows are created again.
  expect(await everything()).toEqual({
    ...before,
    providers: [...before.providers, 'openai-default'].sort(),
  });

  server = await startServer({
    authenticatorUrl: urls.authenticator,
    encryptionKeys: keys,
    host: '127.0.0.1',
    port: 0,
    production: false,
    introspection: true,
    logLevel: 'silent',
  });
});

test('prepare does all three at once', async () => {
  const fresh = { ...environment, DATABASE_URL: urlTo(cluster.superuserUrl, 'made_by_prepare') };
  expect(await run(fresh, ['prepare'])).toMatchObject({
    code: 0,
    complained: '',
    said: expect.stringContaining('The database made_by_prepare is up to date') as string,
  });
  const status = await run(fresh, ['sync', 'status', '--json']);
  expect(JSON.parse(status.said)).toHaveLength(28);
});

test.each(['server', 'worker'])(
  'a %s that is stopped during its start exits with code 0',
  async (command) => {
    // A database that never responds delays the start.
    const silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const child = spawn(process.execPath, [launcher, command], {
      env: environmentOf({ ...environment, DATABASE_URL: `postgres://vanguard@127.0.0.1:${port}/vanguard` }),
      stdio: 'ignore',
    });
    try {
      const ended = once(child, 'exit');
      const [socket] = (await once(silent, 'connection')) as [Socket];
      child.kill('SIGTERM');
      expect(await ended).toEqual([0, null]);
      socket.destroy();
    } finally {
      child.kill('SIGKILL');
      silent.close();
    }
  },
);

async function everything() {
  const list = async (sql: string) => (await owner.query<{ x: string }>(sql)).rows.map(({ x }) => x);
  return {
    organizations: await list("select code || ' ' || name as x from app_public.organizations order by 1"),
    providers: await list('select id as x from app_public.ai_providers order by 1'),
    connections: await list('select id as x from app_public.api_configurations order by 1'),
    sources: await list('select id as x from app_public.data_source_mappings order by 1'),
    users: await list('select username as x from app_public.users order by 1'),
    passwords: await list('select p::text as x from app_private.user_passwords p order by 1'),
    migrations: await list('select filename as x from graphile_migrate.migrations order by 1'),
  };
}

async function logIn(username: string, password: string) {
  const response = await fetch(`${server.url}/api/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username, password }),
  });
  const body = (await response.json()) as { token?: string; mustChangePassword?: boolean };
  return { status: response.status, ...body };
}

async function organizationsOf(token: string | undefined): Promise<string[] | number> {
  const response = await fetch(`${server.url}/api/sync/status`, {
    headers: { authorization: `Bearer ${token}` },
  });
  if (!response.ok) return response.status;
  const { organizations } = (await response.json()) as { organizations: { organization: string }[] };
  return organizations.map(({ organization }) => organization);
}

test('user create: with a password, with one from standard input, with a generated one', async () => {
  const [given, piped, made, wrongRole] = await Promise.all([
    vanguard('user create Grete --password vom-Rand-der-Bank --role admin'),
    // Standard input of a process.
    spawned(environment, words('user create hänsel --password-stdin'), 'brotkrümel im wald\n'),
    vanguard('user create witch --role viewer'),
    vanguard('user create wolf --role king'),
  ]);
  expect(given).toMatchObject({ code: 0, said: 'User Grete (admin) was created.\n' });
  expect(await logIn('grete', 'vom-Rand-der-Bank')).toMatchObject({ status: 200, mustChangePassword: false });
  expect(piped).toMatchObject({ code: 0 });
  expect(piped.said).not.toContain('brotkrümel');
  expect(await logIn('hänsel', 'brotkrümel im wald')).toMatchObject({
    status: 200,
    mustChangePassword: false,
  });
  const password = /first sign-in: (\S+)/.exec(made.said)?.[1] ?? '';
  expect(password).toMatch(/^[\w-]{16}$/);
  expect(await logIn('witch', password)).toMatchObject({ status: 200, mustChangePassword: true });
  expect(wrongRole.code).toBe(1);
  expect(wrongRole.complained).toMatch(/'king' is invalid[^]*admin, user, viewer/);
  expect((await everything()).users).not.toContain('wolf');
});

test('user create refuses an existing name in any case, and an empty password', async () => {
  const before = await everything();
  const [taken, empty] = await Promise.all([
    vanguard('user create ADMIN --password something-else'),
    vanguard('user create nobody --password-stdin', '\n'),
  ]);
  expect(taken).toMatchObject({ code: 1, said: '' });
  expect(taken.complained).toMatch(/^USER_EXISTS: User ADMIN already exists\.\n.*user password/);
  expect(empty.complained).toMatch(/^INVALID_INPUT: The password is empty\./);
  expect(await everything()).toEqual(before);
});

test('user password replaces the old one; user disable ends all sessions, and refuses the next sign-in', async () => {
  expect(await vanguard('user password Grete --password-stdin', 'ein ganz neues')).toMatchObject({ code: 0 });
  expect(await logIn('Grete', 'vom-Rand-der-Bank')).toMatchObject({ status: 401 });
  const { status, token } = await logIn('Grete', 'ein ganz neues');
  expect(status).toBe(200);
  expect(await organizationsOf(token)).toHaveLength(28);
  // Like a change of password, it ends all earlier sessions.
  expect(await vanguard('user password Grete --password-stdin', 'noch ein ganz neues')).toMatchObject({
    code: 0,
  });
  expect(await organizationsOf(token)).toBe(401);
  expect(await vanguard('user password Grete --password-stdin', 'ein ganz neues')).toMatchObject({ code: 0 });

  const last = await logIn('Grete', 'ein ganz neues');
  expect(await organizationsOf(last.token)).toHaveLength(28);
  expect(await vanguard('user disable Grete')).toMatchObject({
    code: 0,
    said: 'User Grete was disabled.\n',
  });
  expect(await organizationsOf(last.token)).toBe(401);
  expect(await logIn('Grete', 'ein ganz neues')).toMatchObject({ status: 401 });
  expect(await vanguard('user enable Grete')).toMatchObject({ code: 0 });
  expect(await organizationsOf(last.token)).toBe(401);
  const unknown = await vanguard('user disable nobody');
  expect(unknown.complained).toMatch(/^NOT_FOUND: There is no user nobody\.\n.*user create nobody/);
  expect(unknown.code).toBe(1);
});

test('user create and user password refuse a short or guessable password, with a hint', async () => {
  const before = await everything();
  const [short, common, own] = await Promise.all([
    vanguard('user create rapunzel --password zu-kurz'),
    vanguard('user create rapunzel --password-stdin', 'passwordpassword'),
    vanguard('user password hänsel --password-stdin', 'hänselhänsel'),
  ]);
  expect(short).toMatchObject({ code: 1, said: '' });
  expect(short.complained).toMatch(/^INVALID_INPUT: .*at least 12 characters\.\nUse several unrelated words/);
  expect(common.complained).toMatch(
    /^INVALID_INPUT: .*too easy to guess\. Repeated .*Avoid repeated words.*\nUse several unrelated words/,
  );
  expect(own.complained).toMatch(
    /^INVALID_INPUT: .*too easy to guess\. .*personal .*\nUse several unrelated words/,
  );
  expect(await everything()).toEqual(before);
});

test('user unlock ends the wait of a user at once', async () => {
  expect(await vanguard('user unlock hänsel')).toMatchObject({
    code: 0,
    said: 'hänsel has no failed sign-in attempts.\n',
  });
  for (let i = 0; i < 10; i++) expect((await logIn('HÄNSEL', 'falsch')).status).toBe(401);
  expect((await logIn('hänsel', 'brotkrümel im wald')).status).toBe(429);
  expect(await vanguard('user unlock Hänsel')).toMatchObject({
    code: 0,
    said: 'hänsel can sign in now.\n',
  });
  expect((await logIn('hänsel', 'brotkrümel im wald')).status).toBe(200);
  expect((await vanguard('user unlock nobody')).complained).toMatch(/^NOT_FOUND: There is no user nobody\./);
});

test('keys rotate keeps sessions, encrypts all secrets under the first key, and lists keys that are no longer needed', async () => {
  const { token } = await logIn('hänsel', 'brotkrümel im wald');
  const old = environment.VANGUARD_ENCRYPTION_KEYS ?? '';
  environment.VANGUARD_ENCRYPTION_KEYS = `${newEncryptionKey('next')},${old}`;
  const { code, said, complained } = await vanguard('keys rotate');
  expect({ code, complained }).toEqual({ code: 0, complained: '' });
  expect(said).toMatch(
    /^The new signing key is \S+\. .*\nEncrypted under the key next: \d+ credentials and 1 older signing key\.\nNo secret needs cli any more: .*\n$/,
  );
  expect(await organizationsOf(token)).toBeInstanceOf(Array);
  expect((await logIn('hänsel', 'brotkrümel im wald')).status).toBe(200);
});

test('membership add and remove take effect at the next request', async () => {
  const { token } = await logIn('hänsel', 'brotkrümel im wald');
  expect(await organizationsOf(token)).toEqual([]);
  expect(await vanguard('membership add hänsel RIO --role viewer')).toMatchObject({ code: 0 });
  expect(await organizationsOf(token)).toEqual(['RIO']);
  expect(await vanguard('membership add hänsel RIO --role admin')).toMatchObject({
    code: 0,
    said: 'hänsel is admin of RIO.\n',
  });
  const { rows } = await owner.query('select role from app_public.user_organizations');
  expect(rows).toEqual([{ role: 'admin' }]);
  expect(await vanguard('membership remove hänsel RIO')).toMatchObject({ code: 0 });
  expect(await organizationsOf(token)).toEqual([]);

  const [again, unknown] = await Promise.all([
    vanguard('membership remove hänsel RIO'),
    vanguard('membership add hänsel rio'),
  ]);
  expect(again).toMatchObject({
    code: 1,
    complained:
      'NOT_FOUND: hänsel is not a member of RIO.\nCheck the user and the code of the organization. The code is case-sensitive.\n',
  });
  expect(unknown.complained).toMatch(
    /^NOT_FOUND: There is no organization rio\.\nThere are: .*HOLNG.*RIO, RIO2/,
  );
});

test('connection create encrypts the password, connection test reads over the connection and reports problems', async () => {
  const { username, password, tenant } = simulator.credentials;
  const options = `--url ${simulator.url} --tenant ${tenant} --username ${username}`;
  expect(await vanguard('connection test RIO')).toMatchObject({
    code: 1,
    complained: expect.stringMatching(/^NO_PEMS_CONNECTION: .*\n.*connection create/) as string,
  });
  const created = await vanguard(`connection create ${options} --password-stdin`, `${password}\n`);
  expect(created).toMatchObject({ code: 0 });
  expect(created.said).not.toContain(password);
  const stored = one(
    (
      await owner.query<{ all: string; sealed: Buffer }>(
        `select (to_json(c)::text || to_json(s)::text) as all,
          (select string_agg(k.ciphertext, ''::bytea) from app_private.credentials k where k.api_configuration_id = c.id) as sealed
        from app_public.api_configurations c join app_public.pems_settings s on s.api_configuration_id = c.id where c.id = 'pems'`,
      )
    ).rows,
  );
  expect(stored.all).toContain(simulator.url);
  for (const hidden of [password, username]) {
    expect(stored.all).not.toContain(hidden);
    expect(stored.sealed.includes(hidden)).toBe(false);
  }
  const good = await vanguard('connection test RIO');
  expect(good.complained).toBe('');
  expect(good.said).toMatch(
    /answered in \d+ ms with 5 rows\.\nSigned in as benutzerin [^]*pfs_id[^]*pfs_x_wbs/,
  );
  expect(await connection()).toEqual({ status: 'connected', last_error: null });

  await vanguard(`connection create ${options} --password falsches-Wort`);
  const bad = await vanguard('connection test RIO');
  expect(bad.code).toBe(1);
  expect(bad.complained).toMatch(/^PEMS_UNAUTHORIZED: PEMS did not accept the credentials.*\n.*password/);
  expect(bad.complained).not.toContain('falsches-Wort');
  expect(await connection()).toMatchObject({
    status: 'error',
    last_error: expect.stringContaining('401') as string,
  });
});

async function connection() {
  return one(
    (await owner.query("select status, last_error from app_public.api_configurations where id = 'pems'"))
      .rows,
  ) as {
    status: string;
    last_error: string | null;
  };
}

test('connection create refuses invalid connections, and can replace the seeded one', async () => {
  const options = '--tenant T --username u --password p';
  const before = await everything();
  const [noUrl, address, organization] = await Promise.all([
    vanguard(`connection create ${options}`),
    vanguard(`connection create --url pems.example ${options}`),
    vanguard(`connection create --url https://pems.example --organization NONE ${options}`),
  ]);
  const inAddress = await vanguard(`connection create --url https://u:hidden-word@pems.example ${options}`);
  expect(inAddress.complained).toMatch(/^PEMS_CONNECTION_INVALID: .*without user, password/);
  expect(inAddress.complained).not.toContain('hidden-word');
  const other = await vanguard(`connection create --url ftp://u:hidden/word@pems.example ${options}`);
  expect(other.complained).toMatch(/^INVALID_INPUT: .*pems\.example is not an address/);
  expect(other.complained).not.toMatch(/hidden|word/);
  expect(noUrl.complained).toMatch(/required option '--url <url>' not specified/);
  expect(address.complained).toMatch(/^INVALID_INPUT: pems\.example is not an address\.\n.*https:/);
  expect(organization.complained).toMatch(/^NOT_FOUND: There is no organization NONE\.\nThere are: .*RIO/);
  for (const { code } of [noUrl, address, organization, inAddress]) expect(code).toBe(1);
  expect(await everything()).toEqual(before);

  const seeded = await vanguard(
    `connection create --id pems-global-pfa-read --url https://pems.example ${options}`,
  );
  expect(seeded).toMatchObject({ code: 0, complained: '' });
  expect((await everything()).sources).toEqual(before.sources);
  expect(await vanguard('seed')).toMatchObject({ code: 0, complained: '' });
});

test('sync trigger queues one run, sync status shows it as text and as JSON', async () => {
  const [first, unknown] = await Promise.all([vanguard('sync trigger RIO'), vanguard('sync trigger rio')]);
  expect(first.said).toMatch(/^Run \d+ of RIO is queued\./);
  expect(unknown.complained).toMatch(/^NOT_FOUND: There is no active organization rio\./);
  expect(unknown.code).toBe(1);
  expect((await vanguard('sync trigger RIO')).said).toBe(first.said);
  const { rows } = await owner.query('select trigger, state from app_public.pfa_sync_log');
  expect(rows).toEqual([{ trigger: 'command', state: 'queued' }]);
  const { rows: jobs } = await owner.query(
    "select queue_name from graphile_worker.jobs where task_identifier = 'pfa__sync'",
  );
  expect(jobs).toHaveLength(1);

  const [json, table] = await Promise.all([vanguard('sync status --json'), vanguard('sync status')]);
  const all = JSON.parse(json.said) as Record<string, unknown>[];
  expect(all).toHaveLength(28);
  expect(all.find(({ organization }) => organization === 'RIO')).toMatchObject({
    runState: 'queued',
    lastSyncedAt: null,
    errorCode: null,
  });
  expect(table.said).toMatch(/RIO'? .*never.*full queued/);
  expect(table.said).toMatch(/HOLNG'? .*never.*none/);
});

test('sync schedule changes the given settings and shows the others; sync pause and resume; sync status shows them', async () => {
  const cron = await vanguard(
    'sync schedule HOLNG --cron "0,30 8-18 * * mon-fri" --time-zone America/Chicago --quiet 22-06:30 --full-every 2d',
  );
  expect(cron.said).toContain(
    'HOLNG is read at 0,30 8-18 * * mon-fri (America/Chicago), everything every 48 hours.',
  );
  expect(cron.said).toContain('Quiet hours: 22:00 to 06:30, America/Chicago.');
  expect(cron.said).toMatch(/Last changed .*Z by a command\./);
  const [every, wrong, never, unknown] = await Promise.all([
    vanguard('sync schedule HOLNG --every 2h --quiet none'),
    vanguard('sync schedule HOLNG --cron "61 * * * *"'),
    vanguard('sync schedule HOLNG --every soon'),
    vanguard('sync schedule holng'),
  ]);
  expect(every.said).toMatch(
    /^HOLNG is read 120 minutes after the last run, everything every 48 hours\.\n(?!.*Quiet)/,
  );
  expect(wrong).toMatchObject({ code: 1, said: '' });
  expect(wrong.complained).toMatch(
    /^INVALID_INPUT: '61 \* \* \* \*' is not a cron expression\. The first field, the minute,.*Give five fields/,
  );
  expect(never.complained).toContain('Give a time such as 15m, 2h or 1d.');
  expect(unknown.complained).toMatch(/^NOT_FOUND: /);

  expect((await vanguard('sync pause HOLNG')).said).toMatch(/Paused since .*Z by a command\./);
  expect((await vanguard('sync status')).said).toMatch(/HOLNG .*paused/);
  expect((await vanguard('sync resume HOLNG')).said).not.toContain('Paused');
});

test('sync drift waits for the end of a comparison and lists differences, as text and as JSON', async () => {
  const asked = Promise.all([
    vanguard('sync drift HOLNG --sample 7'),
    vanguard('sync drift HOLNG --sample 7 --json'),
    vanguard('sync drift holng'),
  ]);
  const { organization_id, id } = await until('the comparison is queued', async () => {
    const { rows } = await owner.query<{ organization_id: number; id: string }>(
      'select organization_id, id from app_public.pfa_drift_check where sample = 7',
    );
    return rows[0];
  });
  await owner.query(
    `insert into app_public.pfa_drift_difference (organization_id, check_id, number, kind, pfa_id, key, mirror_value, pems_value)
    values ($1, $2, 1, 'differs', 'a', 'model', '"M"', null), ($1, $2, 2, 'missing-in-pems', 'b', null, null, null)`,
    [organization_id, id],
  );
  // Both commands must have started before it ends.
  await until('both have asked', async () => {
    const { rows } = await owner.query(
      'select from pg_stat_activity where datname = current_database() and query like $1',
      ['%pfa_drift_check c%'],
    );
    return rows.length >= 2;
  });
  await owner.query(
    `update app_public.pfa_drift_check set state = 'succeeded', started_at = now(), finished_at = now(), records_compared = 7,
      records_differing = 1, keys_differing = 1, missing_in_pems = 1, left_out = 1, differences_kept = 2 where id = $1`,
    [id],
  );
  const [text, json, unknown] = await asked;
  expect(text.said).toBe(`differs  a  model  mirror "M", PEMS null
missing-in-pems  b
7 records of HOLNG compared: 1 differ in 1 keys, 1 are missing in PEMS, 0 in the mirror, 0 cannot be read.
1 are left out, because they changed while they were compared.
`);
  expect(JSON.parse(json.said)).toMatchObject({
    ...{ id: Number(id), sample: 7, recordsCompared: 7 },
    differences: [
      { kind: 'differs', pfaId: 'a', key: 'model', mirrorValue: 'M', pemsValue: null },
      { kind: 'missing-in-pems', pfaId: 'b' },
    ],
  });
  expect(unknown.complained).toMatch(/^NOT_FOUND: /);
});

test('push status, pause and resume, of an organization and of a connection; a missing one is named', async () => {
  const status = async (organization: string) => {
    const { said } = await vanguard(`push status ${organization} --json`);
    return one(
      JSON.parse(said) as { organization: string; state: string; connection: string; waiting: number }[],
    );
  };
  expect(await vanguard('push status HOLNG')).toMatchObject({
    code: 0,
    said: expect.stringMatching(/^organization +state +waiting[^\n]*\nHOLNG +open +0 +0 +0\n$/) as string,
  });
  const { connection } = await status('HOLNG');
  expect((await vanguard('push pause HOLNG')).said).toMatch(/^Changes of HOLNG now wait/);
  const [paused, other] = await Promise.all([status('HOLNG'), status('SABINE')]);
  expect(paused).toMatchObject({ state: 'paused', waiting: 0 });
  expect(other.state).toBe('open');
  expect((await vanguard('push resume HOLNG')).code).toBe(0);
  expect((await vanguard(`push pause-connection ${connection}`)).said).toMatch(
    /^Writing over \S+ is now paused/,
  );
  expect((await status('HOLNG')).state).toBe('connection_paused');
  expect((await vanguard(`push resume-connection ${connection}`)).code).toBe(0);
  expect((await status('HOLNG')).state).toBe('open');
  const { rows: writing } = await owner.query<{ id: string }>(
    "update app_public.api_configurations set operation_type = 'read' where operation_type <> 'read' returning id",
  );
  expect((await vanguard('push status HOLNG')).said).toMatch(/\nHOLNG +no connection +0 +0 +0\n$/);
  await owner.query(
    "update app_public.api_configurations set operation_type = 'read-write' where id = any ($1)",
    [writing.map(({ id }) => id)],
  );
  const unknown = ['push status holng', 'push pause NONE', 'push resume NONE', 'push pause-connection none'];
  for (const refused of await Promise.all(unknown.map((command) => vanguard(command))))
    expect(refused).toMatchObject({
      code: 1,
      complained: expect.stringMatching(/^NOT_FOUND: .*\n.*push status/) as string,
    });
});

test('push explain shows each attempt with request and response', async () => {
  await owner.query(
    `select app_private.note_exchange(id, 'HOLNG-0000009', 7, 2, $1::jsonb) from app_public.organizations where code = 'HOLNG'`,
    [JSON.stringify({ action: 'write', request: 'SENT', status: 400, answer: 'REFUSED', milliseconds: 12 })],
  );
  const [{ code, said }, json, unknown] = await Promise.all([
    vanguard('push explain HOLNG HOLNG-0000009'),
    vanguard('push explain HOLNG HOLNG-0000009 --json'),
    vanguard('push explain HOLNG nothing'),
  ]);
  expect(code).toBe(0);
  expect(said).toMatch(/change 7 attempt 2 {2}write: HTTP 400 after 12 ms\n {2}> SENT\n {2}< REFUSED\n$/);
  expect(JSON.parse(json.said)).toMatchObject({
    modifications: [],
    exchanges: [{ request: 'SENT', answer: 'REFUSED' }],
  });
  expect(unknown).toMatchObject({ code: 1, complained: expect.stringMatching(/^NOT_FOUND: /) as string });
});

test('lists are requested, set and shown, and proposed organizations are accepted', async () => {
  expect(await vanguard('lists read NOWHERE')).toMatchObject({
    code: 1,
    complained: expect.stringContaining('NOT_FOUND') as string,
  });
  // A separate organization: data of other tests does not matter.
  await owner.query(
    `insert into app_public.api_configurations (id, organization_id, name, usage, url)
      select 'lists', id, 'Lists', 'PEMS_PFA_READ', 'https://pems.example' from app_public.organizations where code = 'RIO';
    insert into app_public.pems_settings (api_configuration_id, tenant) values ('lists', 'T');
    insert into app_public.data_source_mappings (id, entity_type, organization_id, api_configuration_id)
      select 'lists', 'pfa', id, 'lists' from app_public.organizations where code = 'RIO'`,
  );
  expect(await vanguard('lists read RIO')).toMatchObject({ code: 0, complained: '' });
  expect((await vanguard('lists read RIO')).said).toMatch(
    /queued: category, class, manufacturer, model, equipment, organization/,
  );
  expect((await vanguard('lists status RIO')).said).toMatch(/^RIO +equipment +0 +warn +never +queued$/m);
  const { rows } = await owner.query<{ id: string }>(
    `select app_private.pull_connection(id) as id from app_public.organizations where code = 'RIO'`,
  );
  const { id } = one(rows);
  const changed = await vanguard(
    `lists settings ${id} --check refuse --every 12h --path class=eq/classes --path model=none --field class.code=CLS`,
  );
  expect(changed.complained).toBe('');
  expect(changed.said).toMatch(
    /every 720 minutes\. A draft with a value that PEMS does not list is refused\./,
  );
  expect(changed.said).toMatch(/^class +eq\/classes: code CLS, /m);
  expect(changed.said).toMatch(/^model +not read$/m);
  expect((await vanguard(`lists settings ${id} --check warn`)).said).toMatch(
    /every 720 minutes.*gets a hint/,
  );
  for (const wrong of [
    '--path wrong=x',
    '--path class',
    '--field class.size=X',
    '--check maybe',
    '--path class=http://x',
  ])
    expect((await vanguard(`lists settings ${id} ${wrong}`)).code, wrong).toBe(1);
  expect(await vanguard('lists settings none')).toMatchObject({
    code: 1,
    complained: expect.stringContaining('NOT_FOUND') as string,
  });
  expect(await vanguard('lists accept-removals RIO class')).toMatchObject({
    code: 1,
    complained: expect.stringContaining('NOT_FOUND') as string,
  });

  expect((await vanguard('organization proposals')).said).toBe('PEMS proposes no organization.\n');
  await owner.query(
    "insert into app_public.organization_proposals (code, name) values ('NEWSITE', 'New site'), ('OLDSITE', 'Old site')",
  );
  expect((await vanguard('organization proposals')).said).toMatch(/^NEWSITE +pending +New site$/m);
  expect((await vanguard('organization accept NEWSITE')).said).toMatch(
    /NEWSITE \(New site\) is an organization now/,
  );
  expect((await vanguard('organization dismiss OLDSITE')).said).toBe('OLDSITE is dismissed.\n');
  expect((await vanguard('organization accept NEWSITE')).complained).toMatch(/REVISION_CONFLICT/);
  expect(JSON.parse((await vanguard('organization proposals --all --json')).said)).toMatchObject([
    { code: 'NEWSITE', state: 'accepted' },
    { code: 'OLDSITE', state: 'dismissed' },
  ]);
  await owner.query("delete from app_public.organizations where code = 'NEWSITE'");
});
