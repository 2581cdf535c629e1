import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/**
 * Makes a folder and those above it, and returns the topmost one that it made; undefined if all were there. Node's own recursive
 * mkdir never ends where the system says of a folder that is there that it is not, as in /proc.
 */
export function makeFolder(path: string, mode?: number): string | undefined {
  const missing: string[] = [];
  let existing = resolve(path);
  for (; !existsSync(existing); existing = dirname(existing)) missing.unshift(existing);
  // A file in the place of a folder is refused in the words of the system.
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

/** Has what was made or renamed in a folder outlive a crash of the machine. */
export function flushFolder(folder: string): void {
  if (process.platform === 'win32') return;
  const handle = openSync(folder, 'r');
  fsyncSync(handle);
  closeSync(handle);
}
