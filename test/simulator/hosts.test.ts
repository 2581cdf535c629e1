import { request } from 'node:http';
import { afterAll, expect, test } from 'vitest';
import { startSimulator } from '../../simulator/index.ts';

// Its ports listen on loopback only, but any page in a browser on the same machine can reach them.

const simulator = await startSimulator({ organizations: { TEST: 3 }, onlyListed: true });
afterAll(() => simulator.stop());

const statusOf = (url: string, method: string, headers: Record<string, string>) =>
  new Promise<number | undefined>((resolve, reject) => {
    request(url, { method, headers }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on('error', reject)
      .end(method === 'POST' ? '{"reset": true}' : undefined);
  });

const at = [
  ['POST', `${simulator.controlUrl}/clock`, 200],
  ['GET', `${simulator.controlUrl}/state`, 200],
  ['POST', `${simulator.url}/griddata`, 401],
] as const;

test.each<Record<string, string>>([
  { host: 'rebind.example' },
  { host: 'localhost.evil.example' },
  { host: '127.0.0.1.nip.example' },
  { origin: 'http://evil' },
  { origin: 'null' },
  { 'sec-fetch-site': 'cross-site' },
])('requests for host %o are refused', async (headers) => {
  for (const [method, url] of at) expect(await statusOf(url, method, headers)).toBe(421);
});

test.each<Record<string, string>>([
  {},
  { host: 'localhost' },
  { host: '127.0.0.1:1' },
  { host: '[::1]' },
  { origin: 'http://localhost:3001' },
])('requests for this machine are accepted: %o', async (headers) => {
  for (const [method, url, status] of at) expect(await statusOf(url, method, headers)).toBe(status);
});
