import { request as httpRequest, type IncomingMessage } from 'node:http';
import { hostname } from 'node:os';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { getIntrospectionQuery } from 'graphql';
import { beforeAll, describe, expect, test } from 'vitest';
import { graphqlLimits } from '../../src/graphql/limits.ts';
import { maxJsonDepth } from '../../src/http/body.ts';
import { engineText } from '../../src/sqlstates.ts';
import { testDatabase } from '../support/database.ts';
import { makeOrganization, putRecords } from '../support/make.ts';
import { makePerson, password, testApi } from './server.ts';

// Requests that the server refuses because of their form, before it processes them.

const db = await testDatabase();
const api = await testApi(db, {
  allowedHosts: ['vanguard.example.com'],
  admin: { host: '127.0.0.1', port: 0 },
});
const org = await makeOrganization(db, 'HOLNG');
await makePerson(db, 'anna', [[org, 'member']]);
const anna = await api.token('anna');

interface Sent {
  status: number;
  headers: NodeJS.Dict<string | string[]>;
  bytes: Buffer;
  text: string;
  code: string | undefined;
}

/** Sends bytes unchanged, with any header; fetch would correct both. */
const send = (method: string, path: string, headers: Record<string, string>, body?: Buffer, url = api.url) =>
  new Promise<Sent>((resolve, reject) => {
    const request = httpRequest(`${url}${path}`, { method, headers }, (response) => {
      const pieces: Buffer[] = [];
      response.on('data', (piece: Buffer) => pieces.push(piece));
      response.on('error', reject);
      response.on('end', () => {
        const bytes = Buffer.concat(pieces);
        const text = bytes.toString();
        const { 'content-type': type = '', 'content-encoding': encoding } = response.headers;
        const isJson = type.includes('json') && encoding === undefined;
        const json = (isJson ? JSON.parse(text) : {}) as {
          error?: { code: string };
          errors?: { extensions: { code: string } }[];
        };
        const code = json.error?.code ?? json.errors?.[0]?.extensions.code;
        resolve({ status: response.statusCode!, headers: response.headers, bytes, text, code });
      });
    });
    request.on('error', reject);
    request.end(body);
  });

const json = { 'content-type': 'application/json', authorization: `Bearer ${anna}` };
const bodies: readonly [path: string, before: string, after: string][] = [
  ['/graphql', '{"query": "{ viewer { id } }", "variables": {"a": "', '"}}'],
  ['/graphql', '{"query": "{ viewer { id } } #', '"}'],
  ['/api/pfa/HOLNG/draft', '{"recordId": "', '", "changes": {}, "revision": 1}'],
  ['/api/pfa/HOLNG/commit', '{"comment": "', '"}'],
  ['/api/sync/trigger', '{"organization": "', '"}'],
  ['/api/auth/login', '{"username": "', '", "password": "x"}'],
];

describe('the bytes of a body', () => {
  const sent = (path: string, ...bytes: (string | number[])[]) =>
    send('POST', path, json, Buffer.concat(bytes.map((part) => Buffer.from(part as string))));

  test.each(bodies)('that are not UTF-8 are refused: %s %s', async (path, before, after) => {
    for (const bytes of [
      [0xff, 0xfe],
      [0xc0, 0x80],
      [0xed, 0xa0, 0x80],
      [0xe2, 0x82],
      [0xf5, 0x80, 0x80, 0x80],
    ])
      expect(await sent(path, before, bytes, after)).toMatchObject({ status: 400, code: 'MALFORMED_JSON' });
  });

  test.each(bodies)('that encode an incomplete character are refused: %s %s', async (path, before, after) => {
    for (const escaped of ['\\ud800', '\\udc00x', '\\u0000'])
      expect(await sent(path, before, escaped, after)).toMatchObject({ status: 400, code: 'INVALID_INPUT' });
    expect(await sent(path, `{"\\ud800": 1, ${before.slice(1)}`, after)).toMatchObject({
      status: 400,
      code: 'INVALID_INPUT',
    });
  });

  test('may begin with a byte order mark and contain any complete character', async () => {
    const query = '{"query": "{ viewer { username } }", "variables": {"a": "\\ud83d\\ude00 😀 \\ufffd"}}';
    expect((await sent('/graphql', [0xef, 0xbb, 0xbf], query)).text).toContain('anna');
  });

  test.each(['utf-16', 'utf-16le', 'iso-8859-1', 'utf-7', 'windows-1252', 'nonsense'])(
    'are not read as %s',
    async (charset) => {
      for (const path of ['/graphql', '/api/pfa/HOLNG/draft', '/api/auth/login'])
        expect(
          await send(
            'POST',
            path,
            { ...json, 'content-type': `application/json; charset=${charset}` },
            Buffer.from('{}'),
          ),
        ).toMatchObject({ status: 415, code: 'UNSUPPORTED_MEDIA_TYPE' });
    },
  );

  test.each(['utf-8', 'UTF-8', '"utf-8"'])('are read as %s', async (charset) => {
    const headers = { ...json, 'content-type': `application/json; charset=${charset}` };
    const body = Buffer.from('{"query": "{ viewer { username } }"}');
    expect((await send('POST', '/graphql', headers, body)).text).toContain('anna');
  });
});

