import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { makeFolder } from '../../src/files.ts';

const base = mkdtempSync(join(tmpdir(), 'vanguard-files-'));
afterAll(() => rmSync(base, { recursive: true, force: true }));

test('a folder is created with its parents, and the topmost new one is returned', () => {
  expect(makeFolder(join(base, 'a', 'b', 'c'), 0o711)).toBe(join(base, 'a'));
  expect(statSync(join(base, 'a', 'b', 'c')).isDirectory()).toBe(true);
  expect(makeFolder(join(base, 'a', 'b', 'd'))).toBe(join(base, 'a', 'b', 'd'));
  expect(makeFolder(join(base, 'a'))).toBeUndefined();
  mkdirSync(join(base, 'real'));
  symlinkSync(join(base, 'real'), join(base, 'link'));
  expect(makeFolder(join(base, 'link', 'x'))).toBe(join(base, 'link', 'x'));
});

test('a folder that cannot be created is refused, also where the system gives no reason', () => {
  writeFileSync(join(base, 'file'), '');
  expect(() => makeFolder(join(base, 'file'))).toThrow(/EEXIST/);
  expect(() => makeFolder(join(base, 'file', 'below'))).toThrow(/EEXIST|ENOTDIR/);
  symlinkSync(join(base, 'nowhere'), join(base, 'dangling'));
  expect(() => makeFolder(join(base, 'dangling'))).toThrow(/EEXIST/);
});

// Node's own recursive mkdir never returns here: in this process it would hang the tests.
test.skipIf(process.platform !== 'linux')('a folder in /proc is refused at once', () => {
  expect(() => makeFolder('/proc/vanguard/data')).toThrow(/ENOENT/);
});
