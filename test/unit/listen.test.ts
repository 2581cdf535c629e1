import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { listen, shownUrl } from '../../src/http/listen.ts';

test.each([
  ['127.0.0.1', 'http://localhost:3001'],
  ['0.0.0.0', 'http://localhost:3001'],
  ['::', 'http://localhost:3001'],
  ['::1', 'http://[::1]:3001'],
  ['fd00::17', 'http://[fd00::17]:3001'],
  ['fe80::1%eth0', 'http://[fe80::1%25eth0]:3001'],
  ['vanguard.example', 'http://vanguard.example:3001'],
  ['192.0.2.7', 'http://192.0.2.7:3001'],
])('a server on %s has the URL %s', (host, url) => {
  expect(shownUrl(host, 3001)).toBe(url);
});

test('an occupied port and an unavailable address have different errors', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  await expect(listen(createServer(), '127.0.0.1', port, 'PORT')).rejects.toMatchObject({
    code: 'PORT_IN_USE',
    hint: 'Stop that program, or set PORT to another.',
  });
  other.close();
  await expect(listen(createServer(), 'nohost.invalid', 0, 'PORT')).rejects.toMatchObject({
    code: 'ADDRESS_UNAVAILABLE',
    message: 'The name nohost.invalid stands for no address.',
    hint: 'Set HOST to an address of this machine, or to 0.0.0.0 for all of them.',
  });
  // From TEST-NET-1, which no machine has.
  await expect(listen(createServer(), '192.0.2.1', 0, 'ADMIN_PORT')).rejects.toMatchObject({
    code: 'ADDRESS_UNAVAILABLE',
    hint: expect.stringContaining('Set ADMIN_HOST') as string,
  });
});
