import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { VanguardError } from './errors.ts';

/** A secret as it is stored: AES-256-GCM, the 16 bytes of the tag appended. */
export interface Sealed {
  keyId: string;
  nonce: Buffer;
  ciphertext: Buffer;
}

/** Encrypts and decrypts the secrets that the database keeps but never sees. */
export interface Vault {
  /** Encrypts under the newest key. `context` says whose secret it is; it opens only under the same words. */
  seal(plaintext: string, context: string): Sealed;
  /** Decrypts. Refuses with ENCRYPTION_KEY_MISSING or SECRET_UNREADABLE. */
  open(sealed: Sealed, context: string): string;
}

const tagLength = 16;

/** @param keys As VANGUARD_ENCRYPTION_KEYS: `ID:KEY[,ID:KEY...]`, each 32 bytes in base64, the first used for what is new. */
export function createVault(keys: string): Vault {
  const byId = new Map(
    keys.split(',').map((entry) => {
      const [id = '', key = ''] = entry.split(/:(.*)/s);
      return [id, Buffer.from(key, 'base64')] as const;
    }),
  );
  const [newest] = byId.keys();
  return {
    seal(plaintext, context) {
      const nonce = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', byId.get(newest!)!, nonce);
      cipher.setAAD(Buffer.from(context));
      return {
        keyId: newest!,
        nonce,
        ciphertext: Buffer.concat([cipher.update(plaintext, 'utf8'), cipher.final(), cipher.getAuthTag()]),
      };
    },
    open({ keyId, nonce, ciphertext }, context) {
      const key = byId.get(keyId);
      if (!key) {
        throw new VanguardError(
          'ENCRYPTION_KEY_MISSING',
          `The secret "${context}" is encrypted under the key ${keyId}, which is not in VANGUARD_ENCRYPTION_KEYS.`,
          {
            hint: 'Add that key behind the newest one, or enter the secret again.',
          },
        );
      }
      try {
        const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: tagLength });
        decipher.setAAD(Buffer.from(context));
        decipher.setAuthTag(ciphertext.subarray(-tagLength));
        return Buffer.concat([
          decipher.update(ciphertext.subarray(0, -tagLength)),
          decipher.final(),
        ]).toString('utf8');
      } catch (cause) {
        throw new VanguardError(
          'SECRET_UNREADABLE',
          `The secret "${context}" cannot be decrypted: the key ${keyId} is another one, or the row was changed.`,
          {
            hint: 'Put the right key into VANGUARD_ENCRYPTION_KEYS, or enter the secret again.',
            cause,
          },
        );
      }
    },
  };
}

/** The words a credential of a connection is bound to. */
export const credentialContext = (apiConfigurationId: string, name: string) =>
  `api_configurations/${apiConfigurationId}/${name}`;

/** The words the key of an AI provider is bound to. */
export const providerCredentialContext = (aiProviderId: string, name: string) =>
  `ai_providers/${aiProviderId}/${name}`;

/** A new key, as VANGUARD_ENCRYPTION_KEYS takes it. */
export const newEncryptionKey = (id: string) => `${id}:${randomBytes(32).toString('base64')}`;
