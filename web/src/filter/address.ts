// What stands in an address was typed, sent by mail, or written by an older version: any text. Each page takes what it knows
// from it, and says what it left out.

/** The search parameters of an address, as the router parses them. */
export type Search = Readonly<Record<string, unknown>>;

/** Leaves out what says nothing. */
export const given = <T extends object>(values: { [K in keyof Required<T>]: unknown }): T =>
  Object.fromEntries(
    Object.entries(values).filter(
      ([, value]) => value !== undefined && !(Array.isArray(value) && value.length === 0),
    ),
  ) as T;

/** The text of a value; the router makes numbers and flags of what looks so. */
const textOf = (value: unknown): string | undefined =>
  typeof value === 'string'
    ? value
    : typeof value === 'number' || typeof value === 'boolean'
      ? String(value)
      : undefined;

/** At most so many values of one parameter count. */
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

/** One of the keys of an object that it has itself. */
export const keyOf =
  <T extends object>(known: T) =>
  (value: unknown): (keyof T & string) | undefined =>
    typeof value === 'string' && Object.hasOwn(known, value) ? (value as keyof T & string) : undefined;

/** A page of a list, from 2: the first one needs no number. */
export const pageNumber = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isInteger(value) && value > 1 && value <= 1_000_000 ? value : undefined;

/** A parameter of an address, and what of it does not count. */
export interface LeftOut {
  name: string;
  value: string;
}

const piecesOf = (value: unknown): string[] =>
  (Array.isArray(value) ? value : [value]).flatMap((one) =>
    (textOf(one) ?? JSON.stringify(one) ?? '').split(','),
  );

/** What an address asks for beyond what the page has taken from it. */
export const leftOutOf = (search: Search, view: Search): LeftOut[] =>
  Object.entries(search).flatMap(([name, value]) => {
    if (value === undefined) return [];
    const taken = Object.hasOwn(view, name) ? new Set(piecesOf(view[name])) : new Set<string>();
    const left = piecesOf(value).filter((piece) => !taken.has(piece));
    return left.length > 0 ? [{ name, value: left.join(', ') }] : [];
  });
