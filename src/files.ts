import { closeSync, fsyncSync, openSync } from 'node:fs';

/** Has what was made or renamed in a folder outlive a crash of the machine. */
export function flushFolder(folder: string): void {
  if (process.platform === 'win32') return;
  const handle = openSync(folder, 'r');
  fsyncSync(handle);
  closeSync(handle);
}
