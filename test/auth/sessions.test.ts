import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { hashPassword } from '../../src/auth/passwords.ts';
import {
  cookieOf,
  makePerson,
  password,
  setPassword,
  testApi,
  type ErrorBody,
  type LoginBody,
} from '../api/server.ts';
import { testDatabase } from '../support/database.ts';
import { makeOrganization, one } from '../support/make.ts';

const db = await testDatabase();
const api = await testApi(db);
const productionApi = await testApi(db, { production: true });
const org = await makeOrganization(db, 'HOLNG');
await makePerson(db, 'anna', [[org, 'member']]);

let made = 0;
const newPerson = async () => {
  const username = `person ${++made}`;
  return { username, userId: await makePerson(db, username, [[org, 'member']]) };
};

const signIn = async (username = 'anna', given = password) =>
  cookieOf(await api.login(username, given)).header;
const refresh = (cookie: string) =>
  api.rest<LoginBody & ErrorBody>('POST', '/api/auth/refresh', { headers: { cookie } });
const logout = (cookie: string, body?: unknown) =>
  api.rest<ErrorBody>('POST', '/api/auth/logout', { headers: { cookie }, body });
const used = async (token: string) => (await api.rest('GET', '/api/sync/status', { token })).status;

/** Moves the use of all refresh tokens that far into the past. */
const age = (seconds: number) =>
  db.owner.query('update app_private.refresh_tokens set used_at = used_at - make_interval(secs => $1)', [
    seconds,
  ]);

const ended = {
  status: 401,
  body: { error: { code: 'UNAUTHENTICATED', message: 'Your session has ended. Sign in again.' } },
};

test('scripts, other sites and other paths cannot read the refresh cookie', async () => {
  const { name, value, attributes } = cookieOf(await api.login('anna'));
  expect(name).toBe('vanguard_refresh');
  expect(value).toMatch(/^[\w-]{43}$/);
  expect(attributes.filter((attribute) => !attribute.startsWith('Expires=')).sort()).toEqual([
    'HttpOnly',
    `Max-Age=${14 * 24 * 60 * 60}`,
    'Path=/api/auth',
    'SameSite=Strict',
  ]);
});

test('in production it requires TLS', async () => {
  const login = await productionApi.login('anna');
  const { header, attributes } = cookieOf(login);
  expect(attributes).toEqual(
    expect.arrayContaining(['Secure', 'HttpOnly', 'SameSite=Strict', 'Path=/api/auth']),
  );
  const refreshed = await productionApi.rest('POST', '/api/auth/refresh', { headers: { cookie: header } });
  expect(cookieOf(refreshed).attributes).toEqual(
    expect.arrayContaining(['Secure', 'HttpOnly', 'SameSite=Strict']),
  );
});

test('no body contains the refresh token, and the database stores only its hash', async () => {
  const login = await api.login('anna');
  const { value } = cookieOf(login);
  expect(login.text).not.toContain(value);
  const { rows } = await db.owner.query<{ row: string; token_hash: Buffer }>(
    'select to_jsonb(t)::text as row, token_hash from app_private.refresh_tokens t order by id desc limit 1',
  );
  expect(rows[0]?.row).not.toContain(value);
  expect(rows[0]?.row).not.toContain(Buffer.from(value, 'base64url').toString('hex'));
  expect(rows[0]?.token_hash).toEqual(createHash('sha256').update(value).digest());
});

test('a refresh returns another token and another cookie', async () => {
  const cookie = await signIn();
  const refreshed = await refresh(cookie);
  expect(refreshed).toMatchObject({
    status: 200,
    body: { user: { username: 'anna' }, mustChangePassword: false },
  });
  expect(cookieOf(refreshed).header).not.toBe(cookie);
  expect(await used(refreshed.body.token)).toBe(200);
  expect((await refresh(cookieOf(refreshed).header)).status).toBe(200);
});

