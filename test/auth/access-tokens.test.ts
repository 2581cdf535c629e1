import {
  createRemoteJWKSet,
  decodeJwt,
  decodeProtectedHeader,
  exportJWK,
  generateKeyPair,
  jwtVerify,
  SignJWT,
  UnsecuredJWT,
} from 'jose';
import { expect, test } from 'vitest';
import { openSigningKeys } from '../../src/auth/keys.ts';
import { createVault, newEncryptionKey } from '../../src/encryption.ts';
import { createLogger } from '../../src/logger.ts';
import { encryptionKeys, makePerson, testApi, type ErrorBody } from '../api/server.ts';
import { createTestDatabase, testDatabase } from '../support/database.ts';
import { makeOrganization } from '../support/make.ts';

const db = await testDatabase();
const api = await testApi(db);
const org = await makeOrganization(db, 'HOLNG');
const anna = await makePerson(db, 'anna', [[org, 'member']]);
const token = await api.token('anna');
const silent = createLogger('test', 'silent');
const openKeys = (pool = db.authenticator, given = encryptionKeys) =>
  openSigningKeys(pool, createVault(given), silent);
const keys = await openKeys();
const signing = await keys.signing();
const { sid } = decodeJwt(token);
const foreign = await generateKeyPair('ES256');

const now = Math.floor(Date.now() / 1000);

/** Creates an access token like the server's, with the given changes; null omits a claim. */
function forge(
  claims: Record<string, unknown> = {},
  key = signing.privateKey,
  header: object = {},
): Promise<string> {
  const all = {
    sub: String(anna),
    sid,
    iss: 'pfa-vanguard',
    aud: 'pfa-vanguard-api',
    iat: now,
    exp: now + 600,
    ...claims,
  };
  const given = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null));
  return new SignJWT(given)
    .setProtectedHeader({ alg: 'ES256', kid: signing.kid, typ: 'JWT', ...header })
    .sign(key);
}

const ask = (sent: string) => api.rest<ErrorBody>('GET', '/api/sync/status', { token: sent });

test('a token is valid for 15 minutes at most, and contains only the user, the session and the audience', async () => {
  const { body } = await api.login('anna');
  const { iat, exp, ...claims } = decodeJwt(body.token);
  expect(claims).toEqual({
    sub: String(anna),
    sid: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
    iss: 'pfa-vanguard',
    aud: 'pfa-vanguard-api',
  });
  expect(exp! - iat!).toBe(body.expiresIn);
  expect(body.expiresIn).toBeGreaterThan(0);
  expect(body.expiresIn).toBeLessThanOrEqual(15 * 60);
});

test('the published keys verify it, and contain no private part', async () => {
  const { body } = await api.rest<{ keys: Record<string, string>[] }>('GET', '/.well-known/jwks.json');
  expect(body.keys).toEqual([
    {
      kty: 'EC',
      crv: 'P-256',
      x: expect.any(String) as string,
      y: expect.any(String) as string,
      kid: signing.kid,
      alg: 'ES256',
      use: 'sig',
    },
  ]);
  const keySet = createRemoteJWKSet(new URL('/.well-known/jwks.json', api.url));
  const { payload } = await jwtVerify(token, keySet, {
    issuer: 'pfa-vanguard',
    audience: 'pfa-vanguard-api',
  });
  expect(payload.sub).toBe(String(anna));
  expect(decodeProtectedHeader(token)).toEqual({ alg: 'ES256', kid: signing.kid, typ: 'JWT' });
});

test('the database stores the private key encrypted, and all servers on it share one key', async () => {
  const { rows } = await db.owner.query<{ row: string }>(
    'select to_jsonb(k)::text as row from app_private.signing_keys k',
  );
  expect(rows).toHaveLength(1);
  expect(rows[0]?.row).not.toMatch(/"d"/);
  await expect(openKeys(db.authenticator, newEncryptionKey('test'))).rejects.toMatchObject({
    code: 'SECRET_UNREADABLE',
  });
  const others = await Promise.all([1, 2].map(async () => (await openKeys()).signing()));
  expect(others.map(({ kid }) => kid)).toEqual([signing.kid, signing.kid]);
});

test('two servers that start at once on a new database share one key', async () => {
  const empty = await createTestDatabase();
  try {
    const loaded = await Promise.all(
      Array.from({ length: 4 }, async () => (await openKeys(empty.authenticator)).signing()),
    );
    expect(new Set(loaded.map(({ kid }) => kid)).size).toBe(1);
  } finally {
    await empty.close();
  }
});

test('these tests can forge a token, so that the changes below cause the refusals', async () => {
  expect((await ask(await forge())).status).toBe(200);
  expect((await ask(token)).status).toBe(200);
});

/** Changes the last character of a part, in a bit that counts. */
function tampered(part: 0 | 1 | 2): string {
  const parts = token.split('.');
  const text = parts[part]!;
  parts[part] = `${text.slice(0, 9)}${text[9] === 'A' ? 'B' : 'A'}${text.slice(10)}`;
  return parts.join('.');
}

