import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import type { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createProgram } from '../../src/cli/program.ts';
import { projectFolder } from '../../src/configuration.ts';
import { exportLegacy } from '../../src/legacy/export.ts';
import { launcher, run, spawned, type Ran } from '../cli/vanguard.ts';
import { fillLegacyDatabase, makeLegacyDatabase } from '../legacy/legacy-database.ts';
import { environmentOf } from '../support/environment.ts';
import { newFolderCommands } from '../support/scale.ts';
import { until } from '../support/until.ts';
import { freePorts, isAlive, isListening, postmaster, processes } from './vanguard.ts';

vi.setConfig({ testTimeout: 180_000, maxConcurrency: 2 });

// Any command may be the first one on a new data folder. It works, or names the next step, and leaves nothing
// incomplete.

/** Values for arguments. A command with another argument fails here until it has a value. */
const argumentsByName: Record<string, string> = {
  ...{ organization: 'HOLNG', record: 'PFA-1', column: 'forecastEnd', connection: 'pems-global-pfa-read' },
  ...{ user: 'admin', name: 'erika', list: 'class', code: 'ZZ' },
};
const optionsByName: Record<string, string> = {
  ...{ url: 'http://127.0.0.1:1/axis/restservices', tenant: 'T', username: 'U' },
};
/** Other arguments than by name. */
const ownArguments: Record<string, string[]> = {
  'connection create': ['--password', 'P'],
  'user password': ['admin'],
  'user disable': ['admin'],
  'user enable': ['admin'],
  'user unlock': ['admin'],
};
/** Messages of commands that cannot work yet. All others work. */
const refusals: Record<string, string> = {
  ...{ server: 'DATABASE_URL_MISSING', worker: 'DATABASE_URL_MISSING' },
  ...{ 'connection test': 'NO_PEMS_CONNECTION', 'connection record': 'NO_PEMS_CONNECTION' },
  ...{
    'membership remove': 'NOT_FOUND',
    'organization accept': 'NOT_FOUND',
    'organization dismiss': 'NOT_FOUND',
  },
  ...{
    'lists read': 'NO_PEMS_CONNECTION',
    'lists settings': 'NOT_FOUND',
    'lists accept-removals': 'NOT_FOUND',
  },
  ...{ 'sync accept': 'NOT_FOUND', 'sync accept-removals': 'NOT_FOUND', 'sync forget-column': 'NOT_FOUND' },
  ...{
    'push explain': 'NOT_FOUND',
    'push pause-connection': 'NOT_FOUND',
    'push resume-connection': 'NOT_FOUND',
  },
  ...{ 'legacy check': 'LEGACY_NOT_IMPORTED', 'legacy rollback': 'LEGACY_NOT_IMPORTED' },
};
/** Messages of commands that run until they are stopped. */
const readiness: Record<string, RegExp> = {
  start: /is ready after/,
  simulator: /^Simulated PEMS at /m,
  'sync drift': /It waits for a worker, which `npx vanguard start` runs/,
};
/** Exit codes of commands that only wait, once they are stopped. */
const interrupted = 130;

interface Named {
  name: string;
  command: Command;
}
const leaves = (command: Command, names: string[]): Named[] =>
  command.commands.length === 0
    ? [{ name: names.join(' '), command }]
    : command.commands.flatMap((sub) => leaves(sub, [...names, sub.name()]));
const commands = leaves(createProgram(), []);
/** That many of them, evenly distributed. */
const some = (wanted: number) => {
  const step = Math.max(1, commands.length / wanted);
  return commands.filter((_, i) => Math.floor(i / step) > Math.floor((i - 1) / step));
};

let base: string;
let made = 0;
const root = process.getuid?.() === 0;
/** An ordinary user, if the tests run as root and that user can run the product. */
const ordinary = root ? ordinaryUser() : undefined;

function ordinaryUser(): { uid: number; gid: number } | undefined {
  const id = (flag: string) => Number(spawnSync('id', [flag, 'nobody'], { encoding: 'utf8' }).stdout);
  const user = { uid: id('-u'), gid: id('-g') };
  const tried = spawnSync(process.execPath, [launcher, '--version'], {
    ...user,
    env: environmentOf({}),
  });
  return tried.status === 0 ? user : undefined;
}