test.each(['%ff', '%fe%ff', '%c0%80', '%', '%zz', '%ed%a0%80'])(
  'an address with %s is refused',
  async (part) => {
    for (const path of [`/api/pfa/HOLNG?after=${part}`, `/api/pfa/${part}`])
      expect(await send('GET', path, json)).toMatchObject({ status: 400, code: 'INVALID_INPUT' });
  },
);

describe('nesting never overflows the stack', () => {
  const nested = (depth: number, open: string, close: string, inner = '') =>
    open.repeat(depth) + inner + close.repeat(depth);
  const isRefused = ({ status, text, code }: Sent) => {
    expect(text).not.toMatch(engineText);
    expect({ status, code }).toEqual({
      status: 400,
      code: expect.stringMatching(/^(INVALID_QUERY|MALFORMED_JSON|INVALID_INPUT)$/) as string,
    });
  };
  const query = (text: string, variables?: string) =>
    send(
      'POST',
      '/graphql',
      json,
      Buffer.from(`{"query": ${JSON.stringify(text)}${variables ? `, "variables": ${variables}` : ''}}`),
    );

  test.each<[string, (depth: number) => string]>([
    ['lists in an argument', (n) => `{ a(b: ${nested(n, '[', ']')}) }`],
    ['objects in an argument', (n) => `{ a(b: ${nested(n, '{a:', '}', '1')}) }`],
    ['fields', (n) => nested(n, '{a', '}')],
    ['inline fragments', (n) => `{${nested(n, '...{', '}', 'a')}}`],
    ['lists in the type of a variable', (n) => `query ($a: ${nested(n, '[', ']', 'Int')}) { a }`],
    ['lists that never end', (n) => `{ a(b: ${'['.repeat(n)}`],
    ['lists in a default', (n) => `query ($a: Int = ${nested(n, '[', ']')}) { a }`],
    ['lists in a directive', (n) => `{ a @b(c: ${nested(n, '[', ']')}) }`],
  ])('of %s', async (_what, made) => {
    for (const depth of [graphqlLimits.brackets + 1, 400, 2400]) {
      isRefused(await query(made(depth)));
      const stranger = await send(
        'POST',
        '/graphql',
        { 'content-type': 'application/json' },
        Buffer.from(JSON.stringify({ query: made(depth) })),
      );
      expect(stranger.text).not.toMatch(engineText);
    }
  });

  test.each<[string, (i: number) => string]>([
    ['a chain', (i) => `fragment F${i} on Query {...F${i + 1}}`],
    ['a tree', (i) => `fragment F${i} on Query {...F${i + 1} ...F${i + 1}}`],
    [
      'a tree of fields',
      (i) => `fragment F${i} on Query {a${i}: query {...F${i + 1}} b${i}: query {...F${i + 1}}}`,
    ],
  ])('of fragments: %s', async (_what, made) => {
    for (const count of [graphqlLimits.fragments - 1, graphqlLimits.fragments, 300, 1600]) {
      const text = `{...F0}${Array.from({ length: count }, (_, i) => made(i)).join('')}fragment F${count} on Query {__typename}`;
      const answer = await query(text);
      if (count >= graphqlLimits.fragments) isRefused(answer);
      else expect(answer.text).not.toMatch(engineText);
    }
  });

  test('of JSON in a body', async () => {
    for (const depth of [maxJsonDepth + 1, 3000, 100_000]) {
      for (const [open, close] of [
        ['[', ']'],
        ['{"not":', '}'],
      ] as const) {
        const value = nested(depth, open, close, '1');
        isRefused(
          await query(
            'query ($f: PfaRecordFilter) { organizations { nodes { pfaRecords(filter: $f) { totalCount } } } }',
            `{"f": ${value}}`,
          ),
        );
        for (const [path, key] of [
          ['/api/pfa/HOLNG/commit', 'filter'],
          ['/api/pfa/HOLNG/draft', 'changes'],
          ['/api/sync/trigger', 'organization'],
        ])
          isRefused(await send('POST', path!, json, Buffer.from(`{"${key}": ${value}}`)));
      }
    }
  });
});

