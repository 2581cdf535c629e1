import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { defaultCredentials, startSimulator } from '../../simulator/index.ts';
import { alertOf, control, dig, gridBody, headersOf, listOf, startClassic } from './client.ts';

test('each header is required and must be right', async () => {
  const simulator = await startClassic();
  const ask = async (change: Record<string, string | undefined>): Promise<string> => {
    const headers = Object.entries({ ...headersOf(simulator, 'ONE'), ...change }).filter(
      ([, value]) => value !== undefined,
    );
    const response = await fetch(`${simulator.url}/griddata`, {
      method: 'POST',
      headers: headers as [string, string][],
      body: JSON.stringify(gridBody({ rows: 1 })),
    });
    return `${response.status} ${alertOf(await response.json())?.split(':')[0] ?? 'OK'}`;
  };
  const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;
  expect(await ask({})).toBe('200 OK');
  expect(await ask({ authorization: undefined })).toBe('401 AUTHENTICATION_FAILED');
  expect(await ask({ authorization: basic('vanguard:wrong') })).toBe('401 AUTHENTICATION_FAILED');
  expect(await ask({ authorization: undefined, 'x-api-key': defaultCredentials.apiKey })).toBe('200 OK');
  expect(await ask({ authorization: undefined, 'x-api-key': 'wrong' })).toBe('401 AUTHENTICATION_FAILED');
  expect(await ask({ tenant: undefined })).toBe('400 TENANT_REQUIRED');
  expect(await ask({ tenant: 'OTHER' })).toBe('403 TENANT_DENIED');
  expect(await ask({ organization: undefined })).toBe('400 ORGANIZATION_REQUIRED');
  expect(await ask({ organization: 'OTHER' })).toBe('403 ORGANIZATION_DENIED');
  expect(await ask({ organization: '*' })).toBe('200 OK');
});

test('a body that is not JSON, and an unknown service, are refused', async () => {
  const simulator = await startClassic();
  const headers = headersOf(simulator);
  const bad = await fetch(`${simulator.url}/griddata`, { method: 'POST', headers, body: '{' });
  expect(bad.status).toBe(400);
  expect((await fetch(`${simulator.url}/nothing`, { headers })).status).toBe(404);
});

test('too many requests a second get 429 with Retry-After', async () => {
  const simulator = await startClassic({ requestsPerSecond: 3 });
  const answers = await Promise.all(
    Array.from({ length: 8 }, () =>
      fetch(`${simulator.url}/organizations`, { headers: headersOf(simulator) }),
    ),
  );
  const refused = answers.filter(({ status }) => status === 429);
  expect(refused).toHaveLength(5);
  expect(refused[0]?.headers.get('retry-after')).toBe('1');
  expect((await control(simulator, 'GET', '/state')).body.requests).toEqual({ served: 3, limited: 5 });
});

test('a taken port is a clear error, for either port', async () => {
  const blocker = createServer();
  await new Promise<void>((resolve) => blocker.listen(0, '127.0.0.1', resolve));
  const { port } = blocker.address() as AddressInfo;
  await expect(startSimulator({ port })).rejects.toMatchObject({
    code: 'EADDRINUSE',
    message: expect.stringContaining(String(port)) as string,
  });
  await expect(startSimulator({ controlPort: port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  await new Promise((resolve) => blocker.close(resolve));
});

test('the plain lists come in pages of objects', async () => {
  const simulator = await startClassic({ onlyListed: false, organizations: {} });
  const list = async (path: string): Promise<unknown[]> => {
    const response = await fetch(`${simulator.url}/${path}`, { headers: headersOf(simulator, 'HOLNG') });
    const body: unknown = await response.json();
    return listOf(dig(body, 'Result', 'ResultData', 'DATARECORD'));
  };
  expect(await list('equipment')).toHaveLength(3735);
  expect((await list('equipment?organization=RIO&rows=1'))[0]).toMatchObject({ ORGANIZATIONCODE: 'RIO' });
  expect(await list('equipment?cursorposition=3700')).toHaveLength(35);
  expect(await list('organizations')).toContainEqual(
    expect.objectContaining({ ORGANIZATIONCODE: 'PEMS_Global' }),
  );
  expect(await list('organizations')).toHaveLength(28);
  expect(await list('categories')).toHaveLength(20);
  const classes = await list('classes');
  expect(classes).toHaveLength(120);
  expect(new Set(classes.map((one) => dig(one, 'CLASSCODE'))).size).toBe(120);
});
