import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readConfiguration } from '../../src/configuration.ts';
import { createVault, newEncryptionKey } from '../../src/encryption.ts';
import { readSecrets } from '../../src/secrets.ts';

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'vanguard-secrets-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const dataFolder = () => join(folder, 'not', 'there', 'yet');
const read = (environment: NodeJS.ProcessEnv = {}) =>
  readSecrets(readConfiguration({ VANGUARD_DATA_DIR: dataFolder(), ...environment }));

test('secrets are generated once and stay the same', async () => {
  const made = await read();
  expect(made.secret).toMatch(/^[\w-]{43}$/);
  expect(createVault(made.encryptionKeys).seal('s', 'x').keyId).toBe('local-1');
  expect(await read()).toEqual(made);
});

test('only the owner of the file can read it', async () => {
  await read();
  expect(statSync(join(dataFolder(), 'secrets.json')).mode & 0o777).toBe(0o600);
});

test('many concurrent starts use the same secrets, and leave no temporary file', async () => {
  const all = await Promise.all(Array.from({ length: 50 }, () => read()));
  for (const one of all) expect(one).toEqual(all[0]);
  expect(readdirSync(dataFolder())).toEqual(['secrets.json']);
});

test('two installations have different secrets', async () => {
  const one = await read();
  const other = await read({ VANGUARD_DATA_DIR: join(folder, 'other') });
  expect(other.secret).not.toBe(one.secret);
  expect(other.encryptionKeys).not.toBe(one.encryptionKeys);
});

test('the environment takes precedence, and its secrets are not stored', async () => {
  const secret = 's'.repeat(40);
  const keys = newEncryptionKey('theirs');
  expect(await read({ VANGUARD_SECRET: secret, VANGUARD_ENCRYPTION_KEYS: keys })).toEqual({
    secret,
    encryptionKeys: keys,
  });
  expect(existsSync(dataFolder())).toBe(false);

  const made = await read();
  expect(await read({ VANGUARD_SECRET: secret })).toEqual({ secret, encryptionKeys: made.encryptionKeys });
  expect(await read({ VANGUARD_ENCRYPTION_KEYS: keys })).toEqual({
    secret: made.secret,
    encryptionKeys: keys,
  });
  expect(readFileSync(join(dataFolder(), 'secrets.json'), 'utf8')).not.toContain(secret);
});

test('an unusable data folder is named', async () => {
  const file = join(folder, 'file');
  writeFileSync(file, '');
  await expect(read({ VANGUARD_DATA_DIR: join(file, 'data') })).rejects.toMatchObject({
    code: 'DATA_FOLDER_NOT_WRITABLE',
    message: expect.stringContaining(file) as string,
  });
});