test('reuse of a refresh token ends the session of all its successors, and no other session', async () => {
  const [stolen, elsewhere] = [await signIn(), await signIn()];
  const refreshed = await refresh(stolen);
  const newer = cookieOf(refreshed).header;
  await age(11);

  const reused = await refresh(stolen);
  expect(reused).toMatchObject(ended);
  expect(cookieOf(reused)).toMatchObject({
    value: '',
    attributes: expect.arrayContaining(['Path=/api/auth']) as string[],
  });
  expect(await refresh(newer)).toMatchObject(ended);
  expect(await used(refreshed.body.token)).toBe(401);
  expect((await refresh(elsewhere)).status).toBe(200);
});

test('tabs that refresh with one cookie at once all stay signed in, and continue with the last cookie', async () => {
  const cookie = await signIn();
  const answers = await Promise.all([refresh(cookie), refresh(cookie), refresh(cookie)]);
  for (const { status, body } of answers)
    expect({ status, used: await used(body.token) }).toEqual({ status: 200, used: 200 });
  const cookies = answers.map((answer) => cookieOf(answer).header);
  expect(new Set(cookies).size).toBe(3);
  const next = await refresh(cookies[2]!);
  expect(next.status).toBe(200);
  // From here on only successors of that one count.
  await age(11);
  expect(await refresh(cookies[0]!)).toMatchObject(ended);
  expect(await refresh(cookieOf(next).header)).toMatchObject(ended);
});

test('signing out invalidates the cookie and its successors, and keeps other sessions', async () => {
  const [cookie, elsewhere] = [await signIn(), await api.login('anna')];
  const refreshed = await refresh(cookie);
  const newer = cookieOf(refreshed).header;
  const out = await logout(cookie);
  expect(out).toMatchObject({ status: 204, text: '' });
  expect(cookieOf(out).value).toBe('');
  expect(await refresh(newer)).toMatchObject(ended);
  expect(await used(refreshed.body.token)).toBe(401);
  expect(await used(elsewhere.body.token)).toBe(200);
});

test('signing out everywhere ends all sessions and tokens of that user, and of no other user', async () => {
  const { username } = await newPerson();
  const [here, there, other] = [
    await api.login(username),
    await api.login(username),
    await api.login('anna'),
  ];
  const out = await logout(cookieOf(here).header, { everywhere: true });
  expect(out).toMatchObject({ status: 204, text: '' });
  expect(cookieOf(out).value).toBe('');
  for (const session of [here, there]) {
    expect(await used(session.body.token)).toBe(401);
    expect(await refresh(cookieOf(session).header)).toMatchObject(ended);
  }
  expect(await used(other.body.token)).toBe(200);
  expect((await refresh(cookieOf(other).header)).status).toBe(200);
  expect((await api.login(username)).status).toBe(200);
});

test('signing out everywhere needs a live session, and reports only what it did', async () => {
  const { username } = await newPerson();
  const [over, going] = [await signIn(username), await api.login(username)];
  await logout(over);
  for (const cookie of [over, '', 'vanguard_refresh=junk'])
    expect(await logout(cookie, { everywhere: true })).toMatchObject(ended);
  expect(await used(going.body.token)).toBe(200);
  expect(await logout(cookieOf(going).header, { everywhere: 'yes' })).toMatchObject({
    status: 400,
    body: {
      error: { code: 'INVALID_INPUT', details: [{ path: 'everywhere', message: 'must be true or false' }] },
    },
  });
  expect(await used(going.body.token)).toBe(200);
});

