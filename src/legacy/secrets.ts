import { createDecipheriv } from 'node:crypto';
import { VanguardError } from '../errors.ts';

/**
 * Reads the key of the prototype (its ENCRYPTION_KEY): 32 bytes as hexadecimal digits, as base64, or as 32 characters.
 */
export function parseLegacyKey(text: string): Buffer {
  const given = text.trim();
  if (/^[0-9a-f]{64}$/i.test(given)) return Buffer.from(given, 'hex');
  const bytes = [Buffer.from(given, 'base64'), Buffer.from(given, 'utf8')].find(
    ({ length }) => length === 32,
  );
  if (bytes) return bytes;
  throw new VanguardError('INVALID_INPUT', 'This is not a key of the prototype: AES-256 needs 32 bytes.', {
    hint: 'Enter the value of ENCRYPTION_KEY of its .env file: 64 hexadecimal digits, base64, or 32 characters.',
  });
}

/**
 * Decrypts a text of the prototype, `iv:tag:ciphertext` in base64: AES-256-GCM, or AES-256-CBC if the tag is empty or
 * missing. Returns undefined for another key or another kind of text.
 */
export function decryptLegacySecret(secret: string, key: Buffer): string | undefined {
  const parts = secret.split(':').map((part) => Buffer.from(part, 'base64'));
  const [iv, tag, ciphertext] = parts.length === 2 ? [parts[0], Buffer.alloc(0), parts[1]] : parts;
  if (parts.length > 3 || !iv || !tag || !ciphertext) return undefined;
  try {
    if (tag.length > 0) {
      const decipher = createDecipheriv('aes-256-gcm', key, iv, { authTagLength: tag.length });
      decipher.setAuthTag(tag);
      return utf8(Buffer.concat([decipher.update(ciphertext), decipher.final()]));
    }
    const decipher = createDecipheriv('aes-256-cbc', key, iv);
    return utf8(Buffer.concat([decipher.update(ciphertext), decipher.final()]));
  } catch {
    // For any error, the text is unreadable with this key; the caller reports it.
    return undefined;
  }
}

/**
 * CBC has no checksum. Under a wrong key, the padding is right once in 256 times, but the result is hardly ever text.
 */
function utf8(bytes: Buffer): string {
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
}
