import { perLocale } from './locale.ts';

/** Result of reading a text: a value, or the problem with advice for the user. */
export type Reading<Value> = { value: Value } | { problem: string };

const digits = perLocale((locale) =>
  [...new Intl.NumberFormat(locale, { useGrouping: false }).format(9876543210)].reverse(),
);

/**
 * Normalizes a text to the digits 0 to 9, plain spaces and ASCII punctuation, without the direction marks that `Intl`
 * adds. Users see no difference between these and other digits, no-break spaces or full-width characters.
 */
export function asPlainText(text: string): string {
  let plain = text
    .replace(/[\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/g, '')
    .replace(/[\uFF01-\uFF5E]/g, (one) => String.fromCharCode(one.charCodeAt(0) - 0xfee0))
    .replace(/\s+/g, ' ');
  digits().forEach((digit, value) => {
    plain = plain.replaceAll(digit, String(value));
  });
  return plain.trim();
}

export const escapeForPattern = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
