import { setTimeout as sleep } from 'node:timers/promises';
import {
  calculateJwkThumbprint,
  createLocalJWKSet,
  exportJWK,
  generateKeyPair,
  importJWK,
  type CryptoKey,
  type FlattenedJWSInput,
  type JSONWebKeySet,
  type JWK,
  type JWSHeaderParameters,
} from 'jose';
import type pg from 'pg';
import type { Logger } from 'pino';
import { addSigningKey, listSigningKeys, type IListSigningKeysResult } from '../../sql/auth/auth.queries.ts';
import type { Sealed, Vault } from '../encryption.ts';
import { VanguardError } from '../errors.ts';

const algorithm = 'ES256';

/** Longest time for which read keys are used, in milliseconds; `list_signing_keys` allows for it. */
const longestAge = 60_000;
/** Shortest time between two reads of the keys, in milliseconds, no matter which tokens arrive. */
const pause = 1000;

/** A key that signs tokens. */
export interface SigningKey {
  kid: string;
  algorithm: string;
  privateKey: CryptoKey;
}

/** Keys that sign and check access tokens. The keys change while the server runs, so each is looked up when needed. */
export interface SigningKeys {
  /** Returns the current signing key. Throws SIGN_IN_UNAVAILABLE if no permitted key can be decrypted. */
  signing(): Promise<SigningKey>;
  /** Returns the public key of a token. Throws a JOSEError for an unknown key. */
  verifying(header: JWSHeaderParameters, input: FlattenedJWSInput): Promise<CryptoKey>;
  /** Returns the accepted public keys in their published form. */
  published(): Promise<JSONWebKeySet>;
}

/** Returns the context that the encrypted private half of a key is bound to. */
export const signingKeyContext = (kid: string) => `signing_keys/${kid}`;

/** Returns a new key pair with its private half encrypted, in the form that the database stores. */
export async function newSigningKey(
  vault: Vault,
): Promise<{ kid: string; algorithm: string; publicJwk: Record<string, string> } & Sealed> {
  const pair = await generateKeyPair(algorithm, { extractable: true });
  const publicJwk = await exportJWK(pair.publicKey);
  const kid = await calculateJwkThumbprint(publicJwk);
  const sealed = vault.seal(JSON.stringify(await exportJWK(pair.privateKey)), signingKeyContext(kid));
  return { kid, algorithm, publicJwk: { ...publicJwk } as Record<string, string>, ...sealed };
}

/** Keys of one read, and when the read began. */
interface Reading {
  begunAt: number;
  signing: SigningKey | undefined;
  published: JSONWebKeySet;
  keySet: ReturnType<typeof createLocalJWKSet>;
}

/**
 * Reads the signing keys, and creates the first one on a new installation. Reads them again at least once in each
 * minute of use, and whenever a token names an unknown key. Throws ENCRYPTION_KEY_MISSING or SECRET_UNREADABLE if no
 * key can be decrypted at the start; later failures are logged, and tokens are still checked.
 */
export async function openSigningKeys(pool: pg.Pool, vault: Vault, logger: Logger): Promise<SigningKeys> {
  /** A decrypted key stays usable, also when it is later encrypted under a key that this server does not have. */
  const unlocked = new Map<string, SigningKey | undefined>();
  let problem: VanguardError | undefined;
  let reading: Reading | undefined;
  let underWay: Promise<void> | undefined;

  async function unlock({ kid, ...stored }: IListSigningKeysResult): Promise<SigningKey | undefined> {
    if (unlocked.has(kid)) return unlocked.get(kid);
    try {
      const jwk = JSON.parse(vault.open(stored, signingKeyContext(kid))) as JWK;
      const privateKey = (await importJWK(jwk, stored.algorithm)) as CryptoKey;
      unlocked.set(kid, { kid, algorithm: stored.algorithm, privateKey });
    } catch (error) {
      if (!(error instanceof VanguardError)) throw error;
      problem = error;
      unlocked.set(kid, undefined);
      logger.error(
        { code: error.code, kid },
        `This server cannot use a signing key: ${error.message} ${error.hint ?? ''} Then start the server again. Until then the server signs with an older key for at most 3 minutes, and after that signs no user in; it still checks tokens.`,
      );
    }
    return unlocked.get(kid);
  }

  async function read(): Promise<void> {
    if (reading) await sleep(Math.max(0, reading.begunAt + pause - performance.now()));
    const begunAt = performance.now();
    let stored = await listSigningKeys.run(undefined, pool);
    if (!stored.some((key) => key.retiredAt === null)) {
      await addSigningKey.run(await newSigningKey(vault), pool);
      // Another server may have added a key first; the stored key counts.
      stored = await listSigningKeys.run(undefined, pool);
    }
    let signing: SigningKey | undefined;
    for (const key of stored.filter(({ maySign }) => maySign)) {
      signing = await unlock(key);
      if (signing) break;
    }
    const published = {
      keys: stored.map((key) => ({
        ...(key.publicJwk as JWK),
        kid: key.kid,
        alg: key.algorithm,
        use: 'sig',
      })),
    };
    reading = { begunAt, signing, published, keySet: createLocalJWKSet(published) };
  }

  /** Returns a read that began at this moment or later. Concurrent callers share one read. */
  async function readSince(moment: number): Promise<Reading> {
    while (!reading || reading.begunAt < moment) {
      underWay ??= read().finally(() => (underWay = undefined));
      await underWay;
    }
    return reading;
  }
  const recent = () => readSince(performance.now() - longestAge);

  const first = await recent();
  if (!first.signing && problem) throw problem;

  return {
    async signing() {
      const { signing } = await recent();
      if (!signing) {
        throw new VanguardError(
          'SIGN_IN_UNAVAILABLE',
          'This server cannot sign users in at the moment: it cannot read the current signing key.',
          { hint: 'Ask an operator to check the log of the server.', cause: problem },
        );
      }
      return signing;
    },
    async verifying(header, input) {
      const { published, keySet } = await recent();
      const isKnown = published.keys.some(({ kid }) => kid === header.kid);
      // The key may be newer than the last read, but not newer than a read that begins now.
      return isKnown ? keySet(header, input) : (await readSince(performance.now())).keySet(header, input);
    },
    published: async () => (await recent()).published,
  };
}
