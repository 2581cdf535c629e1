import type { Command } from 'commander';
import { rotateKeys } from '../auth/rotation.ts';
import { createVault } from '../encryption.ts';
import { withDatabase } from './context.ts';
import { print } from './terminal.ts';

/** keys rotate */
export function addKeyCommands(program: Command): void {
  const keys = program
    .command('keys')
    .description('the keys that tokens are signed with, and secrets encrypted');
  keys
    .command('rotate')
    .description(
      'make a new signing key, and encrypt everything anew under the first key of VANGUARD_ENCRYPTION_KEYS. Signs nobody out. ' +
        'To replace an encryption key: put the new one first and keep the old one behind it, start servers and workers again, ' +
        'rotate, then take the old one out and start them again',
    )
    .action(() =>
      withDatabase(async (client, { secrets }) => {
        const done = await rotateKeys(client, createVault(secrets.encryptionKeys));
        const { credentials, signingKeys, unreadable } = done;
        print(
          `The signing key is ${done.kid} from now on. What the one before it signed is accepted until it expires.`,
        );
        print(
          `Encrypted under the key ${done.encryptionKeyId}: ${count(credentials, 'credential')} and ${count(signingKeys, 'older signing key')}.`,
        );
        for (const kid of unreadable)
          print(
            `The older signing key ${kid} could not be decrypted and was left as it is: it signs no more.`,
          );
        const others = secrets.encryptionKeys
          .split(',')
          .map((entry) => entry.replace(/:.*/s, ''))
          .filter((id) => id !== done.encryptionKeyId);
        if (others.length > 0)
          print(
            `Nothing needs ${others.join(', ')} any more: take it out of VANGUARD_ENCRYPTION_KEYS once every server and worker has ${done.encryptionKeyId}.`,
          );
      }),
    );
}

const count = (number: number, what: string) => `${number} ${what}${number === 1 ? '' : 's'}`;