describe('the schema', () => {
  const many = (count: number, made: (i: number) => string) =>
    Array.from({ length: count }, (_, i) => made(i)).join(' ');
  const all = 'types { name fields { name args { name type { name } } type { name ofType { name } } } }';

  test.each<[string, string]>([
    ['twice', `{ a: __schema { queryType { name } } b: __schema { queryType { name } } }`],
    ['under 100 names', `{ ${many(100, (i) => `a${i}: __schema { ${all} }`)} }`],
    [
      'through a fragment',
      `{ a: query { ...F } b: query { ...F } } fragment F on Query { __schema { ${all} } }`,
    ],
    ['type by type', `{ ${many(11, (i) => `a${i}: __type(name: "Query") { name }`)} }`],
    ['with many names inside', `{ __schema { ${many(20, (i) => `a${i}: ${all}`)} } }`],
    [
      'with lists within lists',
      '{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }',
    ],
  ])('cannot be read through %s', async (_what, query) => {
    const { body, text } = await api.graphql(anna, query);
    expect(text.length).toBeLessThan(1000);
    expect(body.errors?.[0]?.extensions?.code).toMatch(/^(QUERY_TOO_COSTLY|INVALID_QUERY)$/);
  });

  test('is built once and cached for the standard query', async () => {
    const query = getIntrospectionQuery({ specifiedByUrl: true, inputValueDeprecation: true });
    const first = await api.graphql(null, query);
    expect(first.body.errors).toBeUndefined();
    expect((await api.graphql(anna, query)).text).toBe(first.text);
  });

  test('can be read by type too', async () => {
    const { body } = await api.graphql(null, '{ __type(name: "Query") { fields { name } } }');
    expect(body.errors).toBeUndefined();
  });
});

describe('the host', () => {
  const { port } = new URL(api.url);
  const foreign = [
    'rebind.example',
    `rebind.example:${port}`,
    'localhost.evil.example',
    '127.0.0.1.nip.example',
    'evil',
    'vanguard.example.com.evil.example',
    'sub.vanguard.example.com',
    'user@localhost',
    'localhost/',
  ];
  const own = [
    'localhost',
    `localhost:${port}`,
    'LOCALHOST',
    'localhost.',
    '127.0.0.1',
    '10.1.2.3:80',
    '[::1]:3001',
    'vanguard.example.com',
    'Vanguard.Example.com:443',
    hostname(),
  ];
  const paths = [
    '/',
    '/api/health',
    '/api/ready',
    '/graphql',
    '/graphiql',
    '/.well-known/jwks.json',
    '/api/pfa/HOLNG',
    '/o/HOLNG/records',
  ];

  test.each(foreign)('%s is refused', async (host) => {
    for (const path of paths)
      expect(await send('GET', path, { ...json, host })).toMatchObject({
        status: 421,
        code: 'HOST_NOT_ALLOWED',
      });
    for (const path of ['/metrics', '/api/health', '/api/ready'])
      expect(await send('GET', path, { host }, undefined, api.adminUrl)).toMatchObject({
        status: 421,
        code: 'HOST_NOT_ALLOWED',
      });
  });

  test.each(own)('%s is served', async (host) => {
    expect(await send('GET', '/api/health', { host })).toMatchObject({ status: 200 });
    expect(await send('GET', '/metrics', { host }, undefined, api.adminUrl)).toMatchObject({ status: 200 });
  });

  test('from a proxy counts only if the proxy is trusted', async () => {
    const behind = await testApi(db, { allowedHosts: ['vanguard.example.com'], trustProxy: ['loopback'] });
    const named = (name: string, url: string) =>
      send('GET', '/api/health', { host: 'upstream:3001', 'x-forwarded-host': name }, undefined, url);
    expect((await named('vanguard.example.com', behind.url)).status).toBe(200);
    expect((await named('rebind.example', behind.url)).status).toBe(421);
    expect((await named('vanguard.example.com', api.url)).status).toBe(421);
  });

  test('of a websocket is checked too', async () => {
    const upgrade = (host: string) =>
      new Promise<number | undefined>((resolve, reject) => {
        const key = Buffer.alloc(16).toString('base64');
        const request = httpRequest(`${api.url}/graphql`, {
          headers: {
            host,
            connection: 'Upgrade',
            upgrade: 'websocket',
            'sec-websocket-version': '13',
            'sec-websocket-key': key,
            'sec-websocket-protocol': 'graphql-transport-ws',
          },
        });
        const answered = ({ statusCode, socket }: IncomingMessage) => {
          socket.destroy();
          resolve(statusCode);
        };
        request.on('response', answered).on('upgrade', answered).on('error', reject).end();
      });
    expect(await upgrade('rebind.example')).toBe(421);
    expect(await upgrade(`localhost:${port}`)).toBe(101);
  });

  test('of a page that uses an admin port must match exactly', async () => {
    for (const headers of [
      { origin: 'http://evil.example' },
      { origin: 'null' },
      { 'sec-fetch-site': 'cross-site' },
    ] as Record<string, string>[])
      expect(await send('GET', '/metrics', headers, undefined, api.adminUrl)).toMatchObject({
        status: 421,
        code: 'HOST_NOT_ALLOWED',
      });
    expect((await send('GET', '/metrics', { origin: api.adminUrl }, undefined, api.adminUrl)).status).toBe(
      200,
    );
  });
});

