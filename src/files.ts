import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/**
 * Creates a folder and its parents, and returns the topmost folder that it created; undefined if all existed. Node's
 * own recursive mkdir never ends if the system denies the existence of an existing folder, as in /proc.
 */
export function makeFolder(path: string, mode?: number): string | undefined {
  const missing: string[] = [];
  let existing = resolve(path);
  for (; !existsSync(existing); existing = dirname(existing)) missing.unshift(existing);
  // A file in place of a folder gives the error of the system.
  if (!statSync(existing).isDirectory()) missing.unshift(existing);
  let topmost: string | undefined;
  for (const folder of missing) {
    try {
      mkdirSync(folder, mode);
      topmost ??= folder;
    } catch (error) {
      // Another process was faster.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || !isFolder(folder)) throw error;
    }
  }
  return topmost;
}

const isFolder = (path: string) => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;

/** Makes a created or renamed entry of a folder survive a crash of the machine. */
export function flushFolder(folder: string): void {
  if (process.platform === 'win32') return;
  const handle = openSync(folder, 'r');
  fsyncSync(handle);
  closeSync(handle);
}
