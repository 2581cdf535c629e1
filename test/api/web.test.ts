import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { testDatabase } from '../support/database.ts';
import { makeOrganization } from '../support/make.ts';
import { cookieOf, makePerson, testApi, type Api } from './server.ts';

// The web app beside the API, and its protection of signed-in users against other sites.

const db = await testDatabase();
const folder = await mkdtemp(join(tmpdir(), 'vanguard-web-'));
afterAll(() => rm(folder, { recursive: true }));
const script = `export const greeting = ${JSON.stringify('hello '.repeat(500))};`;
await mkdir(join(folder, 'assets'));
await writeFile(
  join(folder, 'index.html'),
  '<!doctype html><html data-mode="__MODE__"><meta property="csp-nonce" nonce="__NONCE__" /><div id="root"></div></html>',
);
await writeFile(join(folder, '.made-of'), 'abc');
await writeFile(join(folder, 'theme.js'), 'go();');
await writeFile(join(folder, 'assets', 'app-1a2b3c.js'), script);
await writeFile(join(folder, 'assets', 'app-1a2b3c.js.br'), brotliCompressSync(script));
await writeFile(join(folder, 'assets', 'app-1a2b3c.js.gz'), gzipSync(script));

const [api, production, crossing, without] = [
  await testApi(db, { webFolder: folder }),
  await testApi(db, { webFolder: folder, production: true }),
  await testApi(db, { webFolder: folder, corsOrigins: ['https://app.example.com'] }),
  await testApi(db, { webFolder: join(folder, 'nothing') }),
];
const org = await makeOrganization(db, 'HOLNG');
await makePerson(db, 'anna', [[org, 'member']]);

/** Sends a request like a browser that opens a page. */
const navigate = (to: Api, path: string) =>
  to.rest('GET', path, { headers: { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' } });

/** The raw body, not decompressed. */
const raw = (path: string, headers: Record<string, string> = {}) =>
  new Promise<{
    encoding: string | undefined;
    headers: Record<string, unknown>;
    body: Buffer;
    status?: number;
  }>((resolve, reject) => {
    request(`${api.url}${path}`, { headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({
          encoding: response.headers['content-encoding'],
          headers: response.headers,
          body: Buffer.concat(chunks),
          ...(response.statusCode ? { status: response.statusCode } : {}),
        }),
      );
    })
      .on('error', reject)
      .end();
  });

const policyOf = (answer: { headers: Headers }) =>
  Object.fromEntries(
    (answer.headers.get('content-security-policy') ?? '').split(';').map((directive) => {
      const [name = '', ...values] = directive.split(' ');
      return [name, values.join(' ')];
    }),
  );

describe('the page', () => {
  test.each(['/', '/o/HOLNG/board', '/o/HOLNG/records?sort=x', '/no/such/page', '/o/A.B'])(
    'is served at %s with a new nonce each time, and is never cached without revalidation',
    async (path) => {
      const [first, second] = [await navigate(api, path), await navigate(api, path)];
      expect(first.status).toBe(200);
      expect(first.headers.get('content-type')).toMatch(/^text\/html/);
      expect(first.headers.get('cache-control')).toBe('no-cache');
      expect(first.text).toContain('data-mode="development"');
      const nonce = /nonce="([^"]+)"/.exec(first.text)?.[1] ?? '';
      expect(nonce).toMatch(/^[\w+/]{22}==$/);
      expect(policyOf(first)['style-src']).toBe(`'self' 'nonce-${nonce}'`);
      expect(second.text).not.toContain(nonce);
    },
  );

  test.each([
    ['as anybody starts it', api],
    ['in production', production],
  ])('%s may run its own scripts only, and no site may frame it', async (_where, to) => {
    const page = await navigate(to, '/');
    expect({ ...policyOf(page), 'style-src': '' }).toEqual({
      'default-src': "'none'",
      'script-src': "'self'",
      'style-src': '',
      'img-src': "'self' data:",
      'font-src': "'self'",
      'connect-src': "'self'",
      'manifest-src': "'self'",
      'object-src': "'none'",
      'base-uri': "'none'",
      'form-action': "'self'",
      'frame-ancestors': "'none'",
    });
    expect(page.headers.get('content-security-policy')).not.toMatch(/unsafe|\*/);
    expect(page.headers.get('x-frame-options')).toBe('DENY');
    expect(page.headers.get('x-content-type-options')).toBe('nosniff');
  });

  test('names the mode', async () => {
    expect((await navigate(production, '/')).text).toContain('data-mode="production"');
  });

  test('is served at the root only, if a request does not accept HTML', async () => {
    expect((await api.rest('GET', '/')).headers.get('content-type')).toMatch(/^text\/html/);
    expect((await api.rest('GET', '/o/HOLNG/board')).status).toBe(404);
  });

  test.each(['/api/nothing', '/api', '/graphql', '/.well-known/nothing', '/assets/gone-123.js', '/metrics'])(
    'is not served in place of %s',
    async (path) => {
      const answer = await navigate(production, path);
      expect(answer.status).toBeGreaterThanOrEqual(401);
      expect(answer.body.error.code).toMatch(/^[A-Z_]+$/);
    },
  );

  test('is served for GET and HEAD, not for POST', async () => {
    const post = await api.rest('POST', '/o/HOLNG/board', { headers: { accept: 'text/html' } });
    expect([post.status, post.body.error.code]).toEqual([404, 'NOT_FOUND']);
    const head = await api.rest('HEAD', '/', { headers: { accept: 'text/html' } });
    expect([head.status, head.text]).toEqual([200, '']);
  });
});

