import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Configuration } from './configuration.ts';
import { newEncryptionKey } from './encryption.ts';
import { VanguardError } from './errors.ts';

/** What must stay secret and the same from start to start. */
export interface Secrets {
  /** What the passwords of the database roles are derived from. */
  secret: string;
  /** As VANGUARD_ENCRYPTION_KEYS. */
  encryptionKeys: string;
}

/**
 * The secrets of the environment; outside production, where they are not set, those made once and kept in
 * `secrets.json` of the data folder (mode 0600).
 */
export async function readSecrets(configuration: Configuration): Promise<Secrets> {
  const { secret, encryptionKeys, dataFolder } = configuration;
  if (secret && encryptionKeys) return { secret, encryptionKeys };
  const file = join(dataFolder, 'secrets.json');
  try {
    await mkdir(dataFolder, { recursive: true });
    const made: Secrets = {
      secret: randomBytes(32).toString('base64url'),
      encryptionKeys: newEncryptionKey('local-1'),
    };
    // Whoever comes second, also at the same moment, finds the file and reads it.
    const handle = await open(file, 'wx', 0o600).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') return undefined;
      throw error;
    });
    if (handle) {
      await handle.writeFile(`${JSON.stringify(made, null, 2)}\n`);
      await handle.sync();
      await handle.close();
    }
    const kept = JSON.parse(await readFile(file, 'utf8')) as Secrets;
    return { secret: secret ?? kept.secret, encryptionKeys: encryptionKeys ?? kept.encryptionKeys };
  } catch (error) {
    throw new VanguardError(
      'DATA_FOLDER_NOT_WRITABLE',
      `The data folder ${dataFolder} cannot be used: ${(error as Error).message}.`,
      {
        hint: 'Make it writable, or set VANGUARD_DATA_DIR to a folder that is.',
        cause: error,
      },
    );
  }
}
