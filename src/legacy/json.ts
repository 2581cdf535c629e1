import { bare } from './names.ts';
import type { CanonicalValue } from './values.ts';

// JSON that the prototype stored: objects whose members are read like columns.

/** A member of an object. */
export interface JsonMember {
  /** The name as written. */
  key: string;
  /** The value as written, with all digits of numbers. */
  json: string;
  /** Returns the value like that of a column of this kind; undefined for a list or an object. */
  readonly valueOf: (kind: string) => CanonicalValue | undefined;
}

/** Returns a decimal as a JSON number, without trailing zeros. */
export const jsonNumber = (decimal: string): string =>
  decimal.includes('.') ? decimal.replace(/\.?0+$/, '') : decimal;

/** A number that keeps its written form. */
class Digits {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

type Parse = (
  text: string,
  reviver: (key: string, value: unknown, context: { source?: string }) => unknown,
) => unknown;

/**
 * Returns the members of an object by their bare names; undefined if the value is not a JSON object. The last of
 * several members with the same bare name counts.
 */
export function jsonMembers(value: CanonicalValue): Map<string, JsonMember> | undefined {
  if (typeof value !== 'string') return undefined;
  let parsed: unknown;
  try {
    parsed = (JSON.parse as Parse)(value, (_, member, { source }) =>
      typeof member === 'number' ? new Digits(source ?? String(member)) : member,
    );
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return undefined;
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed) || parsed instanceof Digits)
    return undefined;
  return new Map(
    Object.entries(parsed).map(([key, member]: [string, unknown]) => [
      bare(key),
      { key, json: written(member), valueOf: (kind) => canonical(member, kind) },
    ]),
  );
}

function written(value: unknown): string {
  if (value instanceof Digits) return value.text;
  if (Array.isArray(value)) return `[${value.map(written).join(',')}]`;
  if (typeof value === 'object' && value !== null)
    return `{${Object.entries(value)
      .map(([key, member]) => `${JSON.stringify(key)}:${written(member)}`)
      .join(',')}}`;
  return JSON.stringify(value);
}

function canonical(value: unknown, kind: string): CanonicalValue | undefined {
  if (value === null) return null;
  if (typeof value === 'boolean') return String(value);
  // Prisma writes an amount as a string to keep its digits.
  if (typeof value === 'string')
    return kind === 'number' && /^-?\d+(\.\d+)?$/.test(value) ? decimal(value) : value;
  if (!(value instanceof Digits)) return undefined;
  const number = Number(value.text);
  if (/^-?(0|[1-9]\d*)$/.test(value.text) && Number.isSafeInteger(number) && !Object.is(number, -0))
    return number;
  return /^-?(0|[1-9]\d*)(\.\d+)?$/.test(value.text) ? decimal(value.text) : { real: String(number) };
}

const decimal = (text: string): CanonicalValue => ({ decimal: text.replace(/^(-?)0+(?=\d)/, '$1') });
