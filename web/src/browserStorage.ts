// What this app keeps in the browser outlives its version, and anything else on the page can write there too. So each entry
// carries a version, and is checked when it is read.

/** Grows when entries change their shape; `read` then has to understand the one before. */
const version = 1;

/** Reaching for a storage that the user has switched off throws, so callers name it by a function. */
type Store = () => Storage;
const localStore: Store = () => localStorage;
/** Kept as long as the tab. */
export const sessionStore: Store = () => sessionStorage;

const isEntry = (entry: unknown): entry is { version: number; value: unknown } =>
  typeof entry === 'object' && entry !== null && 'version' in entry && 'value' in entry;

/** Whether an entry is one that this version cannot understand, so that it is left alone: a newer app wrote it. */
export function isNewer(key: string): boolean {
  const entry = parsed(key, localStore);
  return isEntry(entry) && entry.version > version;
}

/** The value of an entry; undefined if there is none, or the browser keeps nothing, or it is no value of ours. */
export function read(key: string, store: Store = localStore): unknown {
  const entry = parsed(key, store);
  // Version 0 had the value without a version.
  if (!isEntry(entry)) return entry;
  return entry.version === version ? entry.value : undefined;
}

function parsed(key: string, store: Store): unknown {
  try {
    return JSON.parse(store().getItem(key) ?? 'null') ?? undefined;
  } catch {
    // The browser keeps nothing, or something else wrote the entry.
    return undefined;
  }
}

/** Keeps a value, or removes it if it is undefined. False if the browser keeps nothing, or no more. */
export function write(key: string, value: unknown, store: Store = localStore): boolean {
  try {
    if (value === undefined) store().removeItem(key);
    else store().setItem(key, JSON.stringify({ version, value }));
    return true;
  } catch {
    // The caller decides whether that matters.
    return false;
  }
}

export function keysOf(prefix: string): string[] {
  try {
    return Object.keys(localStorage).filter((key) => key.startsWith(prefix));
  } catch {
    // The browser keeps nothing.
    return [];
  }
}
