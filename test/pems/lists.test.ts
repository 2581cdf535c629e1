import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { createPemsClient, type ListRow } from '../../src/pems/index.ts';
import { serviceUrl } from '../../src/pems/connection.ts';
import { parseListAnswer } from '../../src/pems/lists.ts';
import { startSimulator } from '../../simulator/index.ts';
import { connectionTo, startLoopback, type Handler } from './loopback.ts';

const answer = (data: unknown) => ({ Result: { ResultData: data } });
const json =
  (data: unknown): Handler =>
  (response) =>
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer(data)));
const codes = (from: number, count: number) =>
  Array.from({ length: count }, (_, i) => ({ CLASSCODE: `C${from + i}` }));

async function readAll(baseUrl: string, path = 'classes', pageSize = 1_000): Promise<ListRow[]> {
  const client = createPemsClient(connectionTo({ baseUrl }, { pageSize, maxAttempts: 2 }));
  const rows: ListRow[] = [];
  for await (const page of client.readList({ path, organization: 'RIO' })) rows.push(...page);
  return rows;
}

test.each([
  ['plain objects', { DATARECORD: [{ ClassCode: 'A', CLASSDESC: null, UNKNOWN: [1] }, { CLASSCODE: 7 }] }],
  [
    'objects in objects',
    {
      DATARECORD: [
        { CLASSID: { CLASSCODE: 'A', ORGANIZATIONID: { X: true } }, CLASSDESC: null },
        { CLASSCODE: 7 },
      ],
    },
  ],
  [
    'DATAFIELD',
    {
      DATARECORD: [
        {
          DATAFIELD: [
            { FIELDNAME: 'CLASSCODE', FIELDVALUE: 'A' },
            { FIELDNAME: 'CLASSDESC', FIELDVALUE: null },
          ],
        },
        { DATAFIELD: { FIELDNAME: 'CLASSCODE', FIELDVALUE: 7 } },
      ],
      NEXTCURSORPOSITION: null,
    },
  ],
  [
    'a GRID',
    {
      GRID: {
        FIELDS: {
          FIELD: [
            { aliasnum: 1, name: 'classcode' },
            { aliasnum: 2, name: 'classdesc' },
          ],
        },
        DATA: {
          ROW: [
            {
              D: [
                { n: 1, value: 'A' },
                { n: 2, value: '' },
              ],
            },
            { D: { n: 1, value: '7' } },
          ],
        },
      },
    },
  ],
  ['one object instead of a list', { DATARECORD: { CLASSCODE: 'A' }, NEXTCURSORPOSITION: 0 }],
])('a list has the form %s', (shape, data) => {
  const { rows, next } = parseListAnswer(answer(data), 0, 1000);
  expect(next).toBeNull();
  expect(rows[0]).toMatchObject({ classcode: 'A' });
  if (!shape.startsWith('one')) {
    expect(rows[0]!.classdesc || null).toBeNull();
    expect(rows[1]).toEqual({ classcode: '7' });
  }
});

test.each([
  ['is told', { DATARECORD: codes(0, 2), NEXTCURSORPOSITION: '2' }, 2],
  ['is the end', { DATARECORD: codes(0, 2), NEXTCURSORPOSITION: 0 }, null],
  ['is not told, and the page is full', { DATARECORD: codes(0, 3) }, 3],
  ['is not told, and the page is not full', { DATARECORD: codes(0, 2) }, null],
  [
    'is the number of rows of a grid',
    { GRID: { METADATA: { MORERECORDPRESENT: '+' }, DATA: { ROW: [{}] } } },
    1,
  ],
])('the next page %s', (_, data, next) => {
  expect(parseListAnswer(answer(data), 0, 3).next).toBe(next);
});

test.each([
  ['a cursor that stands still', { DATARECORD: codes(0, 1), NEXTCURSORPOSITION: 5 }, /does not move on/],
  ['a cursor that goes back', { DATARECORD: codes(0, 1), NEXTCURSORPOSITION: 4 }, /does not move on/],
  ['a cursor that is no number', { DATARECORD: codes(0, 1), NEXTCURSORPOSITION: 'x' }, /no whole number/],
  ['more after a page without rows', { DATARECORD: [], NEXTCURSORPOSITION: 9 }, /no rows/],
  ['a row that is no object', { DATARECORD: ['A'] }, /DATARECORD\[0\] is no object/],
  ['neither of the shapes', { LIST: [] }, /neither GRID nor DATARECORD/],
])('%s is malformed', (_, data, words) => {
  expect(() => parseListAnswer(answer(data), 5, 1)).toThrow(words);
});

