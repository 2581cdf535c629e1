import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { bootstrap } from '../../src/database/bootstrap.ts';
import {
  embeddedBinaries,
  startEmbeddedDatabase,
  systemBinaries,
  type EmbeddedDatabase,
  type EmbeddedOptions,
} from '../../src/database/embedded.ts';
import { VanguardError } from '../../src/errors.ts';

const root = process.getuid?.() === 0;
const settings = { fsync: 'off', shared_buffers: '16MB' };
const started: EmbeddedDatabase[] = [];
const children: ChildProcess[] = [];
let base: string;
let used: string; // has a database with one row; each test leaves it stopped

async function start(options: EmbeddedOptions): Promise<EmbeddedDatabase> {
  const database = await startEmbeddedDatabase({ settings, ...options });
  started.push(database);
  return database;
}

async function query(database: EmbeddedDatabase, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: database.superuserUrl });
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

async function refusal(work: Promise<unknown>): Promise<VanguardError> {
  const error = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(error).toBeInstanceOf(VanguardError);
  expect((error as VanguardError).hint).toMatch(/\.$/);
  return error as VanguardError;
}

function child(file: string, args: string[], options: object = {}): ChildProcess {
  const process = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'], ...options });
  children.push(process);
  return process;
}

const pidFile = (folder: string) => join(folder, 'data', 'postmaster.pid');
const postmaster = (folder: string) => Number.parseInt(readFileSync(pidFile(folder), 'utf8'), 10);
const kept = 'select note from kept';
const row = [{ note: 'Ä' }];

beforeAll(async () => {
  base = mkdtempSync(join(tmpdir(), 'vanguard-embedded-'));
  chmodSync(base, 0o755); // as root, the user that PostgreSQL runs as must get in
  used = join(base, 'used');
  const database = await start({ folder: used });
  await query(database, `create table kept as select 'Ä' as note`);
  await database.stop();
});

afterEach(async () => {
  for (const process of children.splice(0)) process.kill('SIGKILL');
  await Promise.all(started.splice(0).map((database) => database.stop()));
});

afterAll(() => rmSync(base, { recursive: true, force: true }));

