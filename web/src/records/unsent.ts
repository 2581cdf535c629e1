import { isNewer, keysOf, read, write } from '../browserStorage.ts';

/** Storage prefix for one user, in one organization or in all. */
export const unsentOf = (personId: number, organizationId: number | '' = '') =>
  `vanguard.unsent.${personId}.${organizationId}`;

const listOf = (key: string): unknown[] => {
  const items = read(key);
  return Array.isArray(items) ? items : [];
};

/** Number of a user's unsaved edits in this browser, in all tabs and organizations. */
export const countUnsent = (personId: number): number =>
  keysOf(unsentOf(personId)).reduce((sum, key) => sum + listOf(key).length, 0);

/**
 * Keeps unsaved edits in the browser's storage. Each tab has its own key and holds a lock on it while it is open. When
 * a tab closes or reloads, another tab takes over its edits.
 */
export class UnsentStore<Item> {
  readonly #prefix: string;
  readonly #name = crypto.getRandomValues(new Uint32Array(2)).join('-');
  readonly #hasLocks = 'locks' in navigator;

  /** `isItem` checks stored entries, which another program or version of the app may have written. */
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
        // Stores the edits under this tab's key before removing the other key.
        if (items.length > 0) onFound(items);
        write(key, undefined);
      };
      // Without locks, as over plain HTTP, other tabs cannot tell whether that tab is open. Saving an edit twice has no
      // further effect.
      if (this.#hasLocks) void navigator.locks.request(key, takeOver);
      else queueMicrotask(takeOver);
    }
  }

  /** False if the browser does not store the edits; the page then warns that closing it loses them. */
  isKept = true;

  write(items: readonly Item[]): void {
    this.isKept = write(this.#key, items.length > 0 ? items : undefined);
  }
}
