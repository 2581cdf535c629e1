import type pg from 'pg';
import {
  lockCredentials,
  lockSigningKeySecrets,
  rotateSigningKey,
  storeCredential,
  storeSigningKeySecret,
} from '../../sql/auth/auth.queries.ts';
import { credentialContext, providerCredentialContext, type Vault } from '../encryption.ts';
import { VanguardError } from '../errors.ts';
import { newSigningKey, signingKeyContext } from './keys.ts';

/** Result of a rotation. */
export interface Rotation {
  /** Id of the new signing key. */
  kid: string;
  /** Id of the encryption key of all secrets after the rotation. */
  encryptionKeyId: string;
  credentials: number;
  signingKeys: number;
  /** Old signing keys that could not be decrypted. They no longer sign, so their private halves are not needed. */
  unreadable: string[];
}

/**
 * Creates a signing key, retires the one before it, and encrypts all secrets again under the newest encryption key, in
 * one transaction. Throws ENCRYPTION_KEY_MISSING or SECRET_UNREADABLE if a credential cannot be decrypted.
 *
 * @param client Connects as vanguard_owner.
 */
export async function rotateKeys(client: pg.ClientBase, vault: Vault): Promise<Rotation> {
  await client.query('begin');
  try {
    const fresh = await newSigningKey(vault);
    await rotateSigningKey.run(fresh, client);

    const unreadable: string[] = [];
    const signingKeys = (await lockSigningKeySecrets.run(undefined, client)).filter(
      ({ kid }) => kid !== fresh.kid,
    );
    for (const { kid, ...sealed } of signingKeys) {
      try {
        const context = signingKeyContext(kid);
        await storeSigningKeySecret.run({ kid, ...vault.seal(vault.open(sealed, context), context) }, client);
      } catch (error) {
        if (!(error instanceof VanguardError)) throw error;
        unreadable.push(kid);
      }
    }

    const credentials = await lockCredentials.run(undefined, client);
    for (const { id, apiConfigurationId, aiProviderId, name, ...sealed } of credentials) {
      const context = apiConfigurationId
        ? credentialContext(apiConfigurationId, name)
        : providerCredentialContext(aiProviderId ?? '', name);
      await storeCredential.run({ id, ...vault.seal(vault.open(sealed, context), context) }, client);
    }
    await client.query('commit');
    return {
      kid: fresh.kid,
      encryptionKeyId: fresh.keyId,
      credentials: credentials.length,
      signingKeys: signingKeys.length - unreadable.length,
      unreadable,
    };
  } catch (error) {
    await client.query('rollback');
    throw error;
  }
}
