import { randomBytes } from 'node:crypto';
import { isAbsolute, join } from 'node:path';
import { expect, test } from 'vitest';
import { dialectNames } from '../../simulator/index.ts';
import { projectFolder, readConfiguration } from '../../src/configuration.ts';
import { newEncryptionKey } from '../../src/encryption.ts';
import { VanguardError } from '../../src/errors.ts';

/** Returns the problems of an environment; none if it is valid. */
function problems(environment: NodeJS.ProcessEnv): string[] {
  try {
    readConfiguration(environment);
    return [];
  } catch (error) {
    if (!(error instanceof VanguardError)) throw error;
    expect(error.code).toBe('CONFIGURATION_INVALID');
    const listed = error.details as string[];
    for (const problem of listed) expect(error.message).toContain(`\n  - ${problem}`);
    expect(error.message).toMatch(new RegExp(`^The configuration has ${listed.length} problems?:\n`));
    return listed;
  }
}

const production = {
  NODE_ENV: 'production',
  DATABASE_URL: 'postgresql://vanguard_owner:k4Jw9x2LqZ@db.example:5432/vanguard',
  VANGUARD_SECRET: randomBytes(32).toString('base64'),
  VANGUARD_ENCRYPTION_KEYS: newEncryptionKey('a'),
};
const pems = {
  PEMS_URL: 'https://pems.example/axis/restservices',
  PEMS_TENANT: 'T',
  PEMS_USERNAME: 'u',
  PEMS_PASSWORD: 'p',
};

test('a trial needs no configuration', () => {
  expect(readConfiguration({})).toMatchObject({
    ...{ production: false, host: '127.0.0.1', port: 3001, simulatorPort: 3010, simulatorControlPort: 3011 },
    simulatorDialect: 'official',
    ...{ databaseUrl: undefined, secret: undefined, encryptionKeys: undefined, pems: undefined },
    dataFolder: join(projectFolder, '.data'),
  });
});

test('the simulator accepts each of its dialects, and no other', () => {
  for (const dialect of dialectNames)
    expect(readConfiguration({ SIMULATOR_DIALECT: dialect }).simulatorDialect).toBe(dialect);
  expect(problems({ SIMULATOR_DIALECT: 'latin' })).toEqual([
    expect.stringMatching(/SIMULATOR_DIALECT.*official, classic/),
  ]);
});

test('an empty variable counts as missing', () => {
  expect(readConfiguration({ PORT: '', DATABASE_URL: '', PEMS_URL: '', NODE_ENV: '' })).toEqual(
    readConfiguration({}),
  );
});

test('one message lists every problem, and contains no secret', () => {
  const environment = {
    NODE_ENV: 'staging',
    PORT: '70000',
    DATABASE_URL: 'mysql://root:swordfish@db/x',
    VANGUARD_SECRET: 'swordfish',
    VANGUARD_ENCRYPTION_KEYS: 'a:swordfish',
    PEMS_PASSWORD: 'swordfish',
  };
  const listed = problems(environment);
  expect(listed.map((problem) => problem.split(' ')[0]).sort()).toEqual([
    'DATABASE_URL',
    'NODE_ENV',
    'PEMS_URL,',
    'PORT',
    'VANGUARD_ENCRYPTION_KEYS',
    'VANGUARD_SECRET',
  ]);
  expect(listed.join()).not.toContain('swordfish');
});

test('a single problem is reported in the singular', () => {
  expect(problems({ PORT: 'http' })).toHaveLength(1);
});

test.each(['0', '65536', '-1', '3001.5', 'http', ' '])('PORT=%o is refused', (PORT) => {
  expect(problems({ PORT })).toEqual([expect.stringContaining('PORT')]);
});

test.each([
  [undefined, 0],
  ['0', 0],
  ['2', 2],
  ['loopback', ['loopback']],
  ['10.0.0.0/8, fd00::1,loopback', ['10.0.0.0/8', 'fd00::1', 'loopback']],
])('TRUST_PROXY=%o means %o', (TRUST_PROXY, expected) => {
  expect(readConfiguration({ TRUST_PROXY }).trustProxy).toEqual(expected);
});

test.each([
  'true',
  '-1',
  '1.5',
  'proxy.example',
  '10.0.0.0/33',
  '10.0.0.1,',
  '*',
  '0.0.0.0/0',
  '::/0',
  '10.0.0.0/00',
])('TRUST_PROXY=%o is refused', (TRUST_PROXY) => {
  expect(problems({ TRUST_PROXY })).toEqual([expect.stringContaining('TRUST_PROXY must be the number')]);
});

test('production needs an external database and secrets from the environment', () => {
  expect(problems(production)).toEqual([]);
  expect(readConfiguration(production).production).toBe(true);
  for (const name of ['DATABASE_URL', 'VANGUARD_SECRET', 'VANGUARD_ENCRYPTION_KEYS'] as const) {
    expect(problems({ ...production, [name]: undefined })).toEqual([
      expect.stringContaining(`${name} must be set`),
    ]);
  }
  expect(problems({ NODE_ENV: 'production' })).toHaveLength(3);
});

test('PEMS is configured completely or not at all', () => {
  expect(readConfiguration(pems).pems).toEqual({
    url: 'https://pems.example/axis/restservices',
    tenant: 'T',
    username: 'u',
    password: 'p',
  });
  for (const name of Object.keys(pems)) {
    expect(problems({ ...pems, [name]: undefined })).toEqual([
      expect.stringMatching(`^${name} must be set too`),
    ]);
    expect(problems({ [name]: pems[name as keyof typeof pems] })).toHaveLength(1);
  }
});

