import { argon2 as argon2Callback, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import bcrypt from 'bcryptjs';
import { createSlots } from './slots.ts';

const argon2 = promisify(argon2Callback);

/** Cost of a hash, from OWASP's password storage cheat sheet for argon2id: 19 MiB, two passes. */
const memory = 19_456;
const passes = 2;
const parallelism = 1;
const tagLength = 32;

/** Maximum length of a password: any client could make the server hash a megabyte. */
export const longestPassword = 1000;

/** Hashes that a process computes at once, 19 MiB each, and hashes that may wait: about a second of work. */
const hashing = createSlots(4, 64);

/** Throws OVERLOADED if a password could not be hashed or compared now. */
export const requireRoomForHashing = hashing.requireRoom;

interface Argon2Cost {
  memory: number;
  passes: number;
  parallelism: number;
  tagLength: number;
}

/** The hash functions, replaceable in tests. */
export const work = {
  argon2id: (message: string, nonce: Buffer, cost: Argon2Cost): Promise<Buffer> =>
    argon2('argon2id', { message, nonce, ...cost }),
  bcrypt: (password: string, stored: string): Promise<boolean> => bcrypt.compare(password, stored),
};

/** Hashes a password with argon2id, as a PHC string. Throws OVERLOADED. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  const hash = await hashing.run(() =>
    work.argon2id(password, salt, { memory, passes, parallelism, tagLength }),
  );
  return `${currentKind}${unpadded(salt)}$${unpadded(hash)}`;
}

/** Beginning of every new hash. */
const currentKind = `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$`;

/**
 * Returns whether the password matches the hash (argon2id, or bcrypt from the legacy database), and whether the hash is
 * outdated. Without a hash, for an unknown user, no password matches.
 *
 * The work is the same for all users: one comparison for each kind of stored hash. Its time reveals neither whether a
 * hash exists nor its kind. Throws OVERLOADED.
 *
 * @param kinds Beginnings of all stored hashes.
 */
export function verifyPassword(
  password: string,
  stored: string | undefined,
  kinds: readonly string[] = [],
): Promise<{ matches: boolean; outdated: boolean }> {
  return hashing.run(async () => {
    const own = stored === undefined ? undefined : kindOf(stored);
    const result = { matches: false, outdated: false };
    for (const kind of new Set([currentKind, ...kinds.map(kindOf), ...(own ? [own] : [])].sort())) {
      const compared = await compare(password, kind === own && stored ? stored : decoy(kind));
      if (kind === own) Object.assign(result, compared);
    }
    return result;
  });
}

/** Returns algorithm and cost of a hash, or of its beginning; the letter of bcrypt does not change its work. */
function kindOf(hash: string): string {
  const [, kind] = /^(\$2[abxy]\$\d\d\$|\$argon2id\$v=19\$m=\d+,t=\d+,p=\d+\$)/.exec(hash) ?? [];
  if (!kind) throw new Error('A stored password hash has an unknown format.');
  return kind.replace(/^\$2.\$/, '$2b$');
}

/** Returns a hash of this kind that no password matches. */
const decoy = (kind: string) =>
  kind.startsWith('$2') ? `${kind}${'.'.repeat(53)}` : `${kind}${'A'.repeat(22)}$${'A'.repeat(43)}`;

async function compare(password: string, hash: string): Promise<{ matches: boolean; outdated: boolean }> {
  if (hash.startsWith('$2')) return { matches: await work.bcrypt(password, hash), outdated: true };
  const parts = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/.exec(hash);
  if (!parts) throw new Error('A stored password hash has an unknown format.');
  const [, m, t, p, salt = '', tag = ''] = parts;
  const expected = Buffer.from(tag, 'base64');
  const actual = await work.argon2id(password, Buffer.from(salt, 'base64'), {
    memory: Number(m),
    passes: Number(t),
    parallelism: Number(p),
    tagLength: expected.length,
  });
  return { matches: timingSafeEqual(actual, expected), outdated: Number(m) < memory || Number(t) < passes };
}

const unpadded = (bytes: Buffer) => bytes.toString('base64').replace(/=+$/, '');

/** Returns a random password of 96 bits, to be changed at the next sign-in. */
export const newPassword = () => randomBytes(12).toString('base64url');
