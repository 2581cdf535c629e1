import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { VanguardError } from '../../src/errors.ts';
import { checkConnection, createPemsClient } from '../../src/pems/index.ts';
import type { PemsConnection, PemsPage, PemsRequestEvent, ReadGridOptions } from '../../src/pems/index.ts';
import { gzipSync } from 'node:zlib';
import { byAlias, dataOnly, headData, type Row } from './answers.ts';
import { until } from '../support/until.ts';
import { connectionTo, gridOf, json, startLoopback, status } from './loopback.ts';
import type { Handler, Loopback } from './loopback.ts';

let pems: Loopback;
beforeAll(async () => {
  pems = await startLoopback();
});
afterAll(async () => {
  await pems[Symbol.asyncDispose]();
});
beforeEach(() => {
  pems.requests.length = 0;
});

const noClock = (): Promise<string> => Promise.resolve('');
const oneRow = dataOnly([{ pfs_id: 'A', pfs_a_org: 'RIO' }], false);
const SECRET = 'correct horse battery';
/** A page without column names, and the header with them. */
const unnamed = {
  Result: {
    ResultData: {
      GRID: {
        METADATA: { MORERECORDPRESENT: '-', RECORDS: '1' },
        DATA: {
          ROW: [
            {
              id: 1,
              D: [
                { n: 3000, value: 'A' },
                { n: 3001, value: 'RIO' },
              ],
            },
          ],
        },
      },
    },
  },
};
const header = {
  Result: {
    ResultData: {
      GRID: {
        FIELDS: {
          FIELD: [
            { aliasnum: 3000, name: 'pfs_id', datatype: 'VARCHAR' },
            { aliasnum: 3001, name: 'pfs_a_org', DataType: ' Varchar ', type: 7 },
          ],
        },
      },
    },
  },
};

interface ReadResult {
  pages: PemsPage[];
  rows: Row[];
  events: PemsRequestEvent[];
}

async function read(
  over: Partial<PemsConnection> = {},
  options: Partial<ReadGridOptions> = {},
): Promise<ReadResult> {
  const events: PemsRequestEvent[] = [];
  const pages: PemsPage[] = [];
  const client = createPemsClient(connectionTo(pems, over));
  const onRequest = (event: PemsRequestEvent): void => void events.push(event);
  for await (const page of client.readGrid({ organization: 'RIO', clock: noClock, onRequest, ...options })) {
    pages.push(page);
  }
  return { pages, rows: pages.flatMap(byAlias), events };
}

/** Returns the error of a failing read. */
async function failure(
  over: Partial<PemsConnection> = {},
  options: Partial<ReadGridOptions> = {},
): Promise<VanguardError> {
  try {
    await read(over, options);
  } catch (error) {
    if (error instanceof VanguardError) return error;
    throw error;
  }
  return expect.unreachable('the read did not fail');
}

/** Everything that a program could print of an error. */
function everything(error: Error): string {
  const own = Object.getOwnPropertyNames(error).map((name) => [name, (error as never)[name]] as const);
  return JSON.stringify(Object.fromEntries(own)) + String(error) + (error.stack ?? '');
}

