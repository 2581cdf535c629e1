import { isNewer, keysOf, read, write } from '../browserStorage.ts';

/** Where it is kept: of one person, in one organization or in all. */
export const unsentOf = (personId: number, organizationId: number | '' = '') =>
  `vanguard.unsent.${personId}.${organizationId}`;

const listOf = (key: string): unknown[] => {
  const items = read(key);
  return Array.isArray(items) ? items : [];
};

/** How much of a person's is kept in this browser, of all tabs and organizations. */
export const countUnsent = (personId: number): number =>
  keysOf(unsentOf(personId)).reduce((sum, key) => sum + listOf(key).length, 0);

/**
 * What has not reached the server yet, kept in the browser: each tab under a name of its own, which it holds by a lock for
 * as long as it lives. What a tab leaves behind, by a reload or for good, another one takes over.
 */
export class UnsentStore<Item> {
  readonly #prefix: string;
  readonly #name = crypto.getRandomValues(new Uint32Array(2)).join('-');
  readonly #hasLocks = 'locks' in navigator;

  /** `isItem` checks what is read: another version of the app, or another program, may have written it. */
  constructor(prefix: string, isItem: (item: unknown) => item is Item, onFound: (items: Item[]) => void) {
    this.#prefix = prefix;
    this.#begin(isItem, onFound);
  }

  get #key() {
    return `${this.#prefix}.${this.#name}`;
  }

  #begin(isItem: (item: unknown) => item is Item, onFound: (items: Item[]) => void): void {
    const others = keysOf(`${this.#prefix}.`);
    if (this.#hasLocks) void navigator.locks.request(this.#key, () => new Promise(() => undefined));
    for (const key of others) {
      const takeOver = () => {
        if (isNewer(key)) return;
        const items = listOf(key).filter(isItem);
        // First under our name, then no longer under the other.
        if (items.length > 0) onFound(items);
        write(key, undefined);
      };
      // Without locks (a page that came over plain HTTP) nobody knows whether that tab lives. Saved twice is saved once.
      if (this.#hasLocks) void navigator.locks.request(key, takeOver);
      else queueMicrotask(takeOver);
    }
  }

  /** Whether the browser keeps it; if not, closing the page loses it, and the page warns. */
  isKept = true;

  write(items: readonly Item[]): void {
    this.isKept = write(this.#key, items.length > 0 ? items : undefined);
  }
}
