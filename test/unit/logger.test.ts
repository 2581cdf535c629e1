import pg from 'pg';
import { expect, test, vi } from 'vitest';
import { VanguardError } from '../../src/errors.ts';

// The known secrets are a state of the module; other files of this process have their own.
vi.resetModules();
const { createLogger, hideInLogs, hidePasswordsOf, withoutSecrets } = await import('../../src/logger.ts');

/** Returns the lines of a logger; each must be JSON. */
function capture() {
  const lines: string[] = [];
  const logger = createLogger('test', 'trace', { write: (line: string) => void lines.push(line) });
  return {
    logger,
    text: () => lines.join(''),
    last: () => JSON.parse(lines.at(-1) ?? '') as Record<string, unknown>,
  };
}

const secret = 'sw0rdf1sh-"quoted"-§';
const jwt = 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl';

const places: [string, unknown][] = [
  ['a field', { password: secret }],
  ['a field of a field', { body: { password: secret } }],
  ['deeper', { request: { headers: { authorization: secret } } }],
  ['a cookie', { headers: { cookie: `vanguard_refresh=${secret}` } }],
  ['a cookie that is set', { headers: { 'set-cookie': secret } }],
  ['a token', { user: { token: secret } }],
];

test.each(places)('%s with the name of a secret is redacted', (_where, what) => {
  const { logger, text } = capture();
  logger.info(what, 'x');
  expect(text()).not.toContain('sw0rdf1sh');
  expect(text()).toContain('(left out)');
});

const sentences = [
  `connect to postgres://vanguard:sw0rdf1sh@db.example:5432/x failed`,
  `postgres://u:sw0rd%2Ff1sh@ww/x and postgresql://u:p@sw0rdf1sh@db/x`,
  `Authorization: Bearer sw0rdf1sh-sw0rdf1sh`,
  `sent authorization Basic c3cwcmRmMXNoc3cwcmRmMXNo to PEMS`,
  `a token ${jwt} was refused`,
  `password=sw0rdf1sh&username=anna`,
  `{"username":"anna","password":"sw0rdf1sh"}`,
  `{\\"newPassword\\":\\"sw0rdf1sh\\"}`,
  `set-cookie: vanguard_refresh=sw0rdf1sh; Path=/`,
  `-----BEGIN PRIVATE KEY-----\nsw0rdf1shsw0rdf1sh\n-----END PRIVATE KEY-----`,
];

test.each(sentences)('at any depth: %s', (sentence) => {
  const { logger, text, last } = capture();
  logger.warn(sentence);
  logger.warn({ said: sentence }, 'x');
  logger.error({ err: new Error(sentence) }, 'x');
  logger.error({ err: new VanguardError('X', 'x', { cause: new Error(sentence) }) }, 'x');
  logger.error({ err: new AggregateError([new Error('a', { cause: sentence })], 'x') }, 'x');
  for (const found of ['sw0rd', 'c3cwcmR', jwt]) expect(text()).not.toContain(found);
  expect(last()).toMatchObject({ msg: 'x' });
});

test('a known secret is redacted everywhere, also where no name marks it', () => {
  hideInLogs(secret, undefined, 'short');
  hidePasswordsOf('postgres://u:gr%C3%BCn-und-blau@h/d', undefined, 'no address');
  const { logger, text } = capture();
  logger.info({ pems: `it answered: ${secret}, gr%C3%BCn-und-blau, grün-und-blau` }, `with ${secret}`);
  expect(text()).not.toMatch(/sw0rdf1sh|und-blau/);
  // Too short to differ from a word.
  expect(withoutSecrets('in short')).toBe('in short');
});

test("row values in PostgreSQL's errors are redacted, names of the place are not", () => {
  const { logger, text, last } = capture();
  const database = new pg.DatabaseError(
    'invalid input syntax for type integer: "record content"',
    1,
    'error',
  );
  Object.assign(database, {
    ...{ code: '22P02', severity: 'ERROR', table: 'pfa_mirror', routine: 'pg_strtoint32' },
    ...{ detail: 'Failing row contains (record content).', where: 'COPY x, line 1: "record content"' },
    ...{ internalQuery: "select 'record content'" },
  });
  logger.error({ err: database }, 'failed');
  expect(text()).not.toContain('record content');
  expect(last()).toMatchObject({ err: { code: '22P02', table: 'pfa_mirror', severity: 'ERROR' } });
});

test('values that are not secret stay', () => {
  for (const line of [
    'at load (file:///srv/app/node_modules/@pgtyped/runtime/lib/index.js:1:2)',
    'password authentication failed for user "vanguard_worker"',
    'a bearer token is needed',
    'the basic auth of PEMS',
    'see https://pems.example/axis/restservices for more',
  ]) {
    expect(withoutSecrets(JSON.stringify(line))).toBe(JSON.stringify(line));
  }
});
