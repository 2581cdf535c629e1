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

/** How long what was read of the keys is relied on, in milliseconds. `list_signing_keys` allows for it. */
const longestAge = 60_000;
/** How far apart two reads of the keys are at least, in milliseconds, whatever tokens come. */
const pause = 1000;

/** A key that signs. */
export interface SigningKey {
  kid: string;
  algorithm: string;
  privateKey: CryptoKey;
}

/** The keys that access tokens are signed and checked with. They change while the server runs: each is looked up when it is needed. */
export interface SigningKeys {
  /** The key that signs now. Refuses with SIGN_IN_UNAVAILABLE when none that may sign can be decrypted. */
  signing(): Promise<SigningKey>;
  /** The public key of a token. Throws a JOSEError when it is none of ours. */
  verifying(header: JWSHeaderParameters, input: FlattenedJWSInput): Promise<CryptoKey>;
  /** The public keys that are accepted, as they are published. */
  published(): Promise<JSONWebKeySet>;
}

/** The words the private half of a key is bound to. */
export const signingKeyContext = (kid: string) => `signing_keys/${kid}`;

/** A new key pair, its private half encrypted, as the database stores it. */
export async function newSigningKey(
  vault: Vault,
): Promise<{ kid: string; algorithm: string; publicJwk: Record<string, string> } & Sealed> {
  const pair = await generateKeyPair(algorithm, { extractable: true });
  const publicJwk = await exportJWK(pair.publicKey);
  const kid = await calculateJwkThumbprint(publicJwk);
  const sealed = vault.seal(JSON.stringify(await exportJWK(pair.privateKey)), signingKeyContext(kid));
  return { kid, algorithm, publicJwk: { ...publicJwk } as Record<string, string>, ...sealed };
}

/** What was read of the keys, and when that began. */
interface Reading {
  begunAt: number;
  signing: SigningKey | undefined;
  published: JSONWebKeySet;
  keySet: ReturnType<typeof createLocalJWKSet>;
}

/**
 * Reads the signing keys, making the first one on a new installation, and goes on reading them: at least each minute in
 * which they are used, and whenever a token names one that is not known. Refuses with ENCRYPTION_KEY_MISSING or
 * SECRET_UNREADABLE when it can decrypt none; later that is logged, and tokens are still checked.
 */
export async function openSigningKeys(pool: pg.Pool, vault: Vault, logger: Logger): Promise<SigningKeys> {
  /** What was decrypted once stays so, also when it is encrypted under a key that this server does not have. */
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
        `A signing key cannot be used by this server: ${error.message} ${error.hint ?? ''} Then start the server again. Until then it signs with an older key for at most 3 minutes, and after that signs nobody in; tokens are still checked.`,
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
      // Another server may have been first; whichever key is there now is the one.
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

  /** What was read at that moment or later. However many ask, one read at a time. */
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
          'This server cannot sign anybody in at the moment: it cannot read the current signing key.',
          { hint: 'Ask an operator to look at its log.', cause: problem },
        );
      }
      return signing;
    },
    async verifying(header, input) {
      const { published, keySet } = await recent();
      const isKnown = published.keys.some(({ kid }) => kid === header.kid);
      // It may be newer than what was read here, but not than what is read from now on.
      return isKnown ? keySet(header, input) : (await readSince(performance.now())).keySet(header, input);
    },
    published: async () => (await recent()).published,
  };
}
