/**
 * The letter of a shortcut, in lower case: what the key writes, whatever Caps Lock says; on a layout without Latin letters,
 * what stands in its place on a Latin one.
 */
export function shortcutLetter({ key, code }: Pick<KeyboardEvent, 'key' | 'code'>): string | undefined {
  if (/^[a-z]$/i.test(key)) return key.toLowerCase();
  return key.length === 1 ? /^Key([A-Z])$/.exec(code)?.[1]?.toLowerCase() : undefined;
}
