import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { startSimulator } from '../../simulator/index.ts';
import { startEmbeddedDatabase } from '../../src/database/embedded.ts';
import { newEncryptionKey } from '../../src/encryption.ts';
import { spawned } from '../cli/vanguard.ts';
import { testDatabase } from '../support/database.ts';
import { until } from '../support/until.ts';
import {
  endAll,
  freePorts,
  isAlive,
  isListening,
  launch,
  postmaster,
  signIn,
  type Person,
  type Vanguard,
} from './vanguard.ts';

vi.setConfig({ testTimeout: 90_000 });

// One data folder through the life of an installation: each test continues where the one before ended.

let folder: string;
let settings: Record<string, string>;
let ports: number[];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vanguard-start-'));
  chmodSync(folder, 0o711); // as root, the user that PostgreSQL runs as must get in
  ports = await freePorts(3);
  settings = settingsOf(folder, ports);
});

afterAll(async () => {
  await endAll();
  if (postmaster(folder)) await (await startEmbeddedDatabase({ folder: join(folder, 'database') })).stop();
  rmSync(folder, { recursive: true, force: true });
});

function settingsOf(
  dataFolder: string,
  [port, simulatorPort, controlPort]: number[],
): Record<string, string> {
  return {
    VANGUARD_DATA_DIR: dataFolder,
    PORT: String(port),
    SIMULATOR_PORT: String(simulatorPort),
    SIMULATOR_CONTROL_PORT: String(controlPort),
  };
}

interface Status {
  organization: string;
  lastSyncedAt: string | null;
  lastRowsRead: number | null;
  run: { id: number; state: string } | null;
}

const status = async (person: Person) =>
  ((await person.get('/api/sync/status')) as { organizations: Status[] }).organizations;

const firstRecord = async (person: Person) => {
  const { records } = (await person.get('/api/pfa/HOLNG?limit=1')) as {
    records: { pfaId: string; revision: number; hasDraft: boolean; data: Record<string, unknown> }[];
  };
  const [record] = records;
  if (!record) throw new Error('HOLNG has no records.');
  return record;
};

/** All parts of a running product. */
function all(vanguard: Vanguard): number[] {
  const parts = vanguard.parts();
  expect([...parts.keys()].sort()).toEqual(['server', 'simulator', 'worker']);
  const database = postmaster(folder);
  expect(database).toBeGreaterThan(0);
  return [vanguard.pid, ...parts.values(), database as number];
}

async function expectNothingRuns(pids: number[]): Promise<void> {
  expect(pids.filter(isAlive)).toEqual([]);
  expect(postmaster(folder)).toBeUndefined();
  expect(await Promise.all(ports.map(isListening))).toEqual([false, false, false]);
}

async function expectAllData(vanguard: Vanguard): Promise<Person> {
  const person = await signIn(vanguard, 'admin', 'admin123');
  const organizations = await status(person);
  expect(organizations).toHaveLength(28);
  expect(organizations.filter(({ lastSyncedAt }) => !lastSyncedAt)).toEqual([]);
  expect(organizations.find(({ organization }) => organization === 'HOLNG')).toMatchObject({
    lastRowsRead: 20_280,
  });
  expect(await firstRecord(person)).toMatchObject({
    hasDraft: true,
    data: { contract: 'kept, whatever comes' },
  });
  return person;
}

let running: Vanguard;

test('on an empty folder it starts, accepts the default user, and reads PEMS', async () => {
  running = launch(settings);
  console.log(`The first start was ready after ${await running.ready()} s.`);
  const person = await signIn(running, 'admin', 'admin123');
  expect(person.mustChangePassword).toBe(true);
  await until('the first organization is in', async () =>
    (await status(person)).some(({ lastSyncedAt }) => lastSyncedAt !== null),
  );
  expect(running.output()).toMatch(/admin \/ admin123/);
});

