import type { Command } from 'commander';
import { rotateKeys } from '../auth/rotation.ts';
import { createVault } from '../encryption.ts';
import { withDatabase } from './context.ts';
import { print } from './terminal.ts';

/** Adds `keys rotate`. */
export function addKeyCommands(program: Command): void {
  const keys = program.command('keys').description('keys that sign tokens and encrypt secrets');
  keys
    .command('rotate')
    .description(
      'create a new signing key, and encrypt all secrets again under the first key of VANGUARD_ENCRYPTION_KEYS. Sessions continue. ' +
        'To replace an encryption key: put the new one first and keep the old one behind it, start servers and workers again, ' +
        'rotate, then remove the old key and start them again',
    )
    .action(() =>
      withDatabase(async (client, { secrets }) => {
        const done = await rotateKeys(client, createVault(secrets.encryptionKeys));
        const { credentials, signingKeys, unreadable } = done;
        print(`The new signing key is ${done.kid}. Tokens of the previous key stay valid until they expire.`);
        print(
          `Encrypted under the key ${done.encryptionKeyId}: ${count(credentials, 'credential')} and ${count(signingKeys, 'older signing key')}.`,
        );
        for (const kid of unreadable)
          print(
            `The older signing key ${kid} could not be decrypted and was left unchanged: it no longer signs.`,
          );
        const others = secrets.encryptionKeys
          .split(',')
          .map((entry) => entry.replace(/:.*/s, ''))
          .filter((id) => id !== done.encryptionKeyId);
        if (others.length > 0)
          print(
            `No secret needs ${others.join(', ')} any more: remove it from VANGUARD_ENCRYPTION_KEYS once every server and worker has ${done.encryptionKeyId}.`,
          );
      }),
    );
}

const count = (number: number, what: string) => `${number} ${what}${number === 1 ? '' : 's'}`;
