import { describe, expect, test } from 'vitest';
import { testDatabase } from '../support/database.ts';
import { makeOrganization } from '../support/make.ts';
import { makePerson, testApi, type Api } from './server.ts';

// Headers of every response: security headers, CORS, the request id.

const db = await testDatabase();
const origin = 'https://app.example.com';
const [open, production, crossing] = [
  await testApi(db),
  await testApi(db, { production: true }),
  await testApi(db, { corsOrigins: [origin, 'https://other.example.com:8443'] }),
];
const org = await makeOrganization(db, 'HOLNG');
await makePerson(db, 'anna', [[org, 'member']]);
const anna = await open.token('anna');

// Proxies and clients keep an idle connection for a minute. They must close it first, or they send into a closed one.
test('an idle connection stays open for longer than proxies and clients keep it', async () => {
  const response = await fetch(`${open.url}/api/health`);
  await response.text();
  expect(response.headers.get('keep-alive')).toBe('timeout=65');
});

/** Responses of every source: the product, the GraphQL library and Express, including their errors. */
const answers: [string, (api: Api) => ReturnType<Api['rest']>, status: number][] = [
  ['a health check', (api) => api.rest('GET', '/api/health'), 200],
  ['the key set', (api) => api.rest('GET', '/.well-known/jwks.json'), 200],
  ['data', (api) => api.rest('GET', '/api/pfa/HOLNG?limit=1', { token: anna }), 200],
  ['a stream', (api) => api.rest('GET', '/api/pfa/HOLNG', { token: anna }), 200],
  ['GraphQL', (api) => api.graphql(anna, '{ viewer { id } }'), 200],
  ['a query that does not parse', (api) => api.graphql(anna, '{'), 400],
  ['a body that is no JSON', (api) => api.rest('POST', '/api/auth/login', { text: '{' }), 400],
  ['nobody signed in', (api) => api.rest('GET', '/api/pfa/HOLNG'), 401],
  ['a token that is none', (api) => api.rest('GET', '/api/sync/status', { token: 'x' }), 401],
  ['nothing there', (api) => api.rest('GET', '/no/such/path'), 404],
  ['metrics, which are elsewhere', (api) => api.rest('GET', '/metrics'), 404],
  ['an address that is damaged', (api) => api.rest('GET', '/api/pfa/%E0%A4%A', { token: anna }), 400],
];

describe.each(answers)('%s', (_what, ask, status) => {
  test.each([
    ['as anybody starts it', open, null],
    ['in production', production, 'max-age=15552000; includeSubDomains'],
  ])('%s', async (_where, api, tls) => {
    const answer = await ask(api);
    expect(answer.status).toBe(status);
    const header = (name: string) => answer.headers.get(name);
    expect({
      'content-security-policy': header('content-security-policy'),
      'cross-origin-opener-policy': header('cross-origin-opener-policy'),
      'cross-origin-resource-policy': header('cross-origin-resource-policy'),
      'origin-agent-cluster': header('origin-agent-cluster'),
      'referrer-policy': header('referrer-policy'),
      'strict-transport-security': header('strict-transport-security'),
      'x-content-type-options': header('x-content-type-options'),
      'x-dns-prefetch-control': header('x-dns-prefetch-control'),
      'x-download-options': header('x-download-options'),
      'x-frame-options': header('x-frame-options'),
      'x-permitted-cross-domain-policies': header('x-permitted-cross-domain-policies'),
      'x-xss-protection': header('x-xss-protection'),
      'x-powered-by': header('x-powered-by'),
      'access-control-allow-origin': header('access-control-allow-origin'),
    }).toEqual({
      'content-security-policy':
        "default-src 'none';base-uri 'none';form-action 'none';frame-ancestors 'none'",
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'origin-agent-cluster': '?1',
      'referrer-policy': 'no-referrer',
      'strict-transport-security': tls,
      'x-content-type-options': 'nosniff',
      'x-dns-prefetch-control': 'off',
      'x-download-options': 'noopen',
      'x-frame-options': 'DENY',
      'x-permitted-cross-domain-policies': 'none',
      'x-xss-protection': '0',
      'x-powered-by': null,
      'access-control-allow-origin': null,
    });
    if (answer.url.includes('/api/')) expect(header('cache-control')).toBe('no-store');
    expect(header('x-request-id')).toMatch(/^[0-9a-f]{8}-[0-9a-f-]{27}$/);
  });
});