// Content types that a browser sends across sites without a preflight request: those of forms. Such a request carries
// no cookie (SameSite=Strict), and its origin is refused (test/api/web.test.ts). A form cannot sign a user in, or out
// of all sessions, either.
test.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'])(
  'a body of the type %s is not read',
  async (type) => {
    const { username } = await newPerson();
    const [here, there] = [await api.login(username), await api.login(username)];
    const headers = { 'content-type': type };
    const login = await api.rest('POST', '/api/auth/login', {
      text: JSON.stringify({ username, password }),
      headers,
    });
    expect(login).toMatchObject({ status: 400, body: { error: { code: 'INVALID_INPUT' } } });
    const out = await api.rest('POST', '/api/auth/logout', {
      text: '{"everywhere":true}',
      headers: { ...headers, cookie: cookieOf(here).header },
    });
    expect(out).toMatchObject({ status: 400, body: { error: { code: 'INVALID_INPUT' } } });
    for (const { body } of [here, there]) expect(await used(body.token)).toBe(200);
    for (const { headers } of [login, out])
      expect([...headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
  },
);

test('signing out twice, or without a session, is no error', async () => {
  const cookie = await signIn();
  for (const sent of [cookie, cookie, '', 'vanguard_refresh=junk'])
    expect((await logout(sent)).status).toBe(204);
});

test('a refresh token expires', async () => {
  const { username, userId } = await newPerson();
  const cookie = await signIn(username);
  await db.owner.query(
    `update app_private.refresh_tokens t set expires_at = now() - interval '1 second'
    from app_private.sessions s where s.id = t.session_id and s.user_id = $1`,
    [userId],
  );
  expect(await refresh(cookie)).toMatchObject(ended);
});

test.each(['', 'vanguard_refresh=', 'vanguard_refresh=junk', 'other=1'])(
  'the cookie %o is refused',
  async (cookie) => {
    expect(await refresh(cookie)).toMatchObject(ended);
  },
);

test('an access token is not accepted as refresh token, nor vice versa', async () => {
  const login = await api.login('anna');
  expect(await refresh(`vanguard_refresh=${login.body.token}`)).toMatchObject(ended);
  const { status } = await api.rest('GET', '/api/sync/status', { token: cookieOf(login).value });
  expect(status).toBe(401);
  const bearer = await api.rest('POST', '/api/auth/refresh', { token: login.body.token });
  expect(bearer.status).toBe(401);
});

test('a disabled user gets no further token', async () => {
  const { username, userId } = await newPerson();
  const cookie = await signIn(username);
  await db.owner.query('update app_public.users set is_active = false where id = $1', [userId]);
  const refused = await refresh(cookie);
  expect(refused).toMatchObject({ status: 401, body: { error: { code: 'UNAUTHENTICATED' } } });
  expect(refused.headers.getSetCookie().filter((header) => !header.startsWith('vanguard_refresh=;'))).toEqual(
    [],
  );
});

const change = (token: string | null, currentPassword: unknown, newPassword: unknown) =>
  api.rest<LoginBody & ErrorBody>('POST', '/api/auth/change-password', {
    token,
    body: { currentPassword, newPassword },
  });

test('a change of password is refused if the current one is wrong, or the new one is short, guessable or the same', async () => {
  // In no dictionary; guessable only because of its owner.
  const username = 'kjxqwzvb';
  await makePerson(db, username);
  const token = await api.token(username);
  expect(await change(token, 'wrong', 'quite another password')).toMatchObject({
    ...{
      status: 401,
      body: {
        error: { code: 'WRONG_CREDENTIALS', message: expect.stringContaining('current password') as string },
      },
    },
  });
  expect(await change(token, password, 'eleven char')).toMatchObject({
    status: 400,
    body: {
      error: {
        code: 'INVALID_INPUT',
        details: [{ path: 'newPassword', message: 'must have at least 12 characters' }],
      },
    },
  });
  for (const [guessable, why] of [
    ['passwordpassword', /too easy to guess\. Repeated character patterns/],
    ['qwertyuiop12', /too easy to guess\. This is similar to a commonly used password/],
    [`${username}2026`, /too easy to guess/],
  ] as const) {
    const { status, body } = await change(token, password, guessable);
    expect(status).toBe(400);
    expect(body.error).toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringMatching(why) as string,
      details: [{ path: 'newPassword', message: expect.stringMatching(why) as string }],
    });
  }
  expect(await change(token, password, password)).toMatchObject({
    status: 400,
    body: { error: { code: 'INVALID_INPUT' } },
  });
  expect(await change(token, password, 'x'.repeat(1001))).toMatchObject({
    status: 400,
    body: { error: { code: 'INVALID_INPUT' } },
  });
  expect(await change(token, password, null)).toMatchObject({
    status: 400,
    body: { error: { code: 'INVALID_INPUT' } },
  });
  expect((await api.login(username)).status).toBe(200);
});

