import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { cookieOf, makePerson, password, testApi, type ErrorBody, type LoginBody } from '../api/server.ts';
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
const logout = (cookie: string) => api.rest('POST', '/api/auth/logout', { headers: { cookie } });

const ended = {
  status: 401,
  body: { error: { code: 'UNAUTHENTICATED', message: 'Your session has ended. Sign in again.' } },
};

test('the refresh cookie is out of reach for scripts, other sites and other paths', async () => {
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

test('in production it goes over TLS only', async () => {
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

test('the refresh token is in no body, and the database holds only its hash', async () => {
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

test('a refresh gives another token, and another cookie', async () => {
  const cookie = await signIn();
  const refreshed = await refresh(cookie);
  expect(refreshed).toMatchObject({
    status: 200,
    body: { user: { username: 'anna' }, mustChangePassword: false },
  });
  expect(cookieOf(refreshed).header).not.toBe(cookie);
  const used = await api.rest('GET', '/api/sync/status', { token: refreshed.body.token });
  expect(used.status).toBe(200);
  expect((await refresh(cookieOf(refreshed).header)).status).toBe(200);
});

test('a refresh token used again ends the whole sign-in, whoever holds the newer one, and no other sign-in', async () => {
  const [stolen, elsewhere] = [await signIn(), await signIn()];
  const newer = cookieOf(await refresh(stolen)).header;

  const reused = await refresh(stolen);
  expect(reused).toMatchObject(ended);
  expect(cookieOf(reused)).toMatchObject({
    value: '',
    attributes: expect.arrayContaining(['Path=/api/auth']) as string[],
  });
  expect(await refresh(newer)).toMatchObject(ended);
  expect((await refresh(elsewhere)).status).toBe(200);
});

test('of two refreshes with one cookie at the same moment, one at most is served', async () => {
  const cookie = await signIn();
  const answers = await Promise.all([refresh(cookie), refresh(cookie), refresh(cookie)]);
  expect(answers.filter(({ status }) => status === 200).length).toBe(1);
});

test('after signing out the cookie is worth nothing, nor is a newer one of the same sign-in', async () => {
  const cookie = await signIn();
  const newer = cookieOf(await refresh(cookie)).header;
  const out = await logout(cookie);
  expect(out).toMatchObject({ status: 204, text: '' });
  expect(cookieOf(out).value).toBe('');
  expect(await refresh(newer)).toMatchObject(ended);
});

test('signing out twice, or without having signed in, is no error', async () => {
  const cookie = await signIn();
  for (const sent of [cookie, cookie, '', 'vanguard_refresh=junk'])
    expect((await logout(sent)).status).toBe(204);
});

test('a refresh token ends with its time', async () => {
  const { username, userId } = await newPerson();
  const cookie = await signIn(username);
  await db.owner.query(
    "update app_private.refresh_tokens set expires_at = now() - interval '1 second' where user_id = $1",
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

test('an access token is no refresh token, nor the other way round', async () => {
  const login = await api.login('anna');
  expect(await refresh(`vanguard_refresh=${login.body.token}`)).toMatchObject(ended);
  const { status } = await api.rest('GET', '/api/sync/status', { token: cookieOf(login).value });
  expect(status).toBe(401);
  const bearer = await api.rest('POST', '/api/auth/refresh', { token: login.body.token });
  expect(bearer.status).toBe(401);
});

test('a user who is switched off gets no further token', async () => {
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

test('a change of password is refused with the wrong current one, a short one, the same one', async () => {
  const { username } = await newPerson();
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

test('a changed password signs out everywhere else and goes on here', async () => {
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

test('in production nothing but signing in and out works until a password that must change was changed', async () => {
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
          'The password has to be changed first. Send {currentPassword, newPassword} to POST /api/auth/change-password.',
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
  for (const allowed of [changed.body.token, token]) {
    expect((await productionApi.rest('GET', '/api/sync/status', { token: allowed })).status).toBe(200);
  }
});
