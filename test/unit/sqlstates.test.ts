import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { expect, test } from 'vitest';
import { projectFolder } from '../../src/configuration.ts';
import { VanguardError } from '../../src/errors.ts';
import { refusal, sqlstates } from '../../src/sqlstates.ts';

const migrations = readdirSync(join(projectFolder, 'migrations'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.sql'))
  .map((name) => readFileSync(join(projectFolder, 'migrations', name), 'utf8'))
  .join('\n');

function databaseError(code: string, message: string, more: Partial<pg.DatabaseError> = {}) {
  return Object.assign(new pg.DatabaseError(message, message.length, 'error'), { code, ...more });
}

const networkError = (message: string, code: string) => Object.assign(new Error(message), { code });

test('the catalog contains each code that SQL raises', () => {
  const raised = [...migrations.matchAll(/errcode\s*=\s*'(\w+)'/g)].map(([, code = '']) => code);
  expect(raised.length).toBeGreaterThanOrEqual(10);
  for (const code of new Set(raised)) expect(Object.keys(sqlstates)).toContain(code);
  // All errors are raised with a code: others would become internal errors.
  const raises = migrations.match(/raise exception\b[^;]*/g) ?? [];
  for (const raise of raises) expect(raise).toMatch(/errcode\s*=/);
});

test('SQL raises each code of the product in the catalog, except reserved ones', () => {
  const unused = Object.keys(sqlstates).filter(
    (code) => code.startsWith('VG') && !migrations.includes(`'${code}'`),
  );
  expect(unused).toEqual(['VG401']);
});

test('each raised detail is JSON', () => {
  const details = [...migrations.matchAll(/raise exception[^;]*\bdetail\s*=\s*([^,;]+)/g)].map(
    ([, detail = '']) => detail,
  );
  expect(details.length).toBeGreaterThan(4);
  for (const detail of details) expect(detail.trim()).toMatch(/::text$/);
});

test.each(Object.entries(sqlstates))(
  '%s has a code and a status, and its message is a sentence',
  (state, entry) => {
    expect(state).toMatch(/^[0-9A-Z]{2}([0-9A-Z]{3})?$/);
    expect(entry.code).toMatch(/^[A-Z]+(_[A-Z]+)*$/);
    expect([400, 401, 403, 404, 409, 422, 429, 503]).toContain(entry.status);
    if (entry.message !== undefined) expect(entry.message).toMatch(/^[A-Z].*\.$/);
  },
);

test('a code has one status, whatever its source', () => {
  const statusOf = new Map<string, number>();
  for (const { code, status } of Object.values(sqlstates)) {
    expect(statusOf.get(code) ?? status).toBe(status);
    statusOf.set(code, status);
  }
  for (const code of ['INVALID_INPUT', 'UNAUTHENTICATED', 'FORBIDDEN', 'NOT_FOUND']) {
    expect(refusal(new VanguardError(code, 'x'))).toMatchObject({ code, status: statusOf.get(code) });
  }
});

test('an error of the product includes its hint and details', () => {
  const error = databaseError('VG409', 'Record r changed.', {
    hint: 'Look again.',
    detail: '[{"recordId": "r"}]',
  });
  expect(refusal(error)).toEqual({
    ...{ status: 409, code: 'REVISION_CONFLICT' },
    ...{ message: 'Record r changed. Look again.', details: [{ recordId: 'r' }] },
  });
});

test("PostgreSQL's own hints and details are dropped: they name tables and rows", () => {
  const told = refusal(
    databaseError('23505', 'duplicate key value violates unique constraint "users_username_key"', {
      detail: 'Key (lower(username))=(olga) already exists.',
      hint: 'a hint',
    }),
  );
  expect(told).toEqual({ status: 409, code: 'CONFLICT', message: 'A similar object exists already.' });
});

test.each(['42P01', '42703', '42883', 'XX000', '25P02', 'P0001', '0A000'])(
  'state %s reveals nothing',
  (code) => {
    const told = refusal(databaseError(code, 'relation "app_core.pfa_mirror" does not exist'));
    expect(told).toMatchObject({ status: 500, code: 'INTERNAL' });
    expect(JSON.stringify(told)).not.toMatch(/relation|app_core|pfa/);
  },
);

test.each([
  ['a TypeError', new TypeError("Cannot read properties of undefined (reading 'password')")],
  [
    'an error of ours that is about the server',
    new VanguardError('SECRET_UNREADABLE', 'The secret "signing_keys/1" ...'),
  ],
  ['a missing file', networkError("ENOENT: no such file or directory, open '/secret'", 'ENOENT')],
  ['no error at all', 'swordfish'],
  ['nothing', undefined],
])('%s reveals nothing', (_what, error) => {
  const told = refusal(error);
  expect(told).toMatchObject({ status: 500, code: 'INTERNAL' });
  expect(JSON.stringify(told)).not.toMatch(/password|secret|swordfish/);
});

test.each([
  ['a server that stops', databaseError('57P01', 'terminating connection due to administrator command')],
  ['a server that starts', databaseError('57P03', 'the database system is starting up')],
  ['too many connections', databaseError('53300', 'sorry, too many clients already')],
  ['a server that was stopped at once', databaseError('57P02', 'terminating connection because of crash')],
  ['a protocol that broke', databaseError('08P01', 'invalid message')],
  ['a login that is gone', databaseError('28P01', 'password authentication failed for user "x"')],
  ['a database that is gone', databaseError('3D000', 'database "x" does not exist')],
  [
    'a connection that broke before the query',
    new Error('Client has encountered a connection error and is not queryable'),
  ],
  ['a connection that was closed', new Error('Client was closed and is not queryable')],
  ['a connection that took too long', new Error('timeout expired')],
  ['a socket that is closed', networkError('Socket is closed', 'ERR_SOCKET_CLOSED')],
  ['a code without its words', networkError('something', 'ENETUNREACH')],
  [
    'several addresses that fail in several ways',
    new AggregateError([networkError('x', 'ECONNREFUSED'), networkError('x', 'ETIMEDOUT')]),
  ],
  ['a cause', new Error('x', { cause: networkError('x', 'ECONNRESET') })],
  ['nobody there', networkError('connect ECONNREFUSED 10.0.0.1:5432', 'ECONNREFUSED')],
  ['a host without an address', networkError('getaddrinfo ENOTFOUND database', 'ENOTFOUND')],
  ['a name server that does not answer', networkError('getaddrinfo EAI_AGAIN database', 'EAI_AGAIN')],
  ['a host that is gone', networkError('connect EHOSTUNREACH 10.0.0.1:5432', 'EHOSTUNREACH')],
  ['a network that is gone', networkError('connect ENETUNREACH 10.0.0.1:5432', 'ENETUNREACH')],
  ['a socket file that is gone', networkError('connect ENOENT /var/run/.s.PGSQL.5432', 'ENOENT')],
  ['several addresses that refuse', Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' })],
  ['a connection that broke', new Error('Connection terminated unexpectedly')],
  ['a pool that is exhausted', new Error('timeout exceeded when trying to connect')],
])('%s can be retried', (_what, error) => {
  const told = refusal(error);
  expect(told).toMatchObject({ status: 503, code: 'DATABASE_UNAVAILABLE' });
  expect(told.message).not.toMatch(/10\.0|clients|ECONN|database:|socket/);
});

// Every code of Node or libuv for connections, and those of certificates.
test.each(
  (
    'ECONNREFUSED ECONNRESET ECONNABORTED EPIPE ETIMEDOUT ENOTFOUND EAI_AGAIN EAI_FAIL EAI_NODATA EAI_NONAME EAI_MEMORY ' +
    'EHOSTUNREACH EHOSTDOWN ENETUNREACH ENETDOWN ENETRESET ENONET ENOBUFS EADDRNOTAVAIL ENOTCONN ERR_SOCKET_CLOSED ' +
    'ERR_SOCKET_CONNECTION_TIMEOUT ERR_STREAM_DESTROYED EPROTO ERR_TLS_CERT_ALTNAME_INVALID ERR_SSL_WRONG_VERSION_NUMBER ' +
    'CERT_HAS_EXPIRED CERT_NOT_YET_VALID DEPTH_ZERO_SELF_SIGNED_CERT SELF_SIGNED_CERT_IN_CHAIN UNABLE_TO_VERIFY_LEAF_SIGNATURE'
  ).split(' '),
)('%s is a broken connection', (code) => {
  expect(refusal(networkError('something', code))).toMatchObject({
    status: 503,
    code: 'DATABASE_UNAVAILABLE',
  });
});

test.each(['connect', 'getaddrinfo'])('any failure in %s is a broken connection', (syscall) => {
  for (const code of ['EACCES', 'ENOENT', 'EMFILE', 'ESOMETHING'])
    expect(refusal(Object.assign(networkError('x', code), { syscall }))).toMatchObject({ status: 503 });
  expect(refusal(Object.assign(networkError('x', 'EACCES'), { syscall: 'open' }))).toMatchObject({
    status: 500,
  });
});

test('an error that only mentions a broken connection is not one', () => {
  for (const message of ['cannot parse "ECONNRESET"', 'the text Connection terminated is too long'])
    expect(refusal(new Error(message))).toMatchObject({ status: 500, code: 'INTERNAL' });
});
