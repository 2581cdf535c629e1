/** A value of the API; money is exact text. */
export type Value = string | boolean | null;

/** True if two values look the same to a reader: `1000` and `1000.00`, or null and an empty text. */
export function isSame(a: unknown, b: unknown): boolean {
  const [left, right] = [a, b].map((value) =>
    typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : '',
  ) as [string, string];
  if (left === right) return true;
  const number = /^-?\d+(\.\d+)?$/;
  return number.test(left) && number.test(right) && plain(left) === plain(right);
}

const plain = (number: string) =>
  (number.includes('.') ? number.replace(/\.?0+$/, '') : number).replace(/^(-?)0+(?=\d)/, '$1');

/** Returns a value of the API as a `Value`, or null if it has another type. */
export const asValue = (value: unknown): Value =>
  typeof value === 'string' || typeof value === 'boolean'
    ? value
    : typeof value === 'number'
      ? String(value)
      : null;

/**
 * Returns a value in the API's type. A JavaScript number holds amounts of up to 15 digits exactly; the server refuses
 * longer ones.
 */
export const asSent = ({ value, isAmount }: { value: Value; isAmount: boolean }) =>
  isAmount && typeof value === 'string' && /^-?0*\d{1,13}(\.\d{1,2})?$/.test(value) ? Number(value) : value;
