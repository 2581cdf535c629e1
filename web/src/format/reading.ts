import { perLocale } from './locale.ts';

/** What a text that a user types or pastes means: a value, or why it is none and what to enter instead. */
export type Reading<Value> = { value: Value } | { problem: string };

const digits = perLocale((locale) =>
  [...new Intl.NumberFormat(locale, { useGrouping: false }).format(9876543210)].reverse(),
);

/**
 * A text with the digits 0 to 9, plain spaces and ASCII punctuation, without the marks that `Intl` writes for the direction
 * of a text. Digits of other scripts, spaces that do not break and full-width characters mean the same to a user.
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