test('killed during the first sync, its parts end without help, and the next start adopts the database', async () => {
  const [parent = -1, ...others] = all(running);
  const database = postmaster(folder) as number;
  running.kill('SIGKILL');
  await until(
    'the parts have ended',
    () => ![parent, ...others].some((pid) => pid !== database && isAlive(pid)),
  );
  expect(isAlive(database)).toBe(true);

  running = launch(settings);
  console.log(`The start after a killed one was ready after ${await running.ready()} s.`);
  expect(postmaster(folder)).toBe(database);
  const began = performance.now();
  const person = await signIn(running, 'admin', 'admin123');
  // Killed before the sync ended: otherwise this proves nothing.
  expect((await status(person)).filter(({ lastSyncedAt }) => !lastSyncedAt).length).toBeGreaterThan(0);
  await until(
    'all organizations are in',
    async () => (await status(person)).every(({ lastSyncedAt }) => lastSyncedAt),
    90,
  );
  console.log(`All organizations were in ${((performance.now() - began) / 1000).toFixed(1)} s later.`);
  await until('it says so', () => / of 28 organizations are in/.test(running.output()));

  const record = await firstRecord(person);
  await person.post('/api/pfa/HOLNG/draft', {
    recordId: record.pfaId,
    changes: { contract: 'kept, whatever comes' },
    revision: record.revision,
  });
  await expectAllData(running);
}, 180_000);

test('a second start on the same folder is refused and does not disturb the first', async () => {
  const [port, simulatorPort, controlPort] = await freePorts(3);
  const second = launch(settingsOf(folder, [port, simulatorPort, controlPort] as number[]));
  expect(await second.exited()).toBe(1);
  expect(second.output()).toMatch(/ALREADY_RUNNING: .* as process \d+\.\n.* with `kill \d+`/);
  await expectAllData(running);
});

test('a killed part is restarted', async () => {
  const before = running.parts();
  for (const pid of before.values()) process.kill(pid, 'SIGKILL');
  const after = await until('all parts run again', () => {
    const parts = running.parts();
    return (
      parts.size === 3 && [...parts.values()].every((pid) => ![...before.values()].includes(pid)) && parts
    );
  });
  expect([...after.keys()].sort()).toEqual(['server', 'simulator', 'worker']);
  for (const part of after.keys()) expect(running.output()).toContain(`The ${part} stopped unexpectedly`);
  await until('the server answers', () => isListening(Number(settings.PORT)));

  // The worker works, and the simulator responds to it.
  const person = await expectAllData(running);
  await until('the simulator answers', () => isListening(Number(settings.SIMULATOR_PORT)));
  const { run } = (await person.post('/api/sync/trigger', { organization: 'HQ_TOOLS' })) as { run: number };
  // The new worker first finishes the work of the killed one.
  await until(
    'a run asked for is done',
    async () => {
      const now = (await status(person)).find(({ organization }) => organization === 'HQ_TOOLS')?.run;
      return now?.id === run && now.state === 'succeeded';
    },
    40,
  );
});

test('a killed database is restarted, and all parts continue', async () => {
  const before = postmaster(folder) as number;
  process.kill(before, 'SIGKILL');
  await until('it runs again', () => running.output().includes('PostgreSQL is running again.'), 30);
  expect(postmaster(folder)).not.toBe(before);
  await until('the server answers', () => expectAllData(running).catch(() => false));
  await until('the worker was started again', () => running.parts().has('worker'));
  const person = await expectAllData(running);
  const { run } = (await person.post('/api/sync/trigger', { organization: 'HQ_TOOLS' })) as { run: number };
  await until(
    'a run asked for is done',
    async () => {
      const now = (await status(person)).find(({ organization }) => organization === 'HQ_TOOLS')?.run;
      return now !== null && now !== undefined && now.id >= run && now.state === 'succeeded';
    },
    30,
  );
});

test('all parts killed at once, with the database: the next start has all data', async () => {
  const pids = all(running);
  for (const pid of pids) process.kill(pid, 'SIGKILL');
  await until('all have ended', () => !pids.some(isAlive));
  running = launch(settings);
  console.log(`The start after everything was killed was ready after ${await running.ready()} s.`);
  await expectAllData(running);
});

/** When stopped, it ends with all its parts. */
async function stopsAt(signal: 'SIGINT' | 'SIGTERM'): Promise<void> {
  const pids = all(running);
  running.kill(signal);
  expect(await running.exited()).toBe(0);
  await expectNothingRuns(pids);
}

test('SIGINT stops all parts, and the next start has all data', async () => {
  await stopsAt('SIGINT');
  running = launch(settings);
  const seconds = await running.ready();
  console.log(`A start with data was ready after ${seconds} s.`);
  expect(seconds).toBeLessThan(20);
  await expectAllData(running);
});

