/** Where it is kept: of one person, in one organization or in all. */
export const unsentOf = (personId: number, organizationId: number | '' = '') =>
  `vanguard.unsent.${personId}.${organizationId}`;

function keysOf(prefix: string): string[] {
  try {
    return Object.keys(localStorage).filter((key) => key.startsWith(prefix));
  } catch {
    // A browser that keeps nothing.
    return [];
  }
}

function read<Item>(key: string): Item[] {
  try {
    const items: unknown = JSON.parse(localStorage.getItem(key) ?? '[]');
    return Array.isArray(items) ? (items as Item[]) : [];
  } catch {
    // Whatever that is, it was not written here.
    return [];
  }
}

/** How much of a person's is kept in this browser, of all tabs and organizations. */
export const countUnsent = (personId: number): number =>
  keysOf(unsentOf(personId)).reduce((sum, key) => sum + read(key).length, 0);

/**
 * What has not reached the server yet, kept in the browser: each tab under a name of its own, which it holds by a lock for
 * as long as it lives. What a tab leaves behind, by a reload or for good, another one takes over.
 */
export class UnsentStore<Item> {
  readonly #prefix: string;
  readonly #name = crypto.getRandomValues(new Uint32Array(2)).join('-');
  readonly #hasLocks = 'locks' in navigator;

  constructor(prefix: string, onFound: (items: Item[]) => void) {
    this.#prefix = prefix;
    this.#begin(onFound);
  }

  get #key() {
    return `${this.#prefix}.${this.#name}`;
  }

  #begin(onFound: (items: Item[]) => void): void {
    const others = keysOf(`${this.#prefix}.`);
    if (this.#hasLocks) void navigator.locks.request(this.#key, () => new Promise(() => undefined));
    for (const key of others) {
      const takeOver = () => {
        const items = read<Item>(key);
        // First under our name, then no longer under the other.
        if (items.length > 0) onFound(items);
        localStorage.removeItem(key);
      };
      // Without locks (a page that came over plain HTTP) nobody knows whether that tab lives. Saved twice is saved once.
      if (this.#hasLocks) void navigator.locks.request(key, takeOver);
      else queueMicrotask(takeOver);
    }
  }

  /** Whether the browser keeps it. */
  isKept = true;

  write(items: readonly Item[]): void {
    try {
      if (items.length > 0) localStorage.setItem(this.#key, JSON.stringify(items));
      else localStorage.removeItem(this.#key);
      this.isKept = true;
    } catch {
      // It keeps nothing, or no more: who would close the page is warned.
      this.isKept = false;
    }
  }
}
