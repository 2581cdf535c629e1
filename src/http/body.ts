import { isUtf8 } from 'node:buffer';
import express, { type RequestHandler } from 'express';
import { VanguardError } from '../errors.ts';
import { isRepresentable } from '../numbers.ts';

/** Maximum number of lists and objects inside each other in a JSON text. Far more than any request of ours has. */
export const maxJsonDepth = 64;

const [quote, backslash] = [0x22, 0x5c];
const opening = new Set([0x5b, 0x7b]);
const closing = new Set([0x5d, 0x7d]);

/**
 * Returns whether a JSON text nests deeper than `maxJsonDepth`. A linear scan, because everything that reads the value later
 * recurses, and the stack must never decide.
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

/** JSON.parse makes Infinity of 1e400, which would be written as null, and 0 of 1e-400: values would change in silence. */
function checkValue(key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value === 'number' && !isRepresentable(context?.source ?? String(value)))
    throw malformed(
      'The body of the request holds a number that is too large or too small to be one.',
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

/** Parses the bytes of a JSON text. Throws MALFORMED_JSON or INVALID_INPUT for everything that would not be read as it was meant. */
export function parseJson(bytes: Buffer): unknown {
  if (!isUtf8(bytes))
    throw malformed('The body of the request holds bytes that are no UTF-8.', 'Send JSON in UTF-8.');
  if (isTooDeep(bytes))
    throw malformed(
      `The body of the request is nested too deeply: at most ${maxJsonDepth} lists and objects may be inside each other.`,
      'Send a flatter value.',
    );
  // A byte order mark is no part of the text.
  const text = bytes.toString('utf8').replace(/^\ufeff/, '');
  try {
    return JSON.parse(text, checkValue);
  } catch (error) {
    if (error instanceof VanguardError) throw error;
    throw malformed('The body of the request is not JSON.', 'Send one whole JSON object or list.');
  }
}

/** `charset` of a Content-Type, in lower case; undefined where it names none. */
const charsetOf = (contentType: string) =>
  /;\s*charset\s*=\s*"?([^\s;"]*)/i.exec(contentType)?.[1]?.toLowerCase();

/** Reads the JSON body of a request into `request.body`. Other content types pass by, their body unread. */
export function readJson(limit: string | number): RequestHandler[] {
  const checkCharset: RequestHandler = ({ headers }, _response, next) => {
    const charset = charsetOf(headers['content-type'] ?? '');
    if (charset !== undefined && !['utf-8', 'utf8', 'us-ascii'].includes(charset))
      throw new VanguardError(
        'UNSUPPORTED_MEDIA_TYPE',
        `The body of the request is in ${JSON.stringify(charset.slice(0, 30))}, and only UTF-8 is read.`,
        { hint: 'Send JSON in UTF-8, with `Content-Type: application/json`.' },
      );
    next();
  };
  const parse: RequestHandler = (request, _response, next) => {
    if (Buffer.isBuffer(request.body)) {
      const body = request.body.length === 0 ? {} : parseJson(request.body);
      if (typeof body !== 'object' || body === null)
        throw malformed(
          'The body of the request is neither an object nor a list.',
          'Send one whole JSON object.',
        );
      request.body = body;
    }
    next();
  };
  return [checkCharset, express.raw({ type: 'application/json', limit }), parse];
}
