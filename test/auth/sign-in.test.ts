import bcrypt from 'bcryptjs';
import { argon2Sync, randomBytes } from 'node:crypto';
import { expect, test, vi } from 'vitest';
import { work } from '../../src/auth/passwords.ts';
import { makePerson, password, setPassword, testApi, type ErrorBody } from '../api/server.ts';
import { testDatabase } from '../support/database.ts';
import { makeOrganization, makeUser, one } from '../support/make.ts';

const db = await testDatabase();
const api = await testApi(db);
const org = await makeOrganization(db, 'HOLNG');
const anna = await makePerson(db, 'Anna', [[org, 'member']]);

const storedHash = async (userId: number) =>
  one(
    (
      await db.owner.query<{ password_hash: string }>(
        'select password_hash from app_private.user_passwords where user_id = $1',
        [userId],
      )
    ).rows,
  ).password_hash;

test('a sign-in returns a token, its lifetime, the user, and whether the password must be changed', async () => {
  const { status, body, headers } = await api.login('Anna');
  expect(status).toBe(200);
  expect(body).toEqual({
    token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/) as string,
    expiresIn: expect.any(Number) as number,
    user: { id: anna, username: 'Anna' },
    mustChangePassword: false,
  });
  expect(headers.get('content-type')).toMatch(/^application\/json/);
});

test('user names ignore case and surrounding blanks, passwords do not', async () => {
  expect((await api.login(' aNNA ')).body.user.username).toBe('Anna');
  expect((await api.login('Anna', password.toUpperCase())).status).toBe(401);
  expect((await api.login('Anna', `${password} `)).status).toBe(401);
});

test('the default password must be changed, and works outside production', async () => {
  const userId = await makePerson(db, 'beginner', [[org, 'member']]);
  await setPassword(db, userId, undefined, true);
  const { status, body } = await api.login('beginner');
  expect({ status, mustChangePassword: body.mustChangePassword }).toEqual({
    status: 200,
    mustChangePassword: true,
  });
  expect((await api.rest('GET', '/api/pfa/HOLNG?limit=1', { token: body.token })).status).toBe(200);
});

test('failed sign-ins look alike: every reason gets the same response after the same work', async () => {
  const off = await makePerson(db, 'switched-off');
  await db.owner.query('update app_public.users set is_active = false where id = $1', [off]);
  await makeUser(db, 'user', 'without-password');
  const legacy = (cost: number, letter = 'a') =>
    bcrypt.hashSync(password, cost).replace(/^.2./, `$2${letter}`);
  for (const [username, hash] of [
    ['legacy', legacy(4)],
    ['legacy-too', legacy(4, 'y')],
    ['legacy-harder', legacy(5)],
    ['weaker', argon2Hash({ memory: 1024, passes: 3 })],
  ] as const)
    await setPassword(db, await makePerson(db, username), hash);

  const argon2id = vi.spyOn(work, 'argon2id');
  const compared = vi.spyOn(work, 'bcrypt');
  /** The computed hashes in order, by cost. */
  const done = () =>
    [
      ...argon2id.mock.calls.map(([, , cost], i) => [argon2id.mock.invocationCallOrder[i], cost]),
      ...compared.mock.calls.map(([, hash], i) => [
        compared.mock.invocationCallOrder[i],
        hash.replace(/^(.2.)(.\d\d.).*/, '$2'),
      ]),
    ]
      .sort(([a], [b]) => Number(a) - Number(b))
      .map(([, what]) => what);

  const refusals = [];
  for (const [username, given] of [
    ['Anna', 'wrong'],
    ['nobody', password],
    ['switched-off', password],
    ['without-password', password],
    ['legacy', 'wrong'],
    ['legacy-too', 'wrong'],
    ['legacy-harder', 'wrong'],
    ['weaker', 'wrong'],
    ["' or true --", password],
  ] as const) {
    argon2id.mockClear();
    compared.mockClear();
    const { status, body, headers } = await api.login(username, given);
    for (const [attempt] of [...argon2id.mock.calls, ...compared.mock.calls]) expect(attempt).toBe(given);
    expect(headers.getSetCookie()).toEqual([]);
    refusals.push({ status, body, done: done() });
  }
  const current = { memory: 19_456, passes: 2, parallelism: 1, tagLength: 32 };
  for (const refusal of refusals)
    expect(refusal).toEqual({
      status: 401,
      body: {
        error: {
          code: 'WRONG_CREDENTIALS',
          message:
            'The user name or the password is wrong. Check both; an administrator can set another password.',
        },
      },
      done: ['$04$', '$05$', { ...current, memory: 1024, passes: 3 }, current],
    });

  // Every signed-in account has a hash of the current kind; the last request also does the work of the old kinds.
  await db.owner.query(
    "delete from app_private.user_passwords where password_hash !~ '^[$]argon2id[$]v=19[$]m=19456,t=2,p=1'",
  );
  argon2id.mockClear();
  compared.mockClear();
  expect((await api.login('nobody')).status).toBe(401);
  expect(done()).toEqual([current]);
});