test('GraphiQL may run its own scripts, and no other page may', async () => {
  const page = await open.rest('GET', '/graphiql');
  expect(page.status).toBe(200);
  const policy = page.headers.get('content-security-policy') ?? '';
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("script-src 'self' 'unsafe-inline'");
  expect(policy).toContain("frame-ancestors 'none'");
  // The server itself serves everything that the page loads, so that the policy allows no other origin.
  const loaded = [...page.text.matchAll(/(?:src|href|from)="?\s*["']([^"']+)["']/g)].map(
    ([, url = '']) => url,
  );
  expect(loaded.length).toBeGreaterThan(0);
  for (const url of loaded) expect(url).toMatch(/^(\/|data:)/);
  for (const url of loaded.filter((one) => one.startsWith('/ruru-static/')))
    expect([url, (await open.rest('GET', url)).status]).toEqual([url, 200]);
  expect((await open.rest('GET', '/ruru-static/nothing.js')).status).toBe(404);
});

test('in production there is no GraphiQL, and no exception for it', async () => {
  for (const path of ['/graphiql', '/ruru-static/ruru.js']) {
    const answer = await production.rest('GET', path, { headers: { accept: 'text/html' } });
    expect(answer.status).toBe(404);
    expect(answer.headers.get('content-security-policy')).not.toContain('unsafe');
  }
});

describe('from another origin', () => {
  const preflight = (api: Api, from: string) =>
    api.rest('OPTIONS', '/api/auth/login', {
      headers: { origin: from, 'access-control-request-method': 'POST' },
    });

  test('calls are refused unless configured', async () => {
    const { headers } = await preflight(open, origin);
    expect([...headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
  });

  test('a configured origin may call, with the refresh cookie, and may read the request id', async () => {
    const asked = await preflight(crossing, origin);
    expect(asked.status).toBe(204);
    expect(Object.fromEntries(asked.headers)).toMatchObject({
      'access-control-allow-origin': origin,
      'access-control-allow-credentials': 'true',
      'access-control-allow-methods': 'GET,POST',
      'access-control-allow-headers': 'Authorization,Content-Type,X-Request-Id',
      vary: 'Origin',
    });
    const called = await crossing.rest('GET', '/no/such/path', { headers: { origin } });
    expect(called.headers.get('access-control-allow-origin')).toBe(origin);
    expect(called.headers.get('access-control-expose-headers')).toBe('X-Request-Id,Retry-After');
  });

  test.each(['https://evil.example.com', `${origin}.evil.com`, 'http://app.example.com', 'null'])(
    '%s may not',
    async (from) => {
      const { headers } = await preflight(crossing, from);
      expect(headers.get('access-control-allow-origin')).toBeNull();
    },
  );
});

describe('the id of a request', () => {
  const idFor = async (given: string) =>
    (await open.rest('GET', '/api/health', { headers: { 'x-request-id': given } })).headers.get(
      'x-request-id',
    );

  test.each(['a', 'req-1.2_3', 'A'.repeat(64)])('is the one of the request: %s', async (given) => {
    expect(await idFor(given)).toBe(given);
  });

  test.each(['', 'A'.repeat(65), 'a b', '-a', '{"a":1}', 'a;b', '%0a', 'ä'])(
    'is generated if the request has no valid one: %s',
    async (given) => {
      const id = await idFor(given);
      expect(id).not.toBe(given);
      expect(id).toMatch(/^[0-9a-f-]{36}$/);
    },
  );
});
