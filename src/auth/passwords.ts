import { argon2 as argon2Callback, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import bcrypt from 'bcryptjs';

const argon2 = promisify(argon2Callback);

/** Cost of a hash, as OWASP's password storage cheat sheet has it for argon2id: 19 MiB, two passes. */
const memory = 19_456;
const passes = 2;
const parallelism = 1;
const tagLength = 32;

/** Longer ones are refused: hashing a megabyte is work that anybody could make us do. */
export const longestPassword = 1000;

/** Hashes a password: argon2id, a PHC string. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  const hash = await argon2('argon2id', {
    message: password,
    nonce: salt,
    memory,
    passes,
    parallelism,
    tagLength,
  });
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${unpadded(salt)}$${unpadded(hash)}`;
}

/** Whether the password belongs to the hash (argon2id, or bcrypt from the legacy database), and whether to hash it anew. */
export async function verifyPassword(
  password: string,
  stored: string,
): Promise<{ matches: boolean; outdated: boolean }> {
  if (stored.startsWith('$2')) return { matches: await bcrypt.compare(password, stored), outdated: true };
  const parts = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/.exec(
    stored,
  );
  if (!parts) throw new Error('A stored password hash is of no known kind.');
  const [, m, t, p, salt = '', tag = ''] = parts;
  const expected = Buffer.from(tag, 'base64');
  const actual = await argon2('argon2id', {
    message: password,
    nonce: Buffer.from(salt, 'base64'),
    memory: Number(m),
    passes: Number(t),
    parallelism: Number(p),
    tagLength: expected.length,
  });
  return { matches: timingSafeEqual(actual, expected), outdated: Number(m) < memory || Number(t) < passes };
}

const unpadded = (bytes: Buffer) => bytes.toString('base64').replace(/=+$/, '');

/** A password for somebody who has to choose another: 96 random bits. */
export const newPassword = () => randomBytes(12).toString('base64url');