/** Combines our header and signature with other claims. */
function claimsSwapped(): string {
  const [header, , signature] = token.split('.');
  const claims = { ...decodeJwt(token), sub: '1', exp: now + 6000 };
  return [header, Buffer.from(JSON.stringify(claims)).toString('base64url'), signature].join('.');
}

const refused: [string, () => string | Promise<string>][] = [
  ['of another issuer', () => forge({ iss: 'another' })],
  ['without an issuer', () => forge({ iss: null })],
  ['for another audience', () => forge({ aud: 'another' })],
  ['without an audience', () => forge({ aud: null })],
  ['without a subject', () => forge({ sub: null })],
  ['whose subject is no user id', () => forge({ sub: 'anna' })],
  ['whose subject is empty', () => forge({ sub: '' })],
  ['of no session', () => forge({ sid: null })],
  ['whose session is no id of one', () => forge({ sid: "' or true --" })],
  ['that never expires', () => forge({ exp: null })],
  ['that is not valid yet', () => forge({ nbf: now + 600 })],
  ['signed by another key', () => forge({}, foreign.privateKey)],
  ['signed by another key under an id of its own', () => forge({}, foreign.privateKey, { kid: 'mine' })],
  [
    'that brings its key along',
    async () => forge({}, foreign.privateKey, { jwk: await exportJWK(foreign.publicKey) }),
  ],
  [
    'without a signature (alg none)',
    () =>
      new UnsecuredJWT({ sub: String(anna) })
        .setIssuer('pfa-vanguard')
        .setAudience('pfa-vanguard-api')
        .setExpirationTime('5m')
        .encode(),
  ],
  [
    'signed with the public key as if it were a secret (HS256)',
    async () =>
      new SignJWT({ sub: String(anna) })
        .setProtectedHeader({ alg: 'HS256', kid: signing.kid })
        .setIssuer('pfa-vanguard')
        .setAudience('pfa-vanguard-api')
        .setExpirationTime('5m')
        .sign(new TextEncoder().encode(JSON.stringify((await keys.published()).keys[0]))),
  ],
  ['with a changed header', () => tampered(0)],
  ['with changed claims', () => tampered(1)],
  ['with claims put into it', claimsSwapped],
  ['with a changed signature', () => tampered(2)],
  ['without its signature', () => token.split('.').slice(0, 2).join('.') + '.'],
  ['that is none', () => 'token'],
];

test.each(refused)('a token %s is refused', async (_what, make) => {
  const { status, body } = await ask(await make());
  expect(status).toBe(401);
  expect(body).toEqual({
    error: {
      code: 'UNAUTHENTICATED',
      message:
        'The access token is not valid here. Sign in at POST /api/auth/login and send `Authorization: Bearer TOKEN`.',
    },
  });
});

test('an expired token is refused with its own code, so that the client refreshes it', async () => {
  const { status, body } = await ask(await forge({ iat: now - 700, exp: now - 1 }));
  expect(status).toBe(401);
  expect(body).toEqual({
    error: {
      code: 'UNAUTHENTICATED',
      message: 'The access token has expired. Get a new token from POST /api/auth/refresh, or sign in again.',
    },
  });
});

test.each([
  ['user who does not exist', { sub: '2147483647' }],
  ['session that does not exist', { sid: '00000000-0000-4000-8000-000000000000' }],
])('a token of a %s is refused', async (_what, claims) => {
  expect(await ask(await forge(claims))).toMatchObject({
    status: 401,
    body: { error: { code: 'UNAUTHENTICATED' } },
  });
});

test("a token of another user's session is refused", async () => {
  await makePerson(db, 'bert', [[org, 'member']]);
  const other = decodeJwt(await api.token('bert'));
  expect((await ask(await forge({ sid: other.sid }))).status).toBe(401);
  expect((await ask(await forge({ sub: other.sub }))).status).toBe(401);
});

test.each(['Basic YW5uYTpw', 'Bearer', 'Bearer  ', 'bearer a b', ''])(
  'the header %o is no bearer token',
  async (authorization) => {
    const { status, body } = await api.rest('GET', '/api/sync/status', { headers: { authorization } });
    expect({ status, code: body.error.code }).toEqual({ status: 401, code: 'UNAUTHENTICATED' });
  },
);

test.each([
  ['GET', '/api/pfa/HOLNG'],
  ['GET', '/api/pfa/HOLNG/kpis'],
  ['GET', '/api/pfa/HOLNG/bounds'],
  ['POST', '/api/pfa/HOLNG/draft'],
  ['POST', '/api/pfa/HOLNG/discard'],
  ['POST', '/api/sync/trigger'],
  ['GET', '/api/sync/status'],
  ['POST', '/api/auth/change-password'],
])('%s %s needs a token', async (method, path) => {
  const sent = { currentPassword: 'x', newPassword: 'twelve letters' };
  const request = method === 'POST' ? { body: sent } : {};
  const { status, body } = await api.rest(method, path, request);
  expect({ status, code: body.error.code }).toEqual({ status: 401, code: 'UNAUTHENTICATED' });
  const junk = await api.rest(method, path, { ...request, token: 'junk' });
  expect({ status: junk.status, code: junk.body.error.code }).toEqual({
    status: 401,
    code: 'UNAUTHENTICATED',
  });
});