test.each([
  ['one key', newEncryptionKey('a'), true],
  ['several', `${newEncryptionKey('2026-01')},${newEncryptionKey('old.1')}`, true],
  ['no id', newEncryptionKey(''), false],
  ['a short key', `a:${Buffer.alloc(16).toString('base64')}`, false],
  ['a long key', `a:${Buffer.alloc(33).toString('base64')}`, false],
  ['no base64', `a:${'*'.repeat(43)}=`, false],
  ['a comma at the end', `${newEncryptionKey('a')},`, false],
])('encryption keys: %s', (_what, VANGUARD_ENCRYPTION_KEYS, isTaken) => {
  expect(problems({ VANGUARD_ENCRYPTION_KEYS })).toHaveLength(isTaken ? 0 : 1);
});

test('a relative data folder is inside the project, whatever the working directory', () => {
  expect(readConfiguration({ VANGUARD_DATA_DIR: 'x/y' }).dataFolder).toBe(join(projectFolder, 'x/y'));
  expect(isAbsolute(readConfiguration({ VANGUARD_DATA_DIR: '/x/y' }).dataFolder)).toBe(true);
});

test('two services on one port are refused if both are enabled', () => {
  expect(problems({ ADMIN_PORT: '3001' })).toEqual([
    'ADMIN_PORT must be another port than PORT: both are 3001',
  ]);
  expect(problems({ PORT: '3011' })).toEqual([
    'SIMULATOR_CONTROL_PORT must be another port than PORT: both are 3011',
  ]);
  expect(problems({ WORKER_ADMIN_PORT: '9464' })).toHaveLength(1);
  expect(problems({ ADMIN_PORT: 'off', WORKER_ADMIN_PORT: 'off' })).toEqual([]);
  expect(problems({ ...production, PORT: '3011' })).toEqual([]);
});

test('the control port of the simulator follows its port', () => {
  expect(problems({ SIMULATOR_PORT: '65535' })).toEqual([
    'SIMULATOR_CONTROL_PORT must be set where SIMULATOR_PORT is 65535: the port after it is used otherwise',
  ]);
  expect(problems({ SIMULATOR_PORT: '65535', SIMULATOR_CONTROL_PORT: '5000' })).toEqual([]);
  expect(readConfiguration({ SIMULATOR_PORT: '4000' }).simulatorControlPort).toBe(4001);
  expect(
    readConfiguration({ SIMULATOR_PORT: '4000', SIMULATOR_CONTROL_PORT: '5000' }).simulatorControlPort,
  ).toBe(5000);
});

test('monitoring is on loopback by default, and disabled for workers', () => {
  expect(readConfiguration({}).admin).toEqual({
    server: { host: '127.0.0.1', port: 9464 },
    worker: undefined,
  });
  const admin = { ADMIN_HOST: '10.0.0.1', ADMIN_PORT: 'off', WORKER_ADMIN_PORT: '9465' };
  expect(readConfiguration(admin).admin).toEqual({
    server: undefined,
    worker: { host: '10.0.0.1', port: 9465 },
  });
  for (const port of ['on', '0', '65536']) {
    expect(problems({ ADMIN_PORT: port })).toEqual([expect.stringMatching(/^ADMIN_PORT must be a port/)]);
  }
});

test('origins are listed one by one', () => {
  expect(readConfiguration({}).corsOrigins).toEqual([]);
  expect(readConfiguration({ CORS_ORIGINS: 'https://a.example, http://localhost:5173' }).corsOrigins).toEqual(
    ['https://a.example', 'http://localhost:5173'],
  );
  for (const all of ['*', 'https://a.example,*']) {
    expect(problems({ CORS_ORIGINS: all })).toEqual([
      expect.stringMatching(/^CORS_ORIGINS must not be \*: /),
    ]);
  }
  for (const none of [
    'null',
    'a.example',
    'https://a.example/',
    'https://a.example/x',
    'ftp://a.example',
    ',',
  ]) {
    expect(problems({ CORS_ORIGINS: none })).toEqual([
      expect.stringMatching(/^CORS_ORIGINS must be a list of origins/),
    ]);
  }
});

test('hosts are listed without scheme and port', () => {
  expect(readConfiguration({}).allowedHosts).toEqual(['127.0.0.1', '127.0.0.1']);
  expect(readConfiguration({ ALLOWED_HOSTS: 'server,worker, PFA.example.com,' }).allowedHosts).toEqual(
    expect.arrayContaining(['server', 'worker', 'pfa.example.com']),
  );
  for (const none of ['*', 'https://a.example', 'a.example:80', 'a/b', '.example.com'])
    expect(problems({ ALLOWED_HOSTS: none })).toEqual([
      expect.stringMatching(/^ALLOWED_HOSTS must be a list of names/),
    ]);
});

test.each(['0', '-1', '1.5', '3651', 'for ever'])('a retention of %s days is refused', (days) => {
  expect(problems({ RETENTION_REJECTS_DAYS: days })).toEqual([
    expect.stringMatching(/^RETENTION_REJECTS_DAYS must be /),
  ]);
});

test('a connection string that cannot be decoded is refused', () => {
  expect(problems({ DATABASE_URL: 'postgres://x:100%@localhost/vanguard' })).toEqual([
    expect.stringContaining('DATABASE_URL must have each %'),
  ]);
});
