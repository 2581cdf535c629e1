/** Whether a number as text is about what JavaScript makes of it, and not infinite, or 0 although it is not. */
export function isRepresentable(text: string): boolean {
  const value = Number(text);
  return Number.isFinite(value) && (value !== 0 || !/[1-9]/.test(text.split(/e/i)[0] ?? ''));
}