test('a changed password ends all other sessions and keeps this one', async () => {
  const { username, userId } = await newPerson();
  const elsewhere = await signIn(username);
  const here = await api.login(username);
  const changed = await change(here.body.token, password, 'quite another password');
  expect(changed).toMatchObject({
    status: 200,
    body: { user: { id: userId, username }, mustChangePassword: false },
  });

  expect(await refresh(elsewhere)).toMatchObject(ended);
  expect(await refresh(cookieOf(here).header)).toMatchObject(ended);
  expect(await used(here.body.token)).toBe(401);
  expect(await used(changed.body.token)).toBe(200);
  expect((await refresh(cookieOf(changed).header)).status).toBe(200);
  expect((await api.login(username)).status).toBe(401);
  expect((await api.login(username, 'quite another password')).status).toBe(200);
  const { rows } = await db.owner.query<{ row: string }>(
    'select to_jsonb(p)::text as row from app_private.user_passwords p where user_id = $1',
    [userId],
  );
  expect(one(rows).row).toMatch(/\$argon2id\$/);
  expect(one(rows).row).not.toContain('quite another');
});

test('in production a password that must change allows only sign-in, sign-out and the change', async () => {
  const { username, userId } = await newPerson();
  await db.owner.query('update app_private.user_passwords set must_change = true where user_id = $1', [
    userId,
  ]);
  const login = await productionApi.login(username);
  expect(login).toMatchObject({ status: 200, body: { mustChangePassword: true } });
  const { token } = login.body;

  const refused = {
    status: 403,
    body: {
      error: {
        code: 'PASSWORD_CHANGE_REQUIRED',
        message:
          'You must change your password first. Send {currentPassword, newPassword} to POST /api/auth/change-password.',
      },
    },
  };
  for (const [method, path, body] of [
    ['GET', '/api/pfa/HOLNG'],
    ['GET', '/api/pfa/HOLNG/kpis'],
    ['POST', '/api/pfa/HOLNG/draft', {}],
    ['POST', '/api/sync/trigger', {}],
    ['GET', '/api/sync/status'],
    ['POST', '/graphql', { query: '{ __typename }' }],
    ['GET', '/api/auth'],
    ['GET', '/api/authority'],
    ['GET', '/API/AUTH/../pfa/HOLNG'],
  ] as const) {
    expect(await productionApi.rest(method, path, { token, body })).toMatchObject(refused);
  }

  const cookie = cookieOf(login).header;
  const refreshed = await productionApi.rest<LoginBody>('POST', '/api/auth/refresh', {
    token,
    headers: { cookie },
  });
  expect(refreshed).toMatchObject({ status: 200, body: { mustChangePassword: true } });
  expect(await productionApi.rest('GET', '/api/sync/status', { token: refreshed.body.token })).toMatchObject(
    refused,
  );

  const changed = await productionApi.rest<LoginBody>('POST', '/api/auth/change-password', {
    token,
    body: { currentPassword: password, newPassword: 'quite another password' },
  });
  expect(changed).toMatchObject({ status: 200, body: { mustChangePassword: false } });
  expect((await productionApi.rest('GET', '/api/sync/status', { token: changed.body.token })).status).toBe(
    200,
  );
});

test('the demo password is refused in production', async () => {
  const { username, userId } = await newPerson();
  await setPassword(db, userId, await hashPassword('admin123'), true);
  expect((await api.login(username, 'admin123')).status).toBe(200);
  const refused = await productionApi.login(username, 'admin123');
  expect(refused).toMatchObject({ status: 401, body: { error: { code: 'WRONG_CREDENTIALS' } } });
  expect(refused.headers.getSetCookie()).toEqual([]);
});