describe('a folder', () => {
  test('keeps its data, password and port over a second start, which is quick', async () => {
    const first = await start({ folder: used });
    await first.stop();
    await first.stop();
    expect(existsSync(pidFile(used))).toBe(false);
    const before = performance.now();
    const second = await start({ folder: used });
    expect(performance.now() - before).toBeLessThan(1500);
    expect(second).toMatchObject({ adopted: false, folder: used, superuserUrl: first.superuserUrl });
    expect(await query(second, kept)).toEqual(row);
  });

  test('with a database sorts by code point, supports all of Unicode, and refuses a connection without a password', async () => {
    const database = await start({
      folder: used,
      settings: { ...settings, work_mem: '7MB', application_name: `it's \\ ok` },
    });
    const sql = `select array(select * from unnest('{b,B,a,é,z}'::text[]) t order by t) sorted, lower('ÉΣ') lower,
      current_setting('work_mem') work_mem, current_setting('application_name') quoted, current_setting('jit') jit,
      current_setting('listen_addresses') || current_setting('unix_socket_directories') listens,
      current_setting('server_encoding') encoding`;
    expect(await query(database, sql)).toEqual([
      {
        ...{
          sorted: ['B', 'a', 'b', 'z', 'é'],
          lower: 'éσ',
          work_mem: '7MB',
          quoted: `it's \\ ok`,
          jit: 'off',
        },
        ...{ listens: '127.0.0.1', encoding: 'UTF8' },
      },
    ]);
    const guess = { ...database, superuserUrl: database.superuserUrl.replace(/:[^:@]+@/, ':guess@') };
    await expect(query(guess, 'select 1')).rejects.toMatchObject({ code: '28P01' });
    expect(statSync(join(used, 'superuser-password')).mode & 0o777).toBe(0o600);
  });

  test('with an interrupted initialization is initialized again, and leftovers are deleted', async () => {
    const folder = join(base, 'interrupted');
    const half = join(folder, 'initialising-abc', 'data');
    mkdirSync(half, { recursive: true });
    writeFileSync(join(half, 'PG_VERSION'), '18\n');
    writeFileSync(join(folder, 'starting.lock'), '999999999\n1\nx\n');
    chmodSync(folder, 0o755);
    const database = await start({ folder });
    expect(await query(database, 'select 1 as one')).toEqual([{ one: 1 }]);
    expect(readdirSync(folder).sort()).toEqual(['data', 'superuser-password', 'vanguard.conf']);
  });

  test('of another major version, or with other files in it, is refused and does not change', async () => {
    const folder = join(base, 'other');
    mkdirSync(join(folder, 'data'), { recursive: true });
    writeFileSync(join(folder, 'data', 'PG_VERSION'), '14\n');
    const version = await refusal(start({ folder }));
    expect(version.code).toBe('DATA_FOLDER_OTHER_VERSION');
    expect(version.message).toContain('made by PostgreSQL 14, and this is PostgreSQL 18');
    rmSync(join(folder, 'data', 'PG_VERSION'));
    writeFileSync(join(folder, 'data', 'thesis.doc'), 'precious');
    expect((await refusal(start({ folder }))).code).toBe('DATA_FOLDER_FOREIGN');
    expect(readdirSync(join(folder, 'data'))).toEqual(['thesis.doc']);
  });

  test('that is a file, or whose database lost files or its password, is refused', async () => {
    const file = join(base, 'file');
    writeFileSync(file, '');
    expect((await refusal(start({ folder: join(file, 'below') }))).code).toBe('DATA_FOLDER_NOT_WRITABLE');
    const folder = join(base, 'lost');
    mkdirSync(join(folder, 'data'), { recursive: true });
    cpSync(join(used, 'data', 'PG_VERSION'), join(folder, 'data', 'PG_VERSION'));
    expect((await refusal(start({ folder }))).code).toBe('DATA_FOLDER_DAMAGED');
    mkdirSync(join(folder, 'data', 'global'));
    writeFileSync(join(folder, 'data', 'global', 'pg_control'), '');
    expect((await refusal(start({ folder }))).code).toBe('DATABASE_PASSWORD_MISSING');
  });

  test('with the password file of another database is refused, and no process is left running', async () => {
    const file = join(used, 'superuser-password');
    const password = readFileSync(file);
    writeFileSync(file, 'of another database');
    try {
      const { code, message } = await refusal(start({ folder: used }));
      expect(code).toBe('DATABASE_PASSWORD_WRONG');
      expect(message).toContain(file);
      expect(existsSync(pidFile(used))).toBe(false);
    } finally {
      writeFileSync(file, password);
    }
  });

  test.skipIf(root)('that cannot be written is refused', async () => {
    const folder = join(base, 'readonly');
    mkdirSync(folder, { mode: 0o500 });
    expect((await refusal(start({ folder }))).code).toBe('DATA_FOLDER_NOT_WRITABLE');
  });
});

describe('a running server', () => {
  test('is adopted, and its adopter can stop it', async () => {
    const first = await start({ folder: used });
    const second = await start({ folder: used });
    expect(second).toMatchObject({ adopted: true, port: first.port, runsAs: first.runsAs });
    expect(await query(second, kept)).toEqual(row);
    await second.stop();
    expect(existsSync(pidFile(used))).toBe(false);
    const third = await start({ folder: used });
    await first.stop(); // of another run: not this one
    expect(await query(third, kept)).toEqual(row);
  });

  test('is adopted after its parent was killed', async () => {
    const module = resolve(import.meta.dirname, '../../src/database/embedded.ts');
    const script = `const { startEmbeddedDatabase } = await import(${JSON.stringify(module)});
      await startEmbeddedDatabase(${JSON.stringify({ folder: used, settings })});
      console.log('started'); setInterval(() => {}, 1000);`;
    const parent = child(process.execPath, ['--input-type=module', '-e', script], { detached: true });
    await once(parent.stdout!, 'data');
    const pid = postmaster(used);
    process.kill(-parent.pid!, 'SIGKILL'); // its whole process group, as a closed terminal does
    await once(parent, 'exit');
    const database = await start({ folder: used });
    expect(database.adopted).toBe(true);
    expect(postmaster(used)).toBe(pid);
    expect(await query(database, kept)).toEqual(row);
  });

  test('is started once by two simultaneous starts, also on a new folder', async () => {
    const folder = join(base, 'twice');
    const both = await Promise.all([start({ folder }), start({ folder })]);
    expect(both.map(({ adopted }) => adopted).sort()).toEqual([false, true]);
    expect(both[0].superuserUrl).toBe(both[1].superuserUrl);
    expect(await query(both[1], 'select 1 as one')).toEqual([{ one: 1 }]);
  });
});

