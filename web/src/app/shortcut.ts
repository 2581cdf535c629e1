/**
 * Returns the letter of a shortcut in lower case, independent of Caps Lock. On a layout without Latin letters, returns
 * the Latin letter at the same position.
 */
export function shortcutLetter({ key, code }: Pick<KeyboardEvent, 'key' | 'code'>): string | undefined {
  if (/^[a-z]$/i.test(key)) return key.toLowerCase();
  return key.length === 1 ? /^Key([A-Z])$/.exec(code)?.[1]?.toLowerCase() : undefined;
}