beforeAll(async () => {
  base = mkdtempSync(join(tmpdir(), 'vanguard-new-folder-'));
  chmodSync(base, 0o711); // as root, the user that PostgreSQL runs as must get in
  const legacy = makeLegacyDatabase(join(base, 'legacy.db'));
  fillLegacyDatabase(legacy);
  legacy.database.close();
  await exportLegacy(join(base, 'legacy.db'), join(base, 'moved'));
  for (const name of ['moved', 'legacy.db']) chmodSync(join(base, name), 0o755);
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

/** Returns the minimum arguments of a command. */
function argumentsOf({ name, command }: Named, folder: string): string[] {
  const files: Record<string, string> = {
    source: join(base, 'legacy.db'),
    folder: name === 'connection record' ? `${folder}-record` : join(base, 'moved'),
  };
  const given = command.registeredArguments
    .filter(({ required }) => required)
    .map((argument) => files[argument.name()] ?? argumentsByName[argument.name()]);
  const options = command.options
    .filter(({ mandatory }) => mandatory)
    .flatMap((option) => [
      option.long!,
      option.name() === 'out' ? `${folder}-out` : optionsByName[option.name()],
    ]);
  const all = [...name.split(' '), ...(ownArguments[name] ?? given), ...options];
  expect(all, `${name} needs an argument that this test does not know`).not.toContain(undefined);
  return all as string[];
}

interface User {
  uid?: number;
  gid?: number;
}

/** Runs a command to its end as a user, or until it is ready, and stops it then. */
async function first(
  one: Named,
  folder: string,
  user: User,
  more: Record<string, string | undefined> = {},
): Promise<Ran> {
  const ports = await freePorts(3);
  const child: ChildProcess = spawn(process.execPath, [launcher, ...argumentsOf(one, folder)], {
    ...user,
    env: {
      ...environmentOf({
        ...{ VANGUARD_DATA_DIR: folder, PORT: String(ports[0]) },
        ...{ SIMULATOR_PORT: String(ports[1]), SIMULATOR_CONTROL_PORT: String(ports[2]) },
      }),
      ...more,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 120_000,
  });
  const ran: Ran = { code: null, said: '', complained: '' };
  child.stdout!.on('data', (text) => (ran.said += String(text)));
  child.stderr!.on('data', (text) => (ran.complained += String(text)));
  const closed = once(child, 'close') as Promise<[number | null]>;
  const ready = readiness[one.name];
  if (ready) {
    const isReady = () => ready.test(ran.said + ran.complained);
    await until('it is ready or has ended', () => isReady() || child.exitCode !== null, 90);
    child.kill('SIGTERM');
  }
  [ran.code] = await closed;
  // A clone without a built web app logs that.
  ran.complained = ran.complained.replace(/^.*The web app is not built.*\n/m, '');
  expect(await Promise.all(ports.map(isListening)), 'nothing listens').toEqual([false, false, false]);
  return ran;
}

/** One line with a code and a hint. */
function expectRefusal({ code, complained }: Ran, name?: string): void {
  expect({ code, complained }).toEqual({
    code: 1,
    complained: expect.stringMatching(
      new RegExp(`^${name ?? '(?!INTERNAL)[A-Z_]+'}: .+\\n\\S.{15,}\\n$`),
    ) as string,
  });
}

const noRefusal = expect.not.stringMatching(/^[A-Z][A-Z_]+: /m) as string;

/** The folder contains nothing incomplete, and no process runs on it. */
function expectNothingHalfMade(folder: string): void {
  const names = existsSync(folder) ? readdirSync(folder) : [];
  expect(names.filter((name) => !['secrets.json', 'database', 'simulator'].includes(name))).toEqual([]);
  const database = join(folder, 'database');
  if (existsSync(database))
    expect(
      readdirSync(database).filter((name) => /initialising|copying|unfinished|\.lock/.test(name)),
    ).toEqual([]);
  expect(postmaster(folder)).toBeUndefined();
  expect(processes().filter(({ command, pid }) => command.includes(`${folder}/`) && isAlive(pid))).toEqual(
    [],
  );
}

async function walk(one: Named, user: User): Promise<void> {
  const folder = join(base, `data-${++made}`);
  if (user.uid !== undefined) {
    // Owned by that user, with room for other files of a command.
    for (const path of [folder, `${folder}-out`]) {
      mkdirSync(path, { mode: 0o700 });
      chownSync(path, user.uid, user.gid!);
    }
  }
  const ran = await first(one, folder, user);
  const refusal = refusals[one.name];
  if (refusal !== undefined) expectRefusal(ran, refusal);
  else if (one.name === 'sync drift') expect(ran.code).toBe(interrupted);
  // The log of a part that was stopped in its work is no complaint.
  else expect(ran, one.name).toMatchObject({ code: 0, complained: one.name === 'start' ? noRefusal : '' });
  expectNothingHalfMade(folder);
  // The next command needs only the files that this one left.
  const status = {
    name: 'sync status',
    command: commands.find(({ name }) => name === 'sync status')!.command,
  };
  if (existsSync(join(folder, 'database')))
    expect(await first(status, folder, user)).toMatchObject({
      code: 0,
      said: expect.stringContaining('HOLNG') as string,
    });
  rmSync(folder, { recursive: true, force: true });
}

describe.concurrent('on a new data folder', () => {
  // Each takes seconds. `npm run test:commands` runs all of them.
  test.for(some(newFolderCommands))('$name works or names the next step', (one) => walk(one, {}));

  test.skipIf(!ordinary).for(some(newFolderCommands / 3))('$name does so as an ordinary user', (one) =>
    walk(one, ordinary!),
  );

  test.for(['start', 'sync status'])(
    '%s needs no HOME, and accepts a folder relative to the project',
    async (name) => {
      const folder = join(base, `data-${++made}`);
      const one = commands.find((one) => one.name === name)!;
      const more = { HOME: undefined, VANGUARD_DATA_DIR: relative(projectFolder, folder) };
      expect(await first(one, folder, {}, more)).toMatchObject({ code: 0, complained: noRefusal });
      expect(existsSync(join(folder, 'database'))).toBe(true);
      expectNothingHalfMade(folder);
    },
  );
});

describe('an unusable data folder', () => {
  /** These commands need none. */
  const isWithout = (name: string) => /^legacy (export|verify)$/.test(name);
  const inProcess = commands.filter(
    ({ name }) => !isWithout(name) && !readiness[name] && !refusals[name]?.startsWith('DATABASE_URL'),
  );

  test.each(inProcess)('that is a file is refused by $name', async (one) => {
    const file = join(base, `file-${++made}`);
    writeFileSync(file, 'precious');
    const ran = await run({ VANGUARD_DATA_DIR: file }, argumentsOf(one, file));
    expectRefusal(ran, 'DATA_FOLDER_NOT_WRITABLE');
  });

  test.each(['start', 'simulator', 'legacy analyze'])(
    'without room on the system is refused at once by %s',
    async (name) => {
      const one = commands.find((one) => one.name === name)!;
      for (const folder of process.platform === 'linux'
        ? ['/proc/vanguard', '/dev/null/data']
        : ['/dev/null/data'])
        expectRefusal(
          await spawned({ VANGUARD_DATA_DIR: folder }, argumentsOf(one, folder)),
          'DATA_FOLDER_NOT_WRITABLE',
        );
    },
  );

  test.skipIf(root && !ordinary).each(['start', 'simulator', 'migrate', 'legacy rollback'])(
    'of another user is refused by %s, and does not change',
    async (name) => {
      const folder = join(base, `data-${++made}`);
      mkdirSync(folder, { mode: 0o755 });
      writeFileSync(join(folder, 'thesis.doc'), 'precious');
      chmodSync(folder, 0o555);
      const one = commands.find((one) => one.name === name)!;
      expectRefusal(await first(one, folder, ordinary ?? {}), 'DATA_FOLDER_NOT_WRITABLE');
      expect(readdirSync(folder)).toEqual(['thesis.doc']);
      chmodSync(folder, 0o755);
    },
  );
});

test('a command killed while PostgreSQL initializes does not block the next one', async () => {
  const environment = { VANGUARD_DATA_DIR: join(base, `data-${++made}`) };
  const killed = spawn(process.execPath, [launcher, 'sync', 'status'], {
    env: environmentOf(environment),
    stdio: 'ignore',
  });
  const database = join(environment.VANGUARD_DATA_DIR, 'database');
  await until(
    'it initialises',
    () => existsSync(database) && readdirSync(database).some((name) => name.startsWith('initialising-')),
  );
  killed.kill('SIGKILL');
  await once(killed, 'exit');
  expect(await spawned(environment, ['sync', 'status'])).toMatchObject({ code: 0, complained: '' });
  expect(readdirSync(database).filter((name) => /initialising|unfinished/.test(name))).toEqual([]);
});
