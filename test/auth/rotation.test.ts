import { decodeProtectedHeader } from 'jose';
import { expect, test, vi } from 'vitest';
import { rotateKeys, type Rotation } from '../../src/auth/rotation.ts';
import { openSigningKeys } from '../../src/auth/keys.ts';
import { createTokens } from '../../src/auth/tokens.ts';
import { openPemsConnection, saveConnection } from '../../src/connections.ts';
import { createVault, newEncryptionKey, providerCredentialContext } from '../../src/encryption.ts';
import { createLogger } from '../../src/logger.ts';
import { cookieOf, encryptionKeys, makePerson, testApi, type LoginBody } from '../api/server.ts';
import { createTestDatabase, testDatabase, type TestDatabase } from '../support/database.ts';
import { makeOrganization, one } from '../support/make.ts';

const db = await testDatabase();
const api = await testApi(db);
const second = await testApi(db);
const org = await makeOrganization(db, 'RIO');
await makePerson(db, 'anna', [[org, 'member']]);

async function rotate(database: TestDatabase, keys: string): Promise<Rotation> {
  const client = await database.owner.connect();
  try {
    return await rotateKeys(client, createVault(keys));
  } finally {
    client.release();
  }
}

const kidOf = (token: string) => decodeProtectedHeader(token).kid;
const used = async (token: string, at = api) => (await at.rest('GET', '/api/sync/status', { token })).status;

/** A clock that tests can advance, for code that measures ages. */
function laterBy(milliseconds: number): void {
  offset += milliseconds;
  vi.spyOn(performance, 'now').mockImplementation(() => realNow() + offset);
}
let offset = 0;
const realNow = performance.now.bind(performance);

test('after a rotation every user stays signed in, and no server rejects a token of the new key', async () => {
  const before = await api.login('anna');
  const { kid } = await rotate(db, encryptionKeys);
  expect(kid).not.toBe(kidOf(before.body.token));

  // A server that starts now signs with the new key; the others do not know it yet.
  const fresh = await testApi(db);
  const token = await fresh.token('anna');
  expect(kidOf(token)).toBe(kid);
  const asked = await Promise.all([used(token), used(token, second), used(token), used(token, second)]);
  expect(asked).toEqual([200, 200, 200, 200]);

  for (const server of [api, second, fresh]) expect(await used(before.body.token, server)).toBe(200);
  const refreshed = await api.rest<LoginBody>('POST', '/api/auth/refresh', {
    headers: { cookie: cookieOf(before).header },
  });
  expect(refreshed.status).toBe(200);
  // After they read the keys, they sign with the new one too.
  expect(kidOf(refreshed.body.token)).toBe(kid);
  const { body } = await api.rest<{ keys: { kid: string }[] }>('GET', '/.well-known/jwks.json');
  expect(body.keys.map((key) => key.kid)).toEqual([kid, kidOf(before.body.token)]);
});

test('without new tokens a server signs with the new key a minute later, and drops the old one when it expires', async () => {
  const keys = await openSigningKeys(
    db.authenticator,
    createVault(encryptionKeys),
    createLogger('test', 'silent'),
  );
  const old = await keys.signing();
  const { kid } = await rotate(db, encryptionKeys);
  expect((await keys.signing()).kid).toBe(old.kid);
  try {
    laterBy(61_000);
    expect((await keys.signing()).kid).toBe(kid);
    expect((await keys.published()).keys.map((key) => key.kid)).toContain(old.kid);

    await db.owner.query(
      "update app_private.signing_keys set retired_at = retired_at - interval '15 minutes' where kid = $1",
      [old.kid],
    );
    laterBy(61_000);
    expect((await keys.published()).keys.map((key) => key.kid)).not.toContain(old.kid);
  } finally {
    vi.restoreAllMocks();
  }
  await rotate(db, encryptionKeys);
  const { rows } = await db.owner.query('select from app_private.signing_keys where kid = $1', [old.kid]);
  expect(rows).toEqual([]);
});

