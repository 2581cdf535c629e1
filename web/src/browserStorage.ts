// Entries in the browser's storage outlive the version of the app, and other scripts of the origin can write there too.
// Each entry therefore carries a version and is checked when read.

/** Increase it when entries change their shape; `read` must then understand the previous version. */
const version = 1;

/** Accessing a disabled storage throws, so callers pass a function that returns it. */
type Store = () => Storage;
const localStore: Store = () => localStorage;
/** Storage for the lifetime of the tab. */
export const sessionStore: Store = () => sessionStorage;

const isEntry = (entry: unknown): entry is { version: number; value: unknown } =>
  typeof entry === 'object' && entry !== null && 'version' in entry && 'value' in entry;

/** True if a newer version of the app wrote the entry; this version must leave it unchanged. */
export function isNewer(key: string): boolean {
  const entry = parsed(key, localStore);
  return isEntry(entry) && entry.version > version;
}

/** Returns the value of an entry, or undefined if it is missing, invalid, or the storage is disabled. */
export function read(key: string, store: Store = localStore): unknown {
  const entry = parsed(key, store);
  // Version 0 stored the plain value.
  if (!isEntry(entry)) return entry;
  return entry.version === version ? entry.value : undefined;
}

function parsed(key: string, store: Store): unknown {
  try {
    return JSON.parse(store().getItem(key) ?? 'null') ?? undefined;
  } catch {
    // The storage is disabled, or something else wrote the entry.
    return undefined;
  }
}

/** Stores a value, or removes it if it is undefined. Returns false if the storage is disabled or full. */
export function write(key: string, value: unknown, store: Store = localStore): boolean {
  try {
    if (value === undefined) store().removeItem(key);
    else store().setItem(key, JSON.stringify({ version, value }));
    return true;
  } catch {
    // The caller decides whether the failure matters.
    return false;
  }
}

export function keysOf(prefix: string): string[] {
  try {
    return Object.keys(localStorage).filter((key) => key.startsWith(prefix));
  } catch {
    // The storage is disabled.
    return [];
  }
}