describe('long responses', () => {
  beforeAll(async () => {
    const comments = 'long '.repeat(1000);
    // Much more than the buffers of a connection can hold.
    await putRecords(
      db,
      org,
      Array.from({ length: 5000 }, (_, i) => ({ pfaId: `r${String(i).padStart(4, '0')}`, comments })),
    );
  });

  test('are compressed, and start to arrive before they are complete', async () => {
    const headers = { authorization: json.authorization };
    const plain = await send('GET', '/api/pfa/HOLNG', headers);
    expect(plain.headers['content-encoding']).toBeUndefined();
    for (const [taken, encoding, unpack] of [
      ['br, gzip', 'br', brotliDecompressSync],
      ['gzip', 'gzip', gunzipSync],
    ] as const) {
      const answer = await send('GET', '/api/pfa/HOLNG', { ...headers, 'accept-encoding': taken });
      expect(answer.headers).toMatchObject({ 'content-encoding': encoding, vary: 'Accept-Encoding' });
      expect(unpack(answer.bytes).toString()).toBe(plain.text);
      expect(answer.bytes.length).toBeLessThan(plain.bytes.length / 5);
    }
    const query = Buffer.from(
      JSON.stringify({
        query: '{ organizationByCode(code: "HOLNG") { pfaRecords(first: 500) { nodes { data } } } }',
      }),
    );
    const graphql = await send('POST', '/graphql', { ...json, 'accept-encoding': 'br' }, query);
    expect(graphql.headers).toMatchObject({ 'content-encoding': 'br', vary: 'Accept-Encoding' });
    expect(brotliDecompressSync(graphql.bytes).toString()).toContain('r0499');
  });

  test.each(['identity', 'identity;q=1, *;q=0', 'banana'])(
    'are not compressed for clients that accept %s',
    async (taken) => {
      const answer = await send('GET', '/api/pfa/HOLNG?limit=10', {
        authorization: json.authorization,
        'accept-encoding': taken,
      });
      expect(answer.headers['content-encoding']).toBeUndefined();
      expect(answer.headers.vary).toBe('Accept-Encoding');
    },
  );

  test('are the only compressed ones: short responses and those of sign-in are not', async () => {
    const accept = { 'accept-encoding': 'br, gzip' };
    expect((await send('GET', '/api/health', accept)).headers['content-encoding']).toBeUndefined();
    const body = Buffer.from(JSON.stringify({ username: 'anna', password }));
    const login = await send(
      'POST',
      '/api/auth/login',
      { 'content-type': 'application/json', ...accept },
      body,
    );
    expect(login.status).toBe(200);
    expect(login.headers['content-encoding']).toBeUndefined();
  });

  const taken = {
    membership: 'delete from app_public.user_organizations where user_id = $1',
    account: 'update app_public.users set is_active = false where id = $1',
    session: 'select app_private.end_all_sessions($1)',
  };
  test.each(Object.entries(taken))('stop once the %s has ended', async (what, sql) => {
    const user = await makePerson(db, `leaves-${what}`, [[org, 'viewer']]);
    const authorization = `Bearer ${await api.token(`leaves-${what}`)}`;
    const outcome = await new Promise<string>((resolve, reject) => {
      const request = httpRequest(`${api.url}/api/pfa/HOLNG`, { headers: { authorization } }, (response) => {
        response.once('data', () => {
          // The client stops reading, so that the server cannot have sent everything.
          response.pause();
          db.owner.query(sql, [user]).then(() => {
            let rest = '';
            response.on('data', (piece: Buffer) => (rest += piece.toString()));
            response.on('end', () => resolve(rest));
            response.on('error', (error: NodeJS.ErrnoException) =>
              resolve(`${error.code}, ${rest.includes('r4999') ? 'whole' : 'cut off'}`),
            );
            response.resume();
          }, reject);
        });
      });
      request.on('error', reject).end();
    });
    expect(outcome).toBe('ECONNRESET, cut off');
  });
});