test('tokens with unknown keys cause at most one read of the keys a second', async () => {
  const reads = vi.spyOn(db.authenticator, 'query');
  const keys = await openSigningKeys(
    db.authenticator,
    createVault(encryptionKeys),
    createLogger('test', 'silent'),
  );
  const tokens = createTokens(keys);
  const junk = ['a', 'b', 'c', 'd', 'e'].map(
    (kid) =>
      `${Buffer.from(JSON.stringify({ alg: 'ES256', kid })).toString('base64url')}.e30.${'A'.repeat(86)}`,
  );
  const refused = await Promise.allSettled(junk.map((token) => tokens.verify(token)));
  expect(refused.map(({ status }) => status)).toEqual(junk.map(() => 'rejected'));
  // One read at start, and one for all of these tokens.
  expect(reads).toHaveBeenCalledTimes(2);
  const again = tokens.verify(junk[0]!);
  for (let i = 0; i < 5; i++) await db.owner.query('select 1');
  expect(reads).toHaveBeenCalledTimes(2);
  await expect(again).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  expect(reads).toHaveBeenCalledTimes(3);
  vi.restoreAllMocks();
});

test('a token whose key was added during a read waits for the next read', async () => {
  const silent = createLogger('test', 'silent');
  const tokens = createTokens(await openSigningKeys(db.authenticator, createVault(encryptionKeys), silent));
  const query = db.authenticator.query.bind(db.authenticator);
  let goOn = () => {};
  const held = new Promise<void>((resolve) => (goOn = resolve));
  let isRead = false;
  vi.spyOn(db.authenticator, 'query').mockImplementationOnce((async (...given: [string]) => {
    const answer = await query(...given);
    isRead = true;
    await held;
    return answer;
  }) as never);
  const early = tokens.verify(
    `${Buffer.from('{"alg":"ES256","kid":"none"}').toString('base64url')}.e30.${'A'.repeat(86)}`,
  );
  await vi.waitFor(() => expect(isRead).toBe(true), { timeout: 5000 });

  await rotate(db, encryptionKeys);
  const elsewhere = await openSigningKeys(db.owner, createVault(encryptionKeys), silent);
  const session = { userId: 1, sessionId: '00000000-0000-4000-8000-000000000000' };
  const verified = tokens.verify(await createTokens(elsewhere).issue(session));
  goOn();
  await expect(early).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  expect(await verified).toEqual(session);
  vi.restoreAllMocks();
});

test('a failed read of the keys does not invalidate the token', async () => {
  const keys = await openSigningKeys(
    db.authenticator,
    createVault(encryptionKeys),
    createLogger('test', 'silent'),
  );
  vi.spyOn(db.authenticator, 'query').mockImplementation(() => {
    throw new Error('Connection terminated unexpectedly');
  });
  const unknown = `${Buffer.from('{"alg":"ES256","kid":"new"}').toString('base64url')}.e30.${'A'.repeat(86)}`;
  await expect(createTokens(keys).verify(unknown)).rejects.toThrow('Connection terminated');
  vi.restoreAllMocks();
});

const [oldKey, newKey] = [newEncryptionKey('old'), newEncryptionKey('new')];

/** A database with secrets that are encrypted under one key. */
async function installation(keys = oldKey) {
  const database = await createTestDatabase();
  const vault = createVault(keys);
  const site = await makeOrganization(database, 'RIO');
  const client = await database.owner.connect();
  try {
    await saveConnection(client, vault, {
      ...{
        id: 'pems',
        name: 'PEMS',
        url: 'https://pems.example',
        tenant: 'T',
        username: 'u',
        password: 'secret',
      },
      ...{ dateOrder: 'MDY', requestType: 'LIST.DATA_ONLY.STORED', isSimulated: false },
    });
  } finally {
    client.release();
  }
  const logger = createLogger('test', 'silent');
  const logged = vi.spyOn(logger, 'error');
  const open = (given: string) => openSigningKeys(database.authenticator, createVault(given), logger);
  return { database, site, open, logged };
}

const keyIds = async (database: TestDatabase) =>
  (
    await database.owner.query<{ key_id: string }>(
      'select key_id from app_private.credentials union select key_id from app_private.signing_keys',
    )
  ).rows.map((row) => row.key_id);

