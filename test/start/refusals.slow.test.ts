import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { withClient } from '../../src/database/bootstrap.ts';
import { urlTo } from '../../src/database/roles.ts';
import { newEncryptionKey } from '../../src/encryption.ts';
import { launcher, spawned, type Ran } from '../cli/vanguard.ts';
import { testDatabase } from '../support/database.ts';
import { environmentOf } from '../support/environment.ts';
import { until } from '../support/until.ts';
import { freePorts, isAlive, isListening } from './vanguard.ts';

vi.setConfig({ testTimeout: 60_000 });

// Failed starts: one clear sentence with a hint, exit code 1, and no process left.

const db = await testDatabase();
let base: string;
let ports: number[];
const secrets = { secret: randomBytes(32).toString('base64url'), encryptionKeys: newEncryptionKey('test') };
beforeAll(async () => {
  base = mkdtempSync(join(tmpdir(), 'vanguard-refusals-'));
  chmodSync(base, 0o711); // as root, the user that PostgreSQL runs as must get in
  ports = await freePorts(3);
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

let folders = 0;
function folder(files: Record<string, string> = {}): string {
  const made = join(base, String(++folders));
  for (const [name, content] of Object.entries({ '.': '', ...files })) {
    if (name === '.') mkdirSync(made, { mode: 0o711 });
    else {
      mkdirSync(join(made, name, '..'), { recursive: true });
      writeFileSync(join(made, name), content);
    }
  }
  return made;
}

const settings = (more: Record<string, string> = {}) => ({
  PORT: String(ports[0]),
  SIMULATOR_PORT: String(ports[1]),
  SIMULATOR_CONTROL_PORT: String(ports[2]),
  VANGUARD_DATA_DIR: join(base, 'unused'),
  ...more,
});

async function expectRefusal({ code, complained }: Ran, name: string, words: RegExp): Promise<void> {
  expect({ code, complained }).toMatchObject({
    code: 1,
    complained: expect.stringMatching(`^${name}: `) as string,
  });
  const [sentence, hint] = complained.split('\n');
  expect(sentence).toMatch(words);
  expect(hint).toMatch(/^\S.{15,}\.$/);
  expect(complained).not.toMatch(/^ +at /m);
  expect(await Promise.all(ports.map(isListening))).toEqual([false, false, false]);
}

describe('a data folder', () => {
  const vanguard = (dataFolder: string) => spawned(settings({ VANGUARD_DATA_DIR: dataFolder }), ['start']);

  test('that cannot be created', async () => {
    const file = join(folder({ file: '' }), 'file');
    await expectRefusal(
      await vanguard(join(file, 'below')),
      'DATA_FOLDER_NOT_WRITABLE',
      /below cannot be used/,
    );
  });

  test('with damaged secrets, without repeating them', async () => {
    const broken = folder({ 'secrets.json': '{"secret": "half of the sec' });
    const refused = await vanguard(broken);
    await expectRefusal(refused, 'SECRETS_UNREADABLE', /secrets\.json does not hold the secrets/);
    expect(refused.complained).not.toContain('half of');
    expect(readdirSync(broken)).toEqual(['secrets.json']);
  });

  test('with a database but without secrets', async () => {
    const lost = folder({ 'database/data/PG_VERSION': '18\n' });
    await expectRefusal(await vanguard(lost), 'SECRETS_MISSING', /secrets\.json is gone/);
    expect(readdirSync(lost)).toEqual(['database']);
  });

  test.each([
    ['of another major version', 'PG_VERSION', '14\n', 'DATA_FOLDER_OTHER_VERSION', /made by PostgreSQL 14/],
    ['with foreign files', 'thesis.doc', 'precious', 'DATA_FOLDER_FOREIGN', /holds files, but no PostgreSQL/],
  ])('%s', async (_, name, content, code, words) => {
    const place = folder({ 'secrets.json': JSON.stringify(secrets), [`database/data/${name}`]: content });
    await expectRefusal(await vanguard(place), code, words);
    expect(readdirSync(join(place, 'database', 'data'))).toEqual([name]);
  });
});

describe('a database', () => {
  const withUrls = (owner: string, authenticator = db.urls.authenticator, worker = db.urls.worker) =>
    settings({
      DATABASE_URL: owner,
      AUTHENTICATOR_DATABASE_URL: authenticator,
      WORKER_DATABASE_URL: worker,
      VANGUARD_SECRET: secrets.secret,
      VANGUARD_ENCRYPTION_KEYS: secrets.encryptionKeys,
    });
  const each = async (
    environment: Record<string, string>,
    commands: string[],
    code: string,
    words: RegExp,
  ) => {
    for (const command of commands) await expectRefusal(await spawned(environment, [command]), code, words);
  };

  test('that does not respond, or refuses the login', async () => {
    const [closed] = await freePorts(1);
    const away = `postgres://vanguard_owner:geheim@127.0.0.1:${closed}/vanguard`;
    await each(
      withUrls(away, away, away),
      ['start', 'server', 'worker'],
      'DATABASE_UNREACHABLE',
      /ECONNREFUSED/,
    );
    const wrong = db.urls.owner.replace(/:[^:@]+@/, ':falsch-geheim@');
    const refused = await spawned(withUrls(wrong, wrong, wrong), ['migrate']);
    await expectRefusal(refused, 'DATABASE_UNREACHABLE', /password authentication failed/);
    expect(refused.complained).not.toContain('falsch-geheim');
    expect(refused.complained).toMatch(/derived from VANGUARD_SECRET by `npx vanguard bootstrap`/);
  });

  test('with unrelated contents, which do not change', async () => {
    const name = `${db.name}_foreign`;
    const superuser = urlTo(db.superuserUrl, name);
    await withClient(urlTo(db.superuserUrl, 'postgres'), (client) => client.query(`create database ${name}`));
    try {
      const look = () =>
        withClient(superuser, async (client) => {
          const { rows } = await client.query(
            `select array(select nspname::text from pg_namespace where nspname !~ '^pg_' order by 1) as schemas,
              (select datacl::text from pg_database where datname = current_database()) as rights,
              (select proacl::text from pg_proc where oid = 'set_config(text, text, boolean)'::regprocedure) as set_config`,
          );
          return rows as unknown[];
        });
      await withClient(superuser, (client) => client.query('create table orders (id integer)'));
      const before = await look();
      await each(
        withUrls(superuser),
        ['start', 'bootstrap'],
        'DATABASE_NOT_OURS',
        /something else: public\.orders\./,
      );
      expect(await look()).toEqual(before);
    } finally {
      await withClient(urlTo(db.superuserUrl, 'postgres'), (client) =>
        client.query(`drop database ${name} with (force)`),
      );
    }
  });

  test('that a version with other migrations created', async () => {
    const last = 'filename = (select max(filename) from graphile_migrate.migrations)';
    const { rows } = await db.owner.query<{ hash: string }>(
      `select hash from graphile_migrate.migrations where ${last}`,
    );
    const setHash = (hash: string | undefined) =>
      db.owner.query(`update graphile_migrate.migrations set hash = $1 where ${last}`, [hash]);
    await setHash('sha1:other');
    await each(
      withUrls(db.urls.owner),
      ['start', 'migrate', 'server', 'worker'],
      'DATABASE_OTHER_HISTORY',
      /other migrations made this database\. Nothing was changed in it\.$/,
    );
    await setHash(rows[0]?.hash);
  });

  test('that is outdated, or that a newer version migrated', async () => {
    await db.owner.query(
      "insert into graphile_migrate.migrations (hash, filename) values ('sha1:newer', '000999.sql')",
    );
    const urls = withUrls(db.urls.owner);
    await each(urls, ['start', 'migrate', 'server', 'worker'], 'DATABASE_NEWER', /the migration 000999\.sql/);
    await db.owner.query("delete from graphile_migrate.migrations where filename = '000999.sql'");
    await db.owner.query(
      'delete from graphile_migrate.migrations where filename = (select max(filename) from graphile_migrate.migrations)',
    );
    await each(urls, ['server', 'worker'], 'DATABASE_NOT_MIGRATED', /it lacks the migration 0000\d\d\.sql/);
  });
});

describe('the simulated PEMS', () => {
  test('ends when the launcher that runs it under Node 24 is killed', async () => {
    const shell = spawn(
      'sh',
      ['-c', 'VANGUARD_LAUNCHER_PID=$$ "$0" "$1" simulator & echo $!; wait', process.execPath, launcher],
      { env: environmentOf(settings()), stdio: ['ignore', 'pipe', 'ignore'] },
    );
    const [said] = (await once(shell.stdout, 'data')) as [Buffer];
    const pid = Number.parseInt(said.toString(), 10);
    try {
      await until('it listens', () => isListening(ports[1]!));
      shell.kill('SIGKILL');
      await until('it has ended', () => !isAlive(pid));
    } finally {
      if (isAlive(pid)) process.kill(pid, 'SIGKILL');
    }
  });

  test("ends with npm's shell, the only process to which npm passes SIGTERM", async () => {
    const shell = spawn('sh', ['-c', '"$0" "$1" simulator & echo $!; wait', process.execPath, launcher], {
      env: environmentOf({ ...settings(), npm_lifecycle_event: 'npx' }),
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const [said] = (await once(shell.stdout, 'data')) as [Buffer];
    const pid = Number.parseInt(said.toString(), 10);
    try {
      await until('it listens', () => isListening(ports[1]!));
      shell.kill('SIGTERM');
      await until('it has ended', () => !isAlive(pid));
      expect(await isListening(ports[1]!)).toBe(false);
    } finally {
      if (isAlive(pid)) process.kill(pid, 'SIGKILL');
    }
  });

  test.each([1, 2])('on a taken port', async (which) => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const taken = { [which === 1 ? 'SIMULATOR_PORT' : 'SIMULATOR_CONTROL_PORT']: String(port) };
    const refused = await spawned(settings(taken), ['simulator']);
    await expectRefusal(
      refused,
      'PORT_IN_USE',
      new RegExp(`Another program uses port ${port} on 127\\.0\\.0\\.1, which the \\w+ needs\\.$`),
    );
    await once(other.close(), 'close');
  });

  test('in production', async () => {
    const production = settings({
      NODE_ENV: 'production',
      VANGUARD_DATA_DIR: join(base, 'none'),
      DATABASE_URL: db.urls.owner,
      VANGUARD_SECRET: secrets.secret,
      VANGUARD_ENCRYPTION_KEYS: secrets.encryptionKeys,
    });
    await expectRefusal(await spawned(production, ['simulator']), 'NOT_IN_PRODUCTION', /not for production/);
    expect(existsSync(join(base, 'none'))).toBe(false);
  });
});