test.each([
  ['no body', undefined],
  ['no password', { username: 'Anna' }],
  ['an empty password', { username: 'Anna', password: '' }],
  ['a list for a name', { username: ['Anna'], password }],
  ['an object for a password', { username: 'Anna', password: { $ne: null } }],
  ['a password of a megabyte', { username: 'Anna', password: 'x'.repeat(1001) }],
])('a sign-in with %s is refused without any hashing', async (_what, body) => {
  const argon2id = vi.spyOn(work, 'argon2id').mockClear();
  const compared = vi.spyOn(work, 'bcrypt').mockClear();
  const refused = await api.rest<ErrorBody>('POST', '/api/auth/login', { body });
  expect(refused).toMatchObject({ status: 400, body: { error: { code: 'INVALID_INPUT' } } });
  expect(argon2id).not.toHaveBeenCalled();
  expect(compared).not.toHaveBeenCalled();
  expect(refused.text).not.toContain(password);
});

function argon2Hash(strength: { memory: number; passes: number }): string {
  const nonce = randomBytes(16);
  const hash = argon2Sync('argon2id', {
    message: password,
    nonce,
    ...strength,
    parallelism: 1,
    tagLength: 32,
  });
  const text = (bytes: Buffer) => bytes.toString('base64').replace(/=+$/, '');
  return `$argon2id$v=19$m=${strength.memory},t=${strength.passes},p=1$${text(nonce)}$${text(hash)}`;
}

test.each([
  ['a bcrypt hash of the legacy database', () => bcrypt.hashSync(password, 4)],
  ['an argon2id hash with less memory', () => argon2Hash({ memory: 1024, passes: 2 })],
  ['an argon2id hash with fewer passes', () => argon2Hash({ memory: 19_456, passes: 1 })],
])('%s is accepted, replaced on use, and the password still works', async (what, hash) => {
  const userId = await makePerson(db, what, [[org, 'member']]);
  const old = hash();
  await setPassword(db, userId, old, true);

  expect((await api.login(what, 'wrong')).status).toBe(401);
  expect(await storedHash(userId)).toBe(old);

  expect((await api.login(what)).status).toBe(200);
  const upgraded = await storedHash(userId);
  expect(upgraded).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);

  expect((await api.login(what)).body).toMatchObject({ mustChangePassword: true });
  expect((await api.login(what, 'wrong')).status).toBe(401);
  expect(await storedHash(userId)).toBe(upgraded);
});

test('an upgrade does not overwrite a hash that was changed meanwhile', async () => {
  const before = await storedHash(anna);
  await db.authenticator.query('select app_private.upgrade_password_hash($1, $2, $3)', [
    anna,
    bcrypt.hashSync('old', 4),
    bcrypt.hashSync('old', 4),
  ]);
  expect(await storedHash(anna)).toBe(before);
});