test('after a rotation the old encryption key can be removed', async () => {
  const { database, site, open } = await installation();
  try {
    await database.owner.query(
      "insert into app_public.ai_providers (id, type, name, available_models) values ('x', 'openai', 'X', '[]')",
    );
    const key = createVault(oldKey).seal('sk-1', providerCredentialContext('x', 'apiKey'));
    await database.owner.query(
      `insert into app_private.credentials (ai_provider_id, name, key_id, nonce, ciphertext) values ('x', 'apiKey', $1, $2, $3)`,
      [key.keyId, key.nonce, key.ciphertext],
    );
    const before = await (await open(oldKey)).signing();
    expect(await keyIds(database)).toEqual(['old']);

    expect(await rotate(database, `${newKey},${oldKey}`)).toEqual({
      kid: expect.any(String) as string,
      encryptionKeyId: 'new',
      credentials: 3,
      signingKeys: 1,
      unreadable: [],
    });
    expect(await keyIds(database)).toEqual(['new']);

    const keys = await open(newKey);
    expect((await keys.signing()).kid).not.toBe(before.kid);
    const { connection } = await openPemsConnection(database.owner, createVault(newKey), site.id);
    expect(connection.authorization).toEqual({ type: 'basic', username: 'u', password: 'secret' });
    const { rows } = await database.owner.query<{ key_id: string; nonce: Buffer; ciphertext: Buffer }>(
      'select key_id, nonce, ciphertext from app_private.credentials where ai_provider_id is not null',
    );
    const { key_id: keyId, nonce, ciphertext } = one(rows);
    expect(
      createVault(newKey).open({ keyId, nonce, ciphertext }, providerCredentialContext('x', 'apiKey')),
    ).toBe('sk-1');
  } finally {
    await database.close();
  }
});

test('a rotation fails without changes if a credential cannot be decrypted, and skips old signing keys that cannot', async () => {
  const { database, open } = await installation();
  try {
    const before = await (await open(oldKey)).signing();
    await expect(rotate(database, newKey)).rejects.toMatchObject({
      code: 'ENCRYPTION_KEY_MISSING',
      message: expect.stringContaining('"api_configurations/pems/authKey"') as string,
    });
    expect(await keyIds(database)).toEqual(['old']);
    expect((await (await open(oldKey)).signing()).kid).toBe(before.kid);

    await database.owner.query('delete from app_private.credentials');
    expect(await rotate(database, newKey)).toMatchObject({ signingKeys: 0, unreadable: [before.kid] });
    const keys = await open(newKey);
    expect((await keys.signing()).kid).not.toBe(before.kid);
    expect((await keys.published()).keys.map(({ kid }) => kid)).toContain(before.kid);
  } finally {
    await database.close();
  }
});

test('a server without the new encryption key logs it once, signs with the old key for a while, and still verifies tokens', async () => {
  const { database, open, logged } = await installation();
  try {
    const behind = await open(oldKey);
    const old = await behind.signing();
    const { kid } = await rotate(database, `${newKey},${oldKey}`);
    expect(await keyIds(database)).toEqual(['new']);

    laterBy(61_000);
    expect((await behind.signing()).kid).toBe(old.kid);
    expect((await behind.published()).keys.map((key) => key.kid)).toEqual([kid, old.kid]);
    const ahead = createTokens(await open(newKey));
    const session = { userId: 1, sessionId: '00000000-0000-4000-8000-000000000000' };
    expect(await createTokens(behind).verify(await ahead.issue(session))).toEqual(session);

    await database.owner.query(
      "update app_private.signing_keys set retired_at = now() - interval '4 minutes' where kid = $1",
      [old.kid],
    );
    laterBy(61_000);
    await expect(createTokens(behind).issue(session)).rejects.toMatchObject({ code: 'SIGN_IN_UNAVAILABLE' });
    expect(await createTokens(behind).verify(await ahead.issue(session))).toEqual(session);
    expect(logged).toHaveBeenCalledTimes(1);
    expect(logged).toHaveBeenCalledWith(
      expect.objectContaining({ code: 'ENCRYPTION_KEY_MISSING', kid }),
      expect.stringMatching(/encrypted under the key new, which is not in VANGUARD_ENCRYPTION_KEYS/),
    );
  } finally {
    vi.restoreAllMocks();
    await database.close();
  }
});