describe('after a crash', () => {
  test('of the postmaster, committed rows remain', async () => {
    const database = await start({ folder: used });
    await query(database, `insert into kept values ('committed')`);
    const idle = new pg.Client({ connectionString: database.superuserUrl }); // a process that outlives the postmaster a little
    idle.on('error', () => {});
    await idle.connect();
    process.kill(postmaster(used), 'SIGKILL');
    const again = await start({ folder: used });
    expect(again.adopted).toBe(false);
    expect(await query(again, `delete from kept where note = 'committed' returning note`)).toHaveLength(1);
  });

  test('a pid file with the pid of an unrelated program neither blocks the start nor harms that program', async () => {
    await start({ folder: used });
    const pid = postmaster(used);
    const owner = statSync(pidFile(used));
    const other = child('/bin/sleep', ['60'], root ? { uid: owner.uid, gid: owner.gid } : {});
    await once(other, 'spawn');
    process.kill(pid, 'SIGKILL');
    // Overwritten in place: the file still belongs to the user that PostgreSQL runs as.
    writeFileSync(pidFile(used), readFileSync(pidFile(used), 'utf8').replace(/^\d+/, String(other.pid)));
    const again = await start({ folder: used });
    expect(again.adopted).toBe(false);
    await again.stop();
    expect(other.exitCode ?? other.signalCode).toBeNull();
  });
});

describe('the port', () => {
  test('is the requested one, and a port of another program is refused', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const error = await refusal(start({ folder: used, port }));
    expect(error.code).toBe('PORT_IN_USE');
    expect(error.message).toContain(String(port));
    expect(existsSync(pidFile(used))).toBe(false);
    await new Promise((done) => server.close(done));
    expect((await start({ folder: used, port })).port).toBe(port);
  });

  test('of the last start is left to the program that has taken it', async () => {
    const first = await start({ folder: used });
    await first.stop();
    const server = createServer().listen(first.port, '127.0.0.1');
    await once(server, 'listening');
    const second = await start({ folder: used });
    expect(second.port).not.toBe(first.port);
    await new Promise((done) => server.close(done));
  });
});

test('a server that refuses its settings is reported with its output, and no process is left running', async () => {
  const error = await refusal(start({ folder: used, settings: { shared_buffers: 'plenty' } }));
  expect(error.code).toBe('DATABASE_START_FAILED');
  expect(error.message).toContain('invalid value for parameter "shared_buffers"');
  expect(existsSync(pidFile(used))).toBe(false);
  expect((await refusal(start({ folder: used, settings: { "x'": '1' } }))).code).toBe(
    'DATABASE_SETTING_INVALID',
  );
});

const fifteen = systemBinaries(15);
test.skipIf(!fifteen)('PostgreSQL 15 of the system works too, with the same collation', async () => {
  const database = await start({ folder: join(base, 'fifteen'), binaries: fifteen });
  const sql = `select current_setting('server_version_num')::int / 10000 major, lower('É') lower, 'B' < 'a' ordered`;
  expect(await query(database, sql)).toEqual([{ major: 15, lower: 'é', ordered: true }]);
  expect((await start({ folder: join(base, 'fifteen'), binaries: fifteen })).adopted).toBe(true);
});

test.each([
  { version: embeddedBinaries().version, other: "datlocprovider = 'c', datlocale = null, datctype = 'C'" },
  ...(fifteen ? [{ version: 15, other: "datctype = 'C'" }] : []),
])('PostgreSQL $version gives a new database the collation of the embedded one', async (one) => {
  const binaries = one.version === 15 ? fifteen : undefined;
  const database = await start({ folder: join(base, `ordered-${one.version}`), binaries });
  // As in a cluster whose administrator chose another locale.
  await query(database, `update pg_database set ${one.other} where datname = 'template0'`);
  await bootstrap(database.superuserUrl, 'vanguard', 'the secret of this test');
  const rows = await query(
    database,
    `select encoding, datlocprovider, datcollate, datctype, to_jsonb(d)->'datlocale' as locale
    from pg_database d where datname in ('vanguard', 'postgres') order by datname`,
  );
  expect(rows).toHaveLength(2);
  expect(rows[1]).toEqual(rows[0]);
});
