import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createVault, credentialContext, newEncryptionKey, type Sealed } from '../../src/encryption.ts';

const vault = createVault(newEncryptionKey('one'));
const unreadable = expect.objectContaining({ code: 'SECRET_UNREADABLE' }) as Error;

/** Returns the buffer with one bit changed. */
function flipped(bytes: Buffer, bit: number): Buffer {
  const changed = Buffer.from(bytes);
  const at = Math.floor(bit / 8) % changed.length;
  changed[at] = changed[at]! ^ (1 << (bit % 8));
  return changed;
}

test('a sealed secret opens again with the same context', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.string(), (secret, context) => {
      expect(vault.open(vault.seal(secret, context), context)).toBe(secret);
    }),
  );
});

test('a secret does not open with another context, so a row moved elsewhere is worthless', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.string(), (secret, context, other) => {
      fc.pre(context !== other);
      expect(() => vault.open(vault.seal(secret, context), other)).toThrow(unreadable);
    }),
  );
});

test('one changed bit of nonce, ciphertext or tag is detected', () => {
  fc.assert(
    fc.property(
      fc.string(),
      fc.nat(),
      fc.constantFrom('nonce' as const, 'ciphertext' as const),
      (secret, bit, part) => {
        const sealed = vault.seal(secret, 'x');
        expect(() => vault.open({ ...sealed, [part]: flipped(sealed[part], bit) }, 'x')).toThrow(unreadable);
      },
    ),
  );
});

test('a truncated ciphertext is detected, however short', () => {
  const sealed = vault.seal('a secret', 'x');
  for (let length = 0; length < sealed.ciphertext.length; length++) {
    expect(() => vault.open({ ...sealed, ciphertext: sealed.ciphertext.subarray(0, length) }, 'x')).toThrow(
      unreadable,
    );
  }
});

test('another key with the same id does not open it', () => {
  expect(() => createVault(newEncryptionKey('one')).open(vault.seal('s', 'x'), 'x')).toThrow(unreadable);
});

test('the error names a missing key, and no secret', () => {
  const sealed = vault.seal('swordfish', 'x');
  expect(() => createVault(newEncryptionKey('two')).open(sealed, 'x')).toThrow(
    expect.objectContaining({
      code: 'ENCRYPTION_KEY_MISSING',
      message: expect.stringContaining('key one,') as string,
    }) as Error,
  );
});

test('the first key seals, and the others still open: keys can be rotated without loss', () => {
  const [old, fresh] = [newEncryptionKey('old'), newEncryptionKey('fresh')];
  const before: Sealed = createVault(old).seal('s', 'x');
  const both = createVault(`${fresh},${old}`);
  expect(both.open(before, 'x')).toBe('s');
  const after = both.seal('s', 'x');
  expect(after.keyId).toBe('fresh');
  expect(createVault(fresh).open(after, 'x')).toBe('s');
});

test('the same secret never has the same ciphertext, which contains nothing of it', () => {
  const sealed = Array.from({ length: 100 }, () => vault.seal('swordfish', 'x'));
  expect(new Set(sealed.map(({ nonce }) => nonce.toString('hex'))).size).toBe(100);
  expect(new Set(sealed.map(({ ciphertext }) => ciphertext.toString('hex'))).size).toBe(100);
  for (const { nonce, ciphertext } of sealed) {
    expect(nonce).toHaveLength(12);
    expect(ciphertext).toHaveLength('swordfish'.length + 16);
    expect(ciphertext.includes('swordfish')).toBe(false);
  }
});

test('a credential is bound to its connection and its name', () => {
  expect(credentialContext('a', 'b')).not.toBe(credentialContext('a', 'c'));
  expect(credentialContext('a', 'b')).not.toBe(credentialContext('b', 'b'));
});
