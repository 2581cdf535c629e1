import { VanguardError } from '../errors.ts';

// Canonical form of a row: one line of JSON, an array in the order of the columns. Each value that SQLite can store has
// exactly one form, and each form stands for one value. Two files are therefore equal exactly if their values are.

/** A stored value of SQLite. Text is bytes in the encoding of the database, and may be invalid. */
export type StoredValue =
  | { type: 'null' }
  | { type: 'integer'; value: bigint }
  | { type: 'real'; value: number }
  | { type: 'text'; bytes: Uint8Array }
  | { type: 'blob'; bytes: Uint8Array };

/** A value in a line: text, safe integers and null in plain JSON, any other value as an object that names its type. */
export type CanonicalValue =
  | null
  | string
  | number
  | { integer: string }
  | { real: string }
  | { text: string }
  | { blob: string }
  /** Only from PostgreSQL: an exact number with its stored digits. */
  | { decimal: string };

export type TextEncoding = 'utf-8' | 'utf-16le' | 'utf-16be';

/** Returns a function that converts stored values of a database with this encoding to the canonical form. */
export function canonicalForm(encoding: TextEncoding): (value: StoredValue) => CanonicalValue {
  const decoder = new TextDecoder(encoding, { fatal: true, ignoreBOM: true });
  return (stored) => {
    switch (stored.type) {
      case 'null':
        return null;
      case 'integer': {
        const number = Number(stored.value);
        return Number.isSafeInteger(number) ? number : { integer: stored.value.toString() };
      }
      case 'real':
        return { real: Object.is(stored.value, -0) ? '-0' : String(stored.value) };
      case 'text':
        try {
          return decoder.decode(stored.bytes);
        } catch (error) {
          if (!(error instanceof TypeError)) throw error;
          return { text: base64(stored.bytes) };
        }
      case 'blob':
        return { blob: base64(stored.bytes) };
    }
  };
}

const base64 = (bytes: Uint8Array) =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');

/** Returns a line without its line feed. */
export const lineOf = (row: CanonicalValue[]): string => JSON.stringify(row);

/** Returns the row of a line, or the problem of a line that `lineOf` would not write. */
export function parseLine(line: string, columns: number): CanonicalValue[] {
  let row: unknown;
  try {
    row = JSON.parse(line);
  } catch (error) {
    throw notCanonical((error as Error).message);
  }
  if (!Array.isArray(row)) throw notCanonical('it is no list of values');
  if (row.length !== columns)
    throw notCanonical(`it has ${row.length} values, and the table ${columns} columns`);
  row.forEach((value, i) => {
    if (!isCanonical(value)) throw notCanonical(`value ${i + 1} is none that an export writes`);
  });
  if (JSON.stringify(row) !== line) throw notCanonical('it is written in another way than an export does');
  return row as CanonicalValue[];
}

function notCanonical(problem: string): VanguardError {
  return new VanguardError('LEGACY_EXPORT_DAMAGED', problem);
}

function isCanonical(value: unknown): value is CanonicalValue {
  if (value === null || typeof value === 'string') return true;
  if (typeof value === 'number') return Number.isSafeInteger(value) && !Object.is(value, -0);
  if (typeof value !== 'object') return false;
  const [[type, text] = ['', undefined], ...more] = Object.entries(value) as [string, unknown][];
  if (more.length > 0 || typeof text !== 'string') return false;
  switch (type) {
    case 'integer':
      return isLargeInteger(text);
    case 'real':
      return text === '-0' || (String(Number(text)) === text && text !== 'NaN');
    case 'decimal':
      return /^-?(0|[1-9]\d*)(\.\d+)?$/.test(text);
    case 'text':
    case 'blob':
      return Buffer.from(text, 'base64').toString('base64') === text;
    default:
      return false;
  }
}

function isLargeInteger(text: string): boolean {
  if (!/^-?[1-9][0-9]{15,18}$/.test(text)) return false;
  const value = BigInt(text);
  return BigInt.asIntN(64, value) === value && !Number.isSafeInteger(Number(value));
}
