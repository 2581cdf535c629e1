import {
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  importJWK,
  type CryptoKey,
  type JWK,
} from 'jose';
import type pg from 'pg';
import { addSigningKey, listSigningKeys } from '../../sql/auth/auth.queries.ts';
import type { Vault } from '../encryption.ts';

const algorithm = 'ES256';

/** The keys that access tokens are signed and checked with. */
export interface SigningKeys {
  kid: string;
  algorithm: string;
  privateKey: CryptoKey;
  publicKeys: { keys: JWK[] };
}

const context = (kid: string) => `signing_keys/${kid}`;

/** Reads the signing keys, making the first one on a new installation. */
export async function loadSigningKeys(pool: pg.Pool, vault: Vault): Promise<SigningKeys> {
  let stored = await listSigningKeys.run(undefined, pool);
  if (!stored.some((key) => key.retiredAt === null)) {
    const pair = await generateKeyPair(algorithm, { extractable: true });
    const publicJwk = await exportJWK(pair.publicKey);
    const kid = await calculateJwkThumbprint(publicJwk);
    const sealed = vault.seal(JSON.stringify(await exportJWK(pair.privateKey)), context(kid));
    await addSigningKey.run({ kid, algorithm, publicJwk: { ...publicJwk }, ...sealed }, pool);
    // Another server may have been first; whichever key is there now is the one.
    stored = await listSigningKeys.run(undefined, pool);
  }
  const current = stored[0]!;
  const privateJwk = JSON.parse(vault.open(current, context(current.kid))) as JWK;
  return {
    kid: current.kid,
    algorithm: current.algorithm,
    privateKey: (await importJWK(privateJwk, current.algorithm)) as CryptoKey,
    publicKeys: {
      keys: stored.map((key) => ({
        ...(key.publicJwk as JWK),
        kid: key.kid,
        alg: key.algorithm,
        use: 'sig',
      })),
    },
  };
}
