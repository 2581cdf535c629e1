/** Returns whether JavaScript represents a number, given as text, without turning it into infinity or 0. */
export function isRepresentable(text: string): boolean {
  const value = Number(text);
  return Number.isFinite(value) && (value !== 0 || !/[1-9]/.test(text.split(/e/i)[0] ?? ''));
}
