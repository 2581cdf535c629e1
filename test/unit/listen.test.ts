import { expect, test } from 'vitest';
import { shownUrl } from '../../src/http/listen.ts';

test.each([
  ['127.0.0.1', 'http://localhost:3001'],
  ['0.0.0.0', 'http://localhost:3001'],
  ['::', 'http://localhost:3001'],
  ['::1', 'http://[::1]:3001'],
  ['fd00::17', 'http://[fd00::17]:3001'],
  ['fe80::1%eth0', 'http://[fe80::1%25eth0]:3001'],
  ['vanguard.example', 'http://vanguard.example:3001'],
  ['192.0.2.7', 'http://192.0.2.7:3001'],
])('a server on %s is at %s', (host, url) => {
  expect(shownUrl(host, 3001)).toBe(url);
});
