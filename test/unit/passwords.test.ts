import bcrypt from 'bcryptjs';
import { argon2Sync } from 'node:crypto';
import { expect, test } from 'vitest';
import { hashPassword, newPassword, verifyPassword } from '../../src/auth/passwords.ts';

const password = 'Zürich\u{1f3d7} 2026';

/** A PHC string of any strength, as another installation may have stored it. */
function argon2Hash(
  given: string,
  { memory = 19_456, passes = 2, parallelism = 1, algorithm = 'argon2id' as const } = {},
) {
  const salt = Buffer.from('0123456789abcdef');
  const hash = argon2Sync(algorithm, {
    message: given,
    nonce: salt,
    memory,
    passes,
    parallelism,
    tagLength: 32,
  });
  const text = (bytes: Buffer) => bytes.toString('base64').replace(/=+$/, '');
  return `$${algorithm}$v=19$m=${memory},t=${passes},p=${parallelism}$${text(salt)}$${text(hash)}`;
}

test("a hash is argon2id with OWASP's memory and passes, and a random salt", async () => {
  const [one, two] = await Promise.all([hashPassword(password), hashPassword(password)]);
  expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
  expect(one).not.toBe(two);
});

test('only the password itself matches its hash', async () => {
  const hash = await hashPassword(password);
  expect(await verifyPassword(password, hash)).toEqual({ matches: true, outdated: false });
  for (const wrong of ['', `${password} `, password.toLowerCase(), password.normalize('NFD')]) {
    expect(await verifyPassword(wrong, hash)).toMatchObject({ matches: false });
  }
});

test('a bcrypt hash is accepted, and always counts as outdated', async () => {
  for (const letter of ['a', 'b', 'y']) {
    const hash = bcrypt.hashSync(password, 4).replace(/^\$2.\$/, `$2${letter}$`);
    expect(await verifyPassword(password, hash)).toEqual({ matches: true, outdated: true });
    expect(await verifyPassword('another', hash)).toMatchObject({ matches: false });
  }
});

test.each([
  ['less memory', { memory: 4096 }, true],
  ['fewer passes', { passes: 1 }, true],
  ['more of both', { memory: 20_000, passes: 3 }, false],
])('a hash of %s: outdated %o', async (_what, strength, outdated) => {
  const hash = argon2Hash(password, strength);
  expect(await verifyPassword(password, hash)).toEqual({ matches: true, outdated });
  expect(await verifyPassword('another', hash)).toMatchObject({ matches: false });
});

test.each([
  '',
  'plain',
  '$argon2i$v=19$m=8,t=1,p=1$AAAAAAAAAAA$AAAA',
  '$1$md5',
  '$argon2id$v=19$m=19456,t=2,p=1$$',
])('an unknown hash matches nothing: %o', async (stored) => {
  await expect(verifyPassword('', stored)).rejects.toThrow('unknown format');
});

test('a generated password is long enough, and always different', () => {
  const made = Array.from({ length: 100 }, newPassword);
  expect(new Set(made).size).toBe(100);
  for (const one of made) expect(one).toMatch(/^[\w-]{16}$/);
});
