import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { VanguardError } from './errors.ts';

/** Stored form of a secret: AES-256-GCM with the 16 bytes of the tag appended. */
export interface Sealed {
  keyId: string;
  nonce: Buffer;
  ciphertext: Buffer;
}

/** Encrypts and decrypts secrets that the database stores but cannot read. */
export interface Vault {
  /** Encrypts under the newest key. `context` names the owner of the secret; decryption needs the same context. */
  seal(plaintext: string, context: string): Sealed;
  /** Decrypts. Throws ENCRYPTION_KEY_MISSING or SECRET_UNREADABLE. */
  open(sealed: Sealed, context: string): string;
}

const tagLength = 16;

/**
 * @param keys Keys in the form of VANGUARD_ENCRYPTION_KEYS: `ID:KEY[,ID:KEY...]`, each 32 bytes in base64; the first
 *   key encrypts new secrets.
 */
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
          `The secret "${context}" cannot be decrypted: the key ${keyId} differs, or the row was changed.`,
          {
            hint: 'Put the right key into VANGUARD_ENCRYPTION_KEYS, or enter the secret again.',
            cause,
          },
        );
      }
    },
  };
}

/** Returns the context that a credential of a connection is bound to. */
export const credentialContext = (apiConfigurationId: string, name: string) =>
  `api_configurations/${apiConfigurationId}/${name}`;

/** Returns the context that the key of an AI provider is bound to. */
export const providerCredentialContext = (aiProviderId: string, name: string) =>
  `ai_providers/${aiProviderId}/${name}`;

/** Returns a new key in the form of VANGUARD_ENCRYPTION_KEYS. */
export const newEncryptionKey = (id: string) => `${id}:${randomBytes(32).toString('base64')}`;
