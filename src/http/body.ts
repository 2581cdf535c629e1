import { isUtf8 } from 'node:buffer';
import express, { type RequestHandler } from 'express';
import { VanguardError } from '../errors.ts';
import { isRepresentable } from '../numbers.ts';

/** Maximum nesting of lists and objects in a JSON text. Valid requests nest far less. */
export const maxJsonDepth = 64;

const [quote, backslash] = [0x22, 0x5c];
const opening = new Set([0x5b, 0x7b]);
const closing = new Set([0x5d, 0x7d]);

/**
 * Returns whether a JSON text nests deeper than `maxJsonDepth`. A linear scan protects the stack: all later readers of
 * the value recurse.
 */
function isTooDeep(text: Buffer): boolean {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const byte = text[i]!;
    if (inString) {
      if (byte === backslash) i++;
      else if (byte === quote) inString = false;
    } else if (byte === quote) inString = true;
    else if (opening.has(byte)) {
      if (++depth > maxJsonDepth) return true;
    } else if (closing.has(byte)) depth--;
  }
  return false;
}

const malformed = (message: string, hint: string) => new VanguardError('MALFORMED_JSON', message, { hint });

/**
 * JSON.parse turns 1e400 into Infinity, which would be written as null, and 1e-400 into 0: values would change
 * silently.
 */
function checkValue(key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value === 'number' && !isRepresentable(context?.source ?? String(value)))
    throw malformed(
      'The request body holds a number that is too large or too small to be represented.',
      'Send numbers between 1e-300 and 1e300, or 0.',
    );
  for (const text of [key, value]) {
    if (typeof text !== 'string') continue;
    if (!text.isWellFormed())
      throw new VanguardError(
        'INVALID_INPUT',
        'The request holds half of a character: a surrogate without its pair.',
        { hint: 'Send whole characters.' },
      );
    if (text.includes('\0'))
      throw new VanguardError(
        'INVALID_INPUT',
        'The request holds a null character, which cannot be stored.',
        {
          hint: 'Remove it.',
        },
      );
  }
  return value;
}

/** Parses the bytes of a JSON text. Throws MALFORMED_JSON or INVALID_INPUT for every text that would be misread. */
export function parseJson(bytes: Buffer): unknown {
  if (!isUtf8(bytes))
    throw malformed('The request body holds bytes that are not UTF-8.', 'Send JSON in UTF-8.');
  if (isTooDeep(bytes))
    throw malformed(
      `The request body is nested too deeply: it can nest at most ${maxJsonDepth} lists and objects.`,
      'Send a flatter value.',
    );
  // A byte order mark is not part of the text.
  const text = bytes.toString('utf8').replace(/^\ufeff/, '');
  try {
    return JSON.parse(text, checkValue);
  } catch (error) {
    if (error instanceof VanguardError) throw error;
    throw malformed('The request body is not JSON.', 'Send one whole JSON object or list.');
  }
}

/** Returns the `charset` of a Content-Type in lower case; undefined if it names none. */
const charsetOf = (contentType: string) =>
  /;\s*charset\s*=\s*"?([^\s;"]*)/i.exec(contentType)?.[1]?.toLowerCase();

/** Reads the JSON body of a request into `request.body`. Leaves the body of other content types unread. */
export function readJson(limit: string | number): RequestHandler[] {
  const checkCharset: RequestHandler = ({ headers }, _response, next) => {
    const charset = charsetOf(headers['content-type'] ?? '');
    if (charset !== undefined && !['utf-8', 'utf8', 'us-ascii'].includes(charset))
      throw new VanguardError(
        'UNSUPPORTED_MEDIA_TYPE',
        `The request body is in ${JSON.stringify(charset.slice(0, 30))}, but only UTF-8 is accepted.`,
        { hint: 'Send JSON in UTF-8, with `Content-Type: application/json`.' },
      );
    next();
  };
  const parse: RequestHandler = (request, _response, next) => {
    if (Buffer.isBuffer(request.body)) {
      const body = request.body.length === 0 ? {} : parseJson(request.body);
      if (typeof body !== 'object' || body === null)
        throw malformed('The request body is neither an object nor a list.', 'Send one whole JSON object.');
      request.body = body;
    }
    next();
  };
  return [checkCharset, express.raw({ type: 'application/json', limit }), parse];
}