describe('files', () => {
  test.each([
    ['gzip, deflate, br, zstd', 'br', brotliDecompressSync],
    ['gzip', 'gzip', gunzipSync],
    ['br;q=0, gzip', 'gzip', gunzipSync],
    ['identity', undefined, (body: Buffer) => body],
    [undefined, undefined, (body: Buffer) => body],
  ])('for clients that accept %s are sent as %s, cacheable forever', async (accepted, encoding, unpack) => {
    const answer = await raw('/assets/app-1a2b3c.js', accepted ? { 'accept-encoding': accepted } : {});
    expect(answer.encoding).toBe(encoding);
    expect(unpack(answer.body).toString()).toBe(script);
    expect(answer.headers).toMatchObject({
      'cache-control': 'public, max-age=31536000, immutable',
      vary: 'Accept-Encoding',
    });
    expect(answer.headers['content-type']).toMatch(/^text\/javascript/);
  });

  test('with constant names are revalidated each time', async () => {
    const file = await raw('/theme.js');
    expect([file.body.toString(), file.headers['cache-control']]).toEqual(['go();', 'no-cache']);
    const again = await raw('/theme.js', { 'if-none-match': String(file.headers.etag) });
    expect(again.status).toBe(304);
  });

  test.each([
    '/assets/gone.js',
    '/.made-of',
    '/assets/../../package.json',
    '/assets/..%2f..%2fpackage.json',
    '/assets',
    '/robots.txt',
  ])('that do not exist or are private are not found: %s', async (path) => {
    const answer = await raw(path);
    expect(answer.status).toBe(404);
    expect(answer.headers['cache-control']).toBeUndefined();
    expect(JSON.parse(answer.body.toString())).toMatchObject({ error: { code: 'NOT_FOUND' } });
  });
});

test('without a build, the page says so and the API works', async () => {
  const page = await navigate(without, '/');
  expect([page.status, page.text]).toEqual([503, expect.stringContaining('npm run build')]);
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
  expect((await without.login('anna')).status).toBe(200);
});

describe('signing in and out', () => {
  const paths = ['/api/auth/login', '/api/auth/refresh', '/api/auth/logout', '/api/auth/change-password'];
  const from = (to: Api, path: string, origin: string, cookie = '') =>
    to.rest('POST', path, { headers: { origin, cookie } });

  test.each(['https://evil.example.com', 'null', 'file://', 'http://127.0.0.1:1'])(
    'is refused for a page of %s, and the session stays',
    async (origin) => {
      const cookie = cookieOf(await api.login('anna')).header;
      for (const path of paths) {
        const answer = await from(api, path, origin, cookie);
        expect([path, answer.status, answer.body.error.code]).toEqual([path, 403, 'FORBIDDEN']);
        // A form sent from another site carries no cookie, but the response would delete the existing one.
        expect(answer.headers.getSetCookie()).toEqual([]);
      }
      expect((await from(api, '/api/auth/refresh', api.url, cookie)).status).toBe(200);
    },
  );

  test('is allowed for our own pages, those of CORS_ORIGINS, and programs', async () => {
    for (const [to, origin] of [
      [api, api.url],
      [crossing, 'https://app.example.com'],
    ] as const)
      expect((await from(to, '/api/auth/logout', origin)).status).toBe(204);
    expect((await api.rest('POST', '/api/auth/logout')).status).toBe(204);
    expect((await from(crossing, '/api/auth/logout', 'https://other.example.com')).status).toBe(403);
  });
});