test('the client requests one page after the other, with GET and the headers of the connection', async () => {
  await using pems = await startLoopback();
  pems.answer(
    json({ DATARECORD: codes(0, 2), NEXTCURSORPOSITION: 2 }),
    (response) => response.writeHead(503).end(),
    json({ DATARECORD: codes(2, 1), NEXTCURSORPOSITION: 0 }),
  );
  expect(await readAll(pems.baseUrl, 'eq/classes', 2)).toEqual([
    { classcode: 'C0' },
    { classcode: 'C1' },
    { classcode: 'C2' },
  ]);
  expect(pems.requests.map(({ url }) => url)).toEqual(
    [0, 2, 2].map((at) => `/axis/restservices/eq/classes?organization=RIO&cursorposition=${at}&rows=2`),
  );
  expect(pems.requests[0]).toMatchObject({
    headers: {
      tenant: 'ACME_PRD',
      organization: 'RIO',
      authorization: expect.stringContaining('Basic') as string,
    },
    body: null,
  });
});

test('a read that is cut off is no complete list', async () => {
  await using pems = await startLoopback();
  pems.answer(json({ DATARECORD: codes(0, 2), NEXTCURSORPOSITION: 2 }), (response) => response.destroy());
  await expect(readAll(pems.baseUrl, 'classes', 2)).rejects.toMatchObject({ code: 'PEMS_UNREACHABLE' });
  pems.answer((response) => response.writeHead(200).end('{"Result": {"ResultData": {"DATAREC'));
  await expect(readAll(pems.baseUrl)).rejects.toMatchObject({ code: 'PEMS_MALFORMED_ANSWER' });
  pems.answer((response) => response.writeHead(404).end());
  await expect(readAll(pems.baseUrl)).rejects.toMatchObject({ code: 'PEMS_REFUSED' });
});

test('an endless list, and a response that unpacks to gigabytes, are refused', async () => {
  await using pems = await startLoopback();
  let at = 0;
  const page = codes(0, 1000);
  pems.answer((response) => {
    at += 1000;
    response.end(JSON.stringify(answer({ DATARECORD: page, NEXTCURSORPOSITION: at })));
  });
  await expect(readAll(pems.baseUrl)).rejects.toMatchObject({ code: 'PEMS_LIST_TOO_LONG' });
  expect(pems.requests.length).toBeLessThan(210);
  const bomb = gzipSync(`{"a": "${'x'.repeat(40 * 1024 * 1024)}"}`);
  pems.answer((response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb));
  await expect(readAll(pems.baseUrl)).rejects.toMatchObject({ code: 'PEMS_ANSWER_TOO_LARGE' });
});

test('a base address may be the list itself, or another endpoint', () => {
  for (const base of [
    '/axis/restservices',
    '/axis/restservices/',
    '/axis/restservices/griddata',
    '/axis/restservices/classes',
  ])
    expect(serviceUrl(`https://h${base}`, 'classes').pathname, base).toBe('/axis/restservices/classes');
});

test('the simulator serves every list, with models under their manufacturer', async () => {
  await using pems = {
    ...(await startSimulator({ onlyListed: true, organizations: { RIO: 40 }, requestsPerSecond: 0 })),
    async [Symbol.asyncDispose]() {
      await this.stop();
    },
  };
  const { tenant, username, password } = pems.credentials;
  const client = createPemsClient(
    connectionTo(
      { baseUrl: pems.url },
      { tenant, authorization: { type: 'basic', username, password }, pageSize: 7 },
    ),
  );
  const read = async (path: string) => {
    const rows: ListRow[] = [];
    for await (const page of client.readList({ path, organization: 'RIO' })) rows.push(...page);
    return rows;
  };
  expect(await read('organizations')).toMatchObject([{ organizationcode: 'RIO' }]);
  expect(await read('categories')).toHaveLength(20);
  expect(await read('classes')).toHaveLength(120);
  expect(await read('manufacturers')).toHaveLength(14);
  expect(await read('models')).toContainEqual(
    expect.objectContaining({ modelcode: 'LR 1300', manufacturercode: 'Liebherr' }),
  );
  expect((await read('equipment')).length).toBeGreaterThan(5);
});