test('SIGTERM does too; a command that started the database does not stop it under the start that adopted it', async () => {
  await stopsAt('SIGTERM');
  const input = Promise.withResolvers<string>();
  const command = spawned(settings, ['user', 'create', 'hänsel', '--password-stdin'], input.promise);
  const database = await until('the command has started the database', () => postmaster(folder));
  running = launch(settings);
  await running.ready();
  expect(postmaster(folder)).toBe(database);
  input.resolve('brotkrümel im wald');
  expect(await command).toMatchObject({ code: 0, complained: '' });
  await signIn(running, 'hänsel', 'brotkrümel im wald');
  await expectAllData(running);
});

test('if stopped during its start, it stops at once and leaves nothing', async () => {
  running.kill('SIGTERM');
  await running.exited();
  for (const [what, hasBegun] of [
    ['the database', (starting: Vanguard) => starting.output().includes('Starting PostgreSQL')],
    ['the parts', (starting: Vanguard) => starting.parts().has('server')],
  ] as const) {
    const starting = launch(settings);
    await until(`it starts ${what}`, () => hasBegun(starting));
    starting.kill('SIGINT');
    expect(await starting.exited(), what).toBe(0);
    expect(starting.output()).not.toContain('is ready');
    expect(starting.output()).toMatch(/Everything has stopped\. Your data is kept\.\n$/);
    await expectNothingRuns([starting.pid]);
  }
});

test('a taken port: one clear sentence, exit code 1, no process left', async () => {
  const other = createServer().listen(Number(settings.PORT), '127.0.0.1');
  await once(other, 'listening');
  const refused = launch(settings);
  expect(await refused.exited()).toBe(1);
  await once(other.close(), 'close');
  expect(refused.output().match(/PORT_IN_USE/g)).toHaveLength(1);
  expect(refused.output()).toContain(`Port ${settings.PORT} of 127.0.0.1 cannot be used`);
  expect(refused.output()).not.toMatch(/^ +at /m);
  await expectNothingRuns([refused.pid]);
});

describe('with an external database and PEMS', async () => {
  const db = await testDatabase();

  const ownDatabase = {
    DATABASE_URL: db.urls.owner,
    AUTHENTICATOR_DATABASE_URL: db.urls.authenticator,
    WORKER_DATABASE_URL: db.urls.worker,
    VANGUARD_SECRET: randomBytes(32).toString('base64'),
    VANGUARD_ENCRYPTION_KEYS: newEncryptionKey('test'),
  };

  test('in production without a PEMS, it starts no simulator and gives a hint', async () => {
    const own = mkdtempSync(join(tmpdir(), 'vanguard-start-'));
    const ownPorts = await freePorts(3);
    try {
      const vanguard = launch({ ...settingsOf(own, ownPorts), ...ownDatabase, NODE_ENV: 'production' });
      await vanguard.ready();
      expect([...vanguard.parts().keys()].sort()).toEqual(['server', 'worker']);
      expect(await isListening(ownPorts[1] as number)).toBe(false);
      expect(vanguard.output()).toMatch(
        /No connection to PEMS is configured yet.*vanguard connection create/,
      );
      expect(vanguard.output()).not.toContain('admin123');
      vanguard.kill('SIGTERM');
      expect(await vanguard.exited()).toBe(0);
    } finally {
      rmSync(own, { recursive: true, force: true });
    }
  });

  test('it starts neither a database nor a simulator', async () => {
    const simulator = await startSimulator({
      onlyListed: true,
      organizations: { RIO: 30 },
      requestsPerSecond: 0,
    });
    const own = mkdtempSync(join(tmpdir(), 'vanguard-start-'));
    const ownPorts = await freePorts(3);
    try {
      const vanguard = launch({
        ...settingsOf(own, ownPorts),
        ...ownDatabase,
        PEMS_URL: simulator.url,
        PEMS_TENANT: simulator.credentials.tenant,
        PEMS_USERNAME: simulator.credentials.username,
        PEMS_PASSWORD: simulator.credentials.password,
      });
      await vanguard.ready();
      expect([...vanguard.parts().keys()].sort()).toEqual(['server', 'worker']);
      expect(existsSync(join(own, 'database'))).toBe(false);
      expect(await isListening(ownPorts[1] as number)).toBe(false);
      const person = await signIn(vanguard, 'admin', 'admin123');
      await until('RIO is in', async () =>
        (await status(person)).some(
          ({ organization, lastRowsRead }) => organization === 'RIO' && lastRowsRead === 30,
        ),
      );
      vanguard.kill('SIGTERM');
      expect(await vanguard.exited()).toBe(0);
      expect(vanguard.output()).not.toContain(simulator.credentials.password);
    } finally {
      await simulator.stop();
      rmSync(own, { recursive: true, force: true });
    }
  });
});