describe('a request', () => {
  test('goes to /griddata with credentials, tenant and organization', async () => {
    pems.answer(json(oneRow));
    await read({ baseUrl: `${pems.baseUrl}/`, headers: { 'X-Site': 'north', Tenant: 'ignored' } });
    const [request] = pems.requests;
    expect(request?.url).toBe('/axis/restservices/griddata');
    expect(request?.headers).toMatchObject({
      authorization: `Basic ${Buffer.from(`reader:${SECRET}`).toString('base64')}`,
      tenant: 'ACME_PRD',
      organization: 'RIO',
      'content-type': 'application/json',
      'x-site': 'north',
    });
  });

  test('names the organization of the login in the header, and that of the records in its body', async () => {
    pems.answer(json(oneRow));
    for (const loginOrganization of ['*', 'HQ', null]) await read({ loginOrganization });
    expect(pems.requests.map(({ headers }) => headers.organization)).toEqual(['*', 'HQ', 'RIO']);
    for (const { body } of pems.requests) expect(body.ADDON_FILTER).toMatchObject({ VALUE: 'RIO' });
    expect((await failure({ loginOrganization: 'H\r\nQ' })).code).toBe('PEMS_CONNECTION_INVALID');
  });

  test('goes to the endpoints of the connection, derived from the address of any of them', async () => {
    const paths = { gridPath: 'lists/data', headerPath: '/lists/head/', screenPath: 'screens/PFA' };
    pems.answer(json(unnamed), json(header));
    for (const end of ['', '/', '/lists/data', '/Lists/Head', '/screens/PFA/', '/griddata', '/grids']) {
      pems.requests.length = 0;
      pems.answer(json(unnamed), json(header));
      await read({ baseUrl: `${pems.baseUrl}${end}`, ...paths });
      expect(pems.requests.map(({ url }) => url)).toEqual([
        '/axis/restservices/lists/data',
        '/axis/restservices/lists/head',
      ]);
      const checked = checkConnection(connectionTo(pems, { baseUrl: `${pems.baseUrl}${end}`, ...paths }));
      expect(checked.screenUrl.pathname).toBe('/axis/restservices/screens/PFA');
    }
  });

  test.each([
    '',
    '/',
    '..',
    'a/../b',
    'a b',
    'grid?x=1',
    'grid#x',
    '//evil',
    'a//b',
    'https://evil',
    'a\\b',
    '%2e%2e',
  ])('never goes to an endpoint such as %j', async (path) => {
    for (const setting of ['gridPath', 'headerPath', 'screenPath'])
      expect((await failure({ [setting]: path })).code).toBe('PEMS_CONNECTION_INVALID');
  });

  test('has a key, or only the headers of the connection', async () => {
    pems.answer(json(oneRow));
    await read({ authorization: { type: 'apiKey', key: 'key-123' } });
    await read({ authorization: { type: 'none' }, headers: { Authorization: 'Bearer token-1' } });
    expect(pems.requests[0]?.headers['x-api-key']).toBe('key-123');
    expect(pems.requests[0]?.headers.authorization).toBeUndefined();
    expect(pems.requests[1]?.headers.authorization).toBe('Bearer token-1');
  });

  test("for changes has the time in the tenant's format", async () => {
    pems.answer(json(oneRow));
    const changedSince = '2026-04-02 14:30';
    await read({}, { changedSince });
    await read({ filterDateFormat: 'YYYY-MM-DD' }, { changedSince });
    const values = pems.requests.map(({ body }) => body.MULTIADDON_FILTERS?.MADDON_FILTER[0]?.VALUE);
    expect(values).toEqual(['02-APR-2026 14:30', '2026-04-02 14:30']);
    expect((await failure({}, { changedSince: 'yesterday' })).code).toBe('PEMS_CHANGED_SINCE_INVALID');
  });

  test('returns the data types of the header', async () => {
    pems.answer(json(unnamed), json(header));
    const { pages } = await read();
    expect(pages[0]?.types).toEqual(
      new Map([
        ['pfs_id', 'varchar'],
        ['pfs_a_org', 'varchar'],
      ]),
    );
    pems.answer(json(oneRow));
    expect((await read()).pages[0]?.types).toBeUndefined();
  });

  test('uses the aliases of the tenant', async () => {
    pems.answer(
      json(dataOnly([{ my_id: 'A' }, { my_id: 'B' }], true)),
      json(dataOnly([{ my_id: 'B' }], false)),
    );
    await read({ grid: { name: 'G', id: '1', idAlias: 'MY_ID', organizationAlias: 'my_org' } });
    expect(pems.requests[0]?.body.ADDON_FILTER.ALIAS_NAME).toBe('my_org');
    expect(pems.requests[1]?.body.MULTIADDON_FILTERS?.MADDON_FILTER).toEqual([
      { ALIAS_NAME: 'my_id', OPERATOR: '>', VALUE: 'A', JOINER: 'AND', SEQNUM: 1 },
    ]);
  });
});

