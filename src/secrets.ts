import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, link, open, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { encryptionKeysFormat, type Configuration } from './configuration.ts';
import { newEncryptionKey } from './encryption.ts';
import { VanguardError } from './errors.ts';
import { makeFolder } from './files.ts';

/** Secrets that must be the same at every start. */
export interface Secrets {
  /** The passwords of the database roles are derived from it. */
  secret: string;
  /** In the format of VANGUARD_ENCRYPTION_KEYS. */
  encryptionKeys: string;
}

/**
 * Returns the secrets of the environment; outside production, creates missing secrets once and keeps them in
 * `secrets.json` of the data folder (mode 0600).
 */
export async function readSecrets(configuration: Configuration): Promise<Secrets> {
  const { secret, encryptionKeys, dataFolder } = configuration;
  if (secret && encryptionKeys) return { secret, encryptionKeys };
  const file = join(dataFolder, 'secrets.json');
  try {
    const created = makeFolder(dataFolder);
    // For root: the user of PostgreSQL must be able to pass through the created folders, whatever the umask.
    if (created !== undefined && process.getuid?.() === 0)
      for (let path = dataFolder; path.length >= created.length; path = dirname(path))
        await chmod(path, 0o711);
    const made: Secrets = {
      secret: randomBytes(32).toString('base64url'),
      encryptionKeys: newEncryptionKey('local-1'),
    };
    if (!existsSync(file)) {
      await refuseToReplace(file, configuration);
      await writeOnce(file, `${JSON.stringify(made, null, 2)}\n`);
    }
    const kept = parseSecrets(file, await readFile(file, 'utf8'));
    return { secret: secret ?? kept.secret, encryptionKeys: encryptionKeys ?? kept.encryptionKeys };
  } catch (error) {
    if (error instanceof VanguardError) throw error;
    throw new VanguardError(
      'DATA_FOLDER_NOT_WRITABLE',
      `The data folder ${dataFolder} cannot be used: ${(error as Error).message}.`,
      {
        hint: 'Start as the user who did so the first time, make it writable, or set VANGUARD_DATA_DIR to another folder.',
        cause: error,
      },
    );
  }
}

const restore =
  'Restore it from a backup, or set VANGUARD_SECRET and VANGUARD_ENCRYPTION_KEYS to what it held.';

/** New secrets would not fit an existing database: secrets encrypted under the old keys would be lost. */
async function refuseToReplace(file: string, { databaseUrl, dataFolder }: Configuration): Promise<void> {
  if (databaseUrl) return;
  const { hasDatabase } = await import('./database/embedded.ts');
  if (!hasDatabase(join(dataFolder, 'database'))) return;
  throw new VanguardError(
    'SECRETS_MISSING',
    `There is a database in ${dataFolder}, but ${file} is gone, and with it the keys of the credentials stored in that database.`,
    { hint: `${restore} To begin anew, move the folder away.` },
  );
}

const secretsSchema = z.object({ secret: z.string().min(32), encryptionKeys: encryptionKeysFormat });

function parseSecrets(file: string, text: string): Secrets {
  try {
    return secretsSchema.parse(JSON.parse(text));
  } catch {
    // The message of the parser repeats the text.
    throw new VanguardError('SECRETS_UNREADABLE', `${file} does not hold the secrets that it should.`, {
      hint: restore,
    });
  }
}

/**
 * Writes a file unless it exists. The file appears with its whole content or not at all. A concurrent second process
 * finds the file of the first one, and a crash leaves no partial file.
 */
async function writeOnce(file: string, content: string): Promise<void> {
  const draft = `${file}.${randomBytes(6).toString('hex')}`;
  try {
    const handle = await open(draft, 'wx', 0o600);
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await link(draft, file).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  } finally {
    await rm(draft, { force: true });
  }
}
