// Text in an address may be typed, shared or written by an older version, so it can be anything. Each page reads the
// parameters that it knows and reports the others.

/** The search parameters of an address, as the router parses them. */
export type Search = Readonly<Record<string, unknown>>;

/** Removes undefined and empty values. */
export const given = <T extends object>(values: { [K in keyof Required<T>]: unknown }): T =>
  Object.fromEntries(
    Object.entries(values).filter(
      ([, value]) => value !== undefined && !(Array.isArray(value) && value.length === 0),
    ),
  ) as T;

/** Returns the text of a value, because the router parses text that looks like a number or a flag. */
const textOf = (value: unknown): string | undefined =>
  typeof value === 'string'
    ? value
    : typeof value === 'number' || typeof value === 'boolean'
      ? String(value)
      : undefined;

/** Maximum number of values of one parameter. */
const most = 200;

export const texts = (value: unknown): string[] | undefined => {
  const list = (Array.isArray(value) ? value : [value]).map(textOf).filter((text) => text !== undefined);
  return list.length > 0 ? [...new Set(list)].slice(0, most) : undefined;
};

export const textThat =
  (isValid: (text: string) => boolean) =>
  (value: unknown): string | undefined => {
    const text = textOf(value);
    return text !== undefined && isValid(text) ? text : undefined;
  };

export const words = textThat((text) => /\S/.test(text));

/** Returns the value if it is an own key of the object. */
export const keyOf =
  <T extends object>(known: T) =>
  (value: unknown): (keyof T & string) | undefined =>
    typeof value === 'string' && Object.hasOwn(known, value) ? (value as keyof T & string) : undefined;

/** Reads a page number of 2 or more; the first page has no number in the address. */
export const pageNumber = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isInteger(value) && value > 1 && value <= 1_000_000 ? value : undefined;

/** A parameter of an address, and its part that the page ignores. */
export interface LeftOut {
  name: string;
  value: string;
}

const piecesOf = (value: unknown): string[] =>
  (Array.isArray(value) ? value : [value]).flatMap((one) =>
    (textOf(one) ?? JSON.stringify(one) ?? '').split(','),
  );

/** Returns the parameters that the page has not read from the address. */
export const leftOutOf = (search: Search, view: Search): LeftOut[] =>
  Object.entries(search).flatMap(([name, value]) => {
    if (value === undefined) return [];
    const taken = Object.hasOwn(view, name) ? new Set(piecesOf(view[name])) : new Set<string>();
    const left = piecesOf(value).filter((piece) => !taken.has(piece));
    return left.length > 0 ? [{ name, value: left.join(', ') }] : [];
  });