describe('pages', () => {
  test('have no effect on the result: any page size and either shape give the same rows', async () => {
    const row = fc.record({
      pfs_id: fc.stringMatching(/^[A-C][0-9]{0,2}$/),
      pfs_a_org: fc.constantFrom('RIO', 'RIO2', 'HOLNG'),
      pfs_f_model: fc.string(),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(row, { maxLength: 30 }),
        fc.integer({ min: 1, max: 40 }),
        async (rows, pageSize) => {
          const expected = rows
            .filter((one) => one.pfs_a_org.startsWith('RIO'))
            .map((one) => JSON.stringify(Object.entries(one)))
            .toSorted();
          for (const shape of [dataOnly, headData]) {
            pems.answer(gridOf(rows, shape));
            const result = await read({ pageSize });
            expect(result.rows.map((one) => JSON.stringify(Object.entries(one))).toSorted()).toEqual(
              expected,
            );
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  test('keep all rows of one id together, so that RIO2 cannot hide a row of RIO', async () => {
    const rows = ['A', 'B', 'C'].flatMap((pfs_id) => [
      { pfs_id, pfs_a_org: 'RIO2' },
      { pfs_id, pfs_a_org: 'RIO' },
    ]);
    pems.answer(gridOf(rows, dataOnly));
    const { pages } = await read({ pageSize: 3 });
    expect(
      pages.map((page) =>
        byAlias(page)
          .map((row) => row.pfs_id)
          .join(''),
      ),
    ).toEqual(['AA', 'BB', 'CC']);
    expect(pages.map((page) => page.more)).toEqual([true, true, false]);
  });

  test('of an empty organization are one page without rows', async () => {
    for (const shape of [dataOnly, headData]) {
      pems.answer(gridOf([], shape));
      const { pages } = await read();
      expect(pages).toEqual([{ aliases: [], rows: [], more: false, requestedAt: '', receivedAt: '' }]);
    }
  });

  const ids = (...list: string[]): Row[] => list.map((pfs_id) => ({ pfs_id, pfs_a_org: 'RIO' }));
  test('are requested while the previous one is consumed, one ahead at most', async () => {
    pems.answer(gridOf(ids('A', 'B', 'C', 'D', 'E'), dataOnly));
    const client = createPemsClient(connectionTo(pems, { pageSize: 2 }));
    let taken = 0;
    for await (const page of client.readGrid({ organization: 'RIO', clock: noClock })) {
      taken += 1;
      const asked = page.more ? taken + 1 : taken;
      await until(`page ${asked} is asked for`, () => pems.requests.length >= asked);
      await new Promise(setImmediate);
      expect(pems.requests.length).toBe(asked);
    }
    expect(taken).toBe(5);
  });

  test('have about five megabytes, however large the rows: memory is limited by bytes, not by rows', async () => {
    const rows = ids(...Array.from({ length: 3000 }, (_, n) => `A${1000 + n}`)).map((row) => ({
      ...row,
      pfs_f_model: 'x'.repeat(10_000),
    }));
    pems.answer(gridOf(rows, dataOnly));
    const { pages } = await read({ pageSize: 10_000 });
    expect(pages.flatMap((page) => page.rows).length).toBe(3000);
    const [first, ...others] = pems.requests.map(({ body }) => body.GRID.NUMBER_OF_ROWS_FIRST_RETURNED);
    expect(first).toBe(1000);
    // 10,100 bytes each.
    for (const asked of others) expect(asked).toBeGreaterThan(490);
    for (const asked of others) expect(asked).toBeLessThan(525);
  });

  test('grow to the page size of the connection if rows are small', async () => {
    pems.answer(gridOf(ids(...Array.from({ length: 3000 }, (_, n) => `A${1000 + n}`)), dataOnly));
    await read({ pageSize: 2500 });
    expect(pems.requests.map(({ body }) => body.GRID.NUMBER_OF_ROWS_FIRST_RETURNED)).toEqual([1000, 2500]);
  });

  test('are canceled if the reader stops', async () => {
    const closed = Promise.withResolvers<void>();
    pems.answer(gridOf(ids('A', 'B', 'C'), dataOnly), (response) => {
      response.on('close', () => closed.resolve());
    });
    const client = createPemsClient(connectionTo(pems, { pageSize: 2 }));
    for await (const page of client.readGrid({ organization: 'RIO', clock: noClock })) {
      expect(byAlias(page)).toEqual(ids('A'));
      await until('the next one is asked for', () => pems.requests.length === 2);
      break;
    }
    await closed.promise;
  });

  test('that fail while the previous one is consumed end the read only after it', async () => {
    pems.answer(gridOf(ids('A', 'B', 'C'), dataOnly), status(401));
    const client = createPemsClient(connectionTo(pems, { pageSize: 2 }));
    const failed = Promise.withResolvers<void>();
    const taken: Row[] = [];
    const onRequest = ({ error }: PemsRequestEvent): void => {
      if (error) failed.resolve();
    };
    const reading = (async () => {
      for await (const page of client.readGrid({ organization: 'RIO', clock: noClock, onRequest })) {
        await failed.promise;
        await new Promise(setImmediate);
        taken.push(...byAlias(page));
      }
    })();
    await expect(reading).rejects.toMatchObject({ code: 'PEMS_UNAUTHORIZED' });
    expect(taken).toEqual(ids('A'));
  });

  test.each([
    ['gives the same page for ever', ids('A', 'B', 'C'), '"B" again'],
    ['says that more follow but gives none', [], 'has no rows'],
    ['gives a single id for ever', ids('A', 'A'), 'has no second pfs_id'],
    ['gives rows without the id', [{ other: 'x' }, { other: 'y' }], 'has no second pfs_id'],
  ])('without progress are an error: PEMS %s', async (_what, rows, words) => {
    pems.answer(json(dataOnly(rows, true)));
    const error = await failure({ pageSize: 3 });
    expect(error).toMatchObject({
      code: 'PEMS_MALFORMED_ANSWER',
      message: expect.stringContaining(words) as string,
    });
    expect(pems.requests.length).toBeLessThan(7);
  });

  test('that are full do not count as the last', async () => {
    for (const shape of [dataOnly, headData]) {
      pems.requests.length = 0;
      pems.answer(json(shape(ids('A', 'B', 'C'), false)), json(shape(ids('C', 'D'), false)));
      const { rows } = await read({ pageSize: 3 });
      expect(rows.map((row) => row.pfs_id)).toEqual(['A', 'B', 'C', 'D']);
      expect(pems.requests.length).toBe(2);
    }
  });

  test('that repeat earlier ones are an error', async () => {
    const answers = [ids('A', 'B', 'X'), ids('C', 'D', 'X'), ids('A', 'B', 'X')];
    pems.answer(...answers.map((rows) => json(dataOnly(rows, true))));
    expect((await failure()).code).toBe('PEMS_MALFORMED_ANSWER');
    expect(pems.requests.length).toBe(3);
  });
});

describe('clock readings', () => {
  test('are taken right before a request and right after its response', async () => {
    const log: string[] = [];
    let tick = 0;
    const clock = (): Promise<string> => {
      log.push(`clock ${++tick}`);
      return Promise.resolve(`t${tick}`);
    };
    const answer: Handler = (response, request, message) => {
      log.push('request');
      json(oneRow)(response, request, message);
    };
    pems.answer(answer);
    const { pages } = await read({}, { clock });
    expect(log).toEqual(['clock 1', 'request', 'clock 2']);
    expect(pages[0]).toMatchObject({ requestedAt: 't1', receivedAt: 't2' });
  });

  test('of a repeated request come from the successful attempt', async () => {
    let tick = 0;
    pems.answer(status(503), status(503), json(oneRow));
    const { pages } = await read({}, { clock: () => Promise.resolve(`t${++tick}`) });
    expect(pages[0]).toMatchObject({ requestedAt: 't3', receivedAt: 't4' });
  });

  test('that fail end the read with their own error', async () => {
    pems.answer(json(oneRow));
    const clock = (): Promise<string> => Promise.reject(new Error('no database'));
    await expect(read({}, { clock })).rejects.toThrow('no database');
    expect(pems.requests.length).toBe(0);
  });
});

const halfBody: Handler = (response) => {
  const body = JSON.stringify(oneRow);
  response.writeHead(200, { 'content-length': body.length });
  response.write(body.slice(0, 20), () => response.destroy());
};
const halfJson: Handler = (response) => {
  response.end(JSON.stringify(oneRow).slice(0, -3));
};
const close: Handler = (_response, _request, message) => {
  message.socket.destroy();
};
const hang: Handler = () => {};
const hangInBody: Handler = (response) => {
  response.writeHead(200);
  response.write('{');
};
const notUtf8: Handler = (response) => {
  response.end(Buffer.from(JSON.stringify(oneRow).replace('"A"', '"Ä"'), 'latin1'));
};

describe('temporary failures are retried', () => {
  test.each([
    ['too many requests', status(429, { 'retry-after': '0' }), 'PEMS_RATE_LIMITED'],
    ['a server error', status(500), 'PEMS_SERVER_ERROR'],
    ['a gateway error', json({ ErrorAlert: [{ Message: 'x' }] }, 502), 'PEMS_SERVER_ERROR'],
    ['a closed connection', close, 'PEMS_UNREACHABLE'],
    ['half a body', halfBody, 'PEMS_UNREACHABLE'],
    ['JSON that breaks off', halfJson, 'PEMS_MALFORMED_ANSWER'],
    ['an empty body', status(200), 'PEMS_MALFORMED_ANSWER'],
    ['bytes that are no UTF-8', notUtf8, 'PEMS_MALFORMED_ANSWER'],
    ['no answer', hang, 'PEMS_TIMEOUT'],
    ['an answer that does not end', hangInBody, 'PEMS_TIMEOUT'],
  ])('%s', async (_what, handler, code) => {
    const timeoutMs = code === 'PEMS_TIMEOUT' ? 40 : 5_000;
    pems.answer(handler, json(oneRow));
    const { rows, events } = await read({ timeoutMs });
    expect(rows.length).toBe(1);
    expect(events.map((event) => [event.attempt, event.error?.code, event.retryInMs])).toEqual([
      [1, code, 0],
      [2, undefined, null],
    ]);

    pems.requests.length = 0;
    pems.answer(handler);
    const error = await failure({ timeoutMs, maxAttempts: 3 });
    expect(error.code).toBe(code);
    expect(error.hint).toBeTruthy();
    expect(pems.requests.length).toBe(3);
  });

  test('after the delay that PEMS requests', async () => {
    pems.answer(status(429, { 'retry-after': '7' }));
    const controller = new AbortController();
    let pause: number | null = null;
    const onRequest = (event: PemsRequestEvent): void => {
      pause = event.retryInMs;
      controller.abort(new Error('seen'));
    };
    await expect(read({}, { onRequest, signal: controller.signal })).rejects.toThrow('seen');
    expect(pause).toBe(7_000);
  });

  test('if no server listens', async () => {
    const gone = await startLoopback();
    await gone[Symbol.asyncDispose]();
    const error = await failure({ baseUrl: gone.baseUrl, maxAttempts: 2 });
    expect(error.code).toBe('PEMS_UNREACHABLE');
    expect(error.message).toContain('nothing accepts connections there');
  });
});

describe('permanent failures are not retried', () => {
  test.each([
    ['wrong credentials', status(401), 'PEMS_UNAUTHORIZED'],
    ['missing rights', status(403), 'PEMS_UNAUTHORIZED'],
    ['a wrong address', status(404), 'PEMS_REFUSED'],
    [
      'a refusal in the words of PEMS',
      json({ ErrorAlert: [{ Message: 'Bad grid' }] }, 400),
      'PEMS_ERROR_ALERT',
    ],
    ['a redirect', status(302, { location: 'https://elsewhere.example/login?x=1' }), 'PEMS_REDIRECTED'],
    ['an ErrorAlert', json({ ErrorAlert: [{ Name: 'E', Message: 'Grid not found' }] }), 'PEMS_ERROR_ALERT'],
    ['a login page', (r) => void r.end('<html>Log in</html>'), 'PEMS_MALFORMED_ANSWER'],
    ['another answer', json({ Result: { ResultData: {} } }), 'PEMS_MALFORMED_ANSWER'],
  ])('%s', async (_what, handler, code) => {
    pems.answer(handler);
    const events: PemsRequestEvent[] = [];
    const error = await failure({}, { onRequest: (event) => void events.push(event) });
    expect(error.code).toBe(code);
    expect(error.hint).toBeTruthy();
    expect(pems.requests.length).toBe(1);
    expect(events).toMatchObject([{ attempt: 1, error, retryInMs: null }]);
  });

  test('and can be stored, whatever PEMS responds', async () => {
    pems.answer(json({ ErrorAlert: { Name: 'E', Message: `a\0${'😀'.repeat(400)}` } }));
    const { message } = await failure();
    expect(message).toContain('a\uFFFD😀');
    expect(message.isWellFormed()).toBe(true);
    expect(message.length).toBeLessThan(600);
  });

  test('and contain the response of PEMS', async () => {
    pems.answer(json({ ErrorAlert: [{ Name: 'E', Message: 'Grid not found' }, { Name: 'E2' }] }));
    const error = await failure();
    expect(error.message).toBe('PEMS refused the request: Grid not found; E2');
    expect(error.details).toEqual({
      alerts: [
        { name: 'E', message: 'Grid not found' },
        { name: 'E2', message: '' },
      ],
    });
  });
});

test('a redirect is not followed, so that no other host receives the credentials', async () => {
  const other = await startLoopback();
  other.answer(json(oneRow));
  for (const code of [301, 302, 303, 307, 308]) {
    pems.answer(status(code, { location: `${other.baseUrl}/griddata` }));
    const error = await failure();
    expect(error.code).toBe('PEMS_REDIRECTED');
    expect(error.message).toContain(new URL(other.baseUrl).origin);
  }
  expect(other.requests.length).toBe(0);
  await other[Symbol.asyncDispose]();
});

test.each([
  ['before it starts', null],
  ['while PEMS does not answer', hang],
  ['while an answer arrives', hangInBody],
])('an aborted read ends with the reason: %s', async (_what, handler) => {
  const controller = new AbortController();
  const reason = new Error('shutting down');
  if (handler === null) controller.abort(reason);
  else {
    pems.answer((...args) => {
      handler(...args);
      setImmediate(() => controller.abort(reason));
    });
  }
  // With one attempt, so that no delay before a second one could notice the signal.
  await expect(read({ maxAttempts: 1 }, { signal: controller.signal })).rejects.toBe(reason);
  expect(pems.requests.length).toBe(handler === null ? 0 : 1);
});

test('requests are spaced, across several reads too', async () => {
  pems.answer(json(oneRow));
  const client = createPemsClient(connectionTo(pems, { requestsPerSecond: 100 }));
  const started = performance.now();
  await Promise.all(Array.from({ length: 5 }, () => client.testConnection({ organization: 'RIO' })));
  expect(performance.now() - started).toBeGreaterThanOrEqual(40);
});

describe('testing a connection', () => {
  test('shows the values of a row', async () => {
    pems.answer(json(dataOnly([{ PFS_ID: 'A', PFS_A_ORG: 'RIO' }], true)));
    const result = await createPemsClient(connectionTo(pems)).testConnection({ organization: 'RIO' });
    expect(result).toEqual({
      milliseconds: expect.any(Number) as number,
      rows: 1,
      aliases: ['pfs_id', 'pfs_a_org'],
    });
    expect(pems.requests[0]?.body.GRID.NUMBER_OF_ROWS_FIRST_RETURNED).toBe(1);
  });

  test('succeeds for an organization without rows', async () => {
    pems.answer(json(headData([], false)));
    const client = createPemsClient(connectionTo(pems));
    expect(await client.testConnection({ organization: 'RIO' })).toMatchObject({ rows: 0, aliases: [] });
  });

  test('fails with the first reason', async () => {
    pems.answer(status(500));
    const client = createPemsClient(connectionTo(pems));
    await expect(client.testConnection({ organization: 'RIO' })).rejects.toMatchObject({
      code: 'PEMS_SERVER_ERROR',
    });
    expect(pems.requests.length).toBe(1);
  });
});

describe('credentials', () => {
  const answers = (echo: string): Handler[] => [
    json({ ErrorAlert: [{ Name: echo, Message: `Wrong: ${echo.repeat(100)}` }] }),
    json({ ErrorAlert: { Name: '', Message: echo } }, 400),
    json({ Result: { ResultData: { GRID: { METADATA: { MORERECORDPRESENT: echo } } } } }),
    json({ Result: { ResultData: { [echo]: echo } } }),
    json(dataOnly([{ pfs_id: echo, [echo]: '' }, { pfs_id: 'z' }], true)),
    (response) => void response.end(`{"${echo}`),
    (response) => void response.end(echo),
    (response) => void response.writeHead(401, { 'x-echo': encodeURIComponent(echo) }).end(echo),
    status(302, { location: `https://${encodeURIComponent(echo)}.example/${encodeURIComponent(echo)}` }),
    status(500),
    close,
  ];
  // Long enough not to occur in our own texts.
  const secret = fc.stringMatching(/^[!-~]{1,3}[QXZqxz0-9~^]{6,12}[!-~]{0,3}$/);

  test('are in no error, whatever PEMS responds', async () => {
    const kind = fc.constantFrom('basic', 'apiKey', 'header');
    await fc.assert(
      fc.asyncProperty(secret, kind, async (password, type) => {
        const token = Buffer.from(`reader:${password}`).toString('base64');
        const over: Partial<PemsConnection> = {
          maxAttempts: 1,
          authorization:
            type === 'basic'
              ? { type, username: 'reader', password }
              : type === 'apiKey'
                ? { type, key: password }
                : { type: 'none' },
          headers: type === 'header' ? { Authorization: `Bearer ${password}` } : {},
        };
        for (const echo of [password, ...(type === 'basic' ? [token] : [])]) {
          for (const handler of answers(echo)) {
            pems.answer(handler);
            const text = everything(await failure(over));
            expect(text).not.toContain(password);
            expect(text).not.toContain(token);
          }
        }
      }),
      { numRuns: 25 },
    );
  });

  test.each<[string, Partial<PemsConnection>]>([
    ['baseUrl', { baseUrl: `https://reader:${SECRET}@pems.example/axis` }],
    ['baseUrl', { baseUrl: `https://pems.example/axis?key=${SECRET}` }],
    ['baseUrl', { baseUrl: `ftp://pems.example/${SECRET}` }],
    ['baseUrl', { baseUrl: SECRET }],
    ['API key', { authorization: { type: 'apiKey', key: `${SECRET}\n` } }],
    ['username', { authorization: { type: 'basic', username: 'a:b', password: SECRET } }],
    ['header x-key', { headers: { 'X-Key': `${SECRET}é` } }],
    ['headers', { headers: { [SECRET]: 'x' } }],
    ['tenant', { tenant: '' }],
    ['pageSize', { pageSize: 10_001 }],
    ['pageSize', { pageSize: 0 }],
    ['timeoutMs', { timeoutMs: 0 }],
    ['requestsPerSecond', { requestsPerSecond: 0 }],
    ['maxAttempts', { maxAttempts: 0 }],
    ['retryDelayMs', { retryDelayMs: -1 }],
  ])('are not in the error of a connection either: %s', (setting, over) => {
    try {
      createPemsClient(connectionTo(pems, over));
    } catch (error) {
      if (!(error instanceof VanguardError)) throw error;
      expect(error).toMatchObject({ code: 'PEMS_CONNECTION_INVALID', details: { setting } });
      expect(everything(error)).not.toContain(SECRET);
      return;
    }
    expect.unreachable('the connection was accepted');
  });

  test('an organization that no header can hold is refused before any request', async () => {
    for (const organization of ['', 'RIO\r\nx: y', 'RÍO']) {
      expect((await failure({}, { organization })).code).toBe('PEMS_CONNECTION_INVALID');
    }
    expect(pems.requests.length).toBe(0);
  });
});

describe('a grid whose pages have no column names', () => {
  const unnamed = (rows: Row[], more: boolean): unknown => {
    const answer = JSON.parse(JSON.stringify(dataOnly(rows, more))) as {
      Result: { ResultData: { GRID: { FIELDS?: unknown; METADATA: unknown; DATA: unknown } } };
    };
    delete answer.Result.ResultData.GRID.FIELDS;
    return answer;
  };
  const header = dataOnly([{ pfs_id: 'x', pfs_a_org: 'x' }], false);

  test('is read with its header, which is requested once per run', async () => {
    const first = [1, 2, 3].map((n) => ({ pfs_id: `A${n}`, pfs_a_org: 'RIO' }));
    pems.answer(json(unnamed(first, true)), json(header), json(unnamed([first[2]!], false)));
    const { rows } = await read({ pageSize: 3 });
    expect(rows).toEqual(first);
    expect(pems.requests.map(({ body }) => body.REQUEST_TYPE)).toEqual([
      'LIST.DATA_ONLY.STORED',
      'LIST.HEAD_ONLY.STORED',
      'LIST.DATA_ONLY.STORED',
    ]);
  });

  test('without a header is malformed', async () => {
    pems.answer(json(unnamed([{ pfs_id: 'A', pfs_a_org: 'RIO' }], false)), json(unnamed([], false)));
    expect((await failure()).code).toBe('PEMS_MALFORMED_ANSWER');
  });
});

describe('a response that would use up memory', () => {
  const packed =
    (text: string): Handler =>
    (response) =>
      response
        .writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' })
        .end(gzipSync(text));

  test.each<[string, string]>([
    ['larger than 16 MiB unpacked', `{"Result":{"x":"${'a'.repeat(17 * 1024 * 1024)}"}}`],
    ['of many empty objects', `[${'{},'.repeat(1_000_000)}{}]`],
    ['nested deeply', `${'['.repeat(200_000)}${']'.repeat(200_000)}`],
    [
      'nested deeply with little else',
      `{"a":${'[ "long enough to look like a record", '.repeat(200)}1${']'.repeat(200)}}`,
    ],
  ])('%s is refused and not requested again', async (_what, text) => {
    pems.answer(packed(text));
    expect((await failure({ maxAttempts: 3, retryDelayMs: 0 })).code).toBe('PEMS_ANSWER_TOO_LARGE');
    expect(pems.requests).toHaveLength(1);
  });

  test('does not include one with brackets in its texts', async () => {
    const pfs_f_model = '[{'.repeat(400);
    pems.answer(json(dataOnly([{ pfs_id: 'A', pfs_a_org: 'RIO', pfs_f_model }], false)));
    expect((await read()).rows).toEqual([{ pfs_id: 'A', pfs_a_org: 'RIO', pfs_f_model }]);
  });
});

test('a question of PEMS is a refusal with its text', async () => {
  pems.answer(json({ Result: null, ConfirmationAlert: { Message: 'Sure?', Name: 'ASK' }, ErrorAlert: [] }));
  expect(await failure()).toMatchObject({
    code: 'PEMS_CONFIRMATION_ASKED',
    details: { alerts: [{ name: 'ASK', message: 'Sure?' }] },
  });
});

test('a user without rights is an error of the connection, also with HTTP status 400 and without a name', async () => {
  const body = JSON.stringify({ Result: null, ErrorAlert: [{ Message: 'Authorization failed', Name: '' }] });
  pems.answer((response) => response.writeHead(400, { 'content-type': 'application/json' }).end(body));
  expect((await failure()).code).toBe('PEMS_UNAUTHORIZED');
});

test.each([
  ['https://pems.example/axis/restservices', '/axis/restservices'],
  ['https://pems.example/axis/restservices/', '/axis/restservices'],
  ['https://pems.example/axis/restservices/griddata', '/axis/restservices'],
  ['https://pems.example/axis/restservices/grids/', '/axis/restservices'],
  ['https://pems.example/axis/restservices/userdefinedscreenservices', '/axis/restservices'],
  ['https://pems.example/axis/services/UserDefinedScreenService', '/axis/restservices'],
  ['https://pems.example/proxy/services', '/proxy/services'],
])('the address %s has its services below %s', (baseUrl, base) => {
  const { gridUrl, screenUrl } = checkConnection(connectionTo(pems, { baseUrl }));
  expect(gridUrl.pathname).toBe(`${base}/griddata`);
  expect(screenUrl.pathname).toBe(`${base}/userdefinedscreenservices`);
});
