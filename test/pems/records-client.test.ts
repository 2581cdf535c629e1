import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Simulator } from '../../simulator/index.ts';
import { createPemsClient } from '../../src/pems/index.ts';
import type { PemsConnection, PemsRecordsPage, ReadRecordsOptions } from '../../src/pems/index.ts';
import { control, fault, start } from '../simulator/client.ts';
import { byAlias, dataOnly, headData, type Row, type Shape } from './answers.ts';
import { connectionTo, json, startLoopback, type Handler, type Loopback } from './loopback.ts';

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

async function read(
  connection: PemsConnection,
  ids: readonly string[],
  options: Partial<ReadRecordsOptions> = {},
): Promise<PemsRecordsPage[]> {
  const pages: PemsRecordsPage[] = [];
  const clock = (): Promise<string> => Promise.resolve('');
  const client = createPemsClient(connection);
  for await (const page of client.readRecords({ organization: 'ONE', ids, clock, ...options }))
    pages.push(page);
  return pages;
}

const connectedTo = ({ url, credentials }: Simulator, over: Partial<PemsConnection> = {}): PemsConnection => {
  const { username, password, tenant } = credentials;
  const authorization = { type: 'basic', username, password } as const;
  return connectionTo({ baseUrl: url }, { authorization, tenant, ...over });
};

const idOf = (n: number): string => `ONE-${String(n).padStart(7, '0')}`;
const found = (pages: readonly PemsRecordsPage[]): string[] =>
  pages.flatMap(byAlias).map((row) => row.pfs_id ?? '');
const filters = () => pems.requests.map(({ body }) => body.MULTIADDON_FILTERS?.MADDON_FILTER);

/** Responds from the given rows like PEMS: the ids requested with `=` or IN. */
function recordsOf(rows: readonly Row[], shape: Shape): Handler {
  return (response, request, message) => {
    const { body } = request;
    const [filter] = body.MULTIADDON_FILTERS?.MADDON_FILTER ?? [];
    const values = filter?.OPERATOR === 'IN' ? filter.VALUE.split(',') : [filter?.VALUE];
    if (values.length > 500) return void response.writeHead(400).end();
    const wanted = rows.filter((row) => values.includes(row.pfs_id));
    const size = body.GRID.NUMBER_OF_ROWS_FIRST_RETURNED;
    json(shape(wanted.slice(0, size), wanted.length > size))(response, request, message);
  };
}

describe('records by their ids, from the simulator', () => {
  test('equal those of the whole grid, and missing ones are named without a row', async () => {
    const simulator = await start();
    for (const requestType of ['LIST.DATA_ONLY.STORED', 'LIST.HEAD_DATA.STORED'] as const) {
      const connection = connectedTo(simulator, { requestType });
      const ids = [idOf(3), 'ONE-nowhere', idOf(17), idOf(3)];
      const [page, ...others] = await read(connection, ids);
      expect(others).toEqual([]);
      expect(page).toMatchObject({ ids: [idOf(3), 'ONE-nowhere', idOf(17)], more: false });
      const client = createPemsClient(connection);
      const all: Row[] = [];
      for await (const one of client.readGrid({ organization: 'ONE', clock: () => Promise.resolve('') })) {
        all.push(...byAlias(one));
      }
      expect(byAlias(page!)).toEqual(all.filter((row) => [idOf(3), idOf(17)].includes(row.pfs_id ?? '')));
    }
  });

  test('with commas, blanks and signs in their ids are found too', async () => {
    const simulator = await start();
    const odd = ['a,b', 'a', 'b', ' padded ', 'Ünïcode 上', '100%', "o'clock", 'x\\y'];
    for (const id of odd) {
      expect((await control(simulator, 'POST', '/records/ONE', { id, values: {} })).status).toBe(201);
    }
    const pages = await read(connectedTo(simulator), odd);
    expect(found(pages).toSorted()).toEqual(odd.toSorted());
    expect(pages.flatMap((page) => page.ids).toSorted()).toEqual(odd.toSorted());
    // One request for the simple ids, and one for each of the others.
    expect(pages.map((page) => page.ids.length).toSorted()).toEqual([1, 1, 6]);
    expect(pages.map((page) => page.more)).toEqual([true, true, false]);
  });

  test('are requested 500 at a time, or fewer if the connection says so', async () => {
    const simulator = await start({ organizations: { ONE: 1201 } });
    const ids = Array.from({ length: 1201 }, (_, n) => idOf(n + 1));
    for (const [pageSize, sizes] of [
      [10_000, [500, 500, 201]],
      [400, [400, 400, 400, 1]],
    ] as const) {
      const pages = await read(connectedTo(simulator, { pageSize }), ids);
      expect(pages.map((page) => page.rows.length)).toEqual(sizes);
      expect(found(pages)).toEqual(ids);
    }
  });

  test('are read again when PEMS fails, with the clock of the successful attempt', async () => {
    const simulator = await start();
    await fault(simulator, { kind: 'status', status: 503, count: 2 });
    let tick = 0;
    const errors: (string | undefined)[] = [];
    const [page] = await read(connectedTo(simulator), [idOf(1), idOf(2)], {
      clock: () => Promise.resolve(`t${++tick}`),
      onRequest: ({ error }) => errors.push(error?.code),
    });
    expect(page).toMatchObject({ requestedAt: 't3', receivedAt: 't4' });
    // The last request reads the column names.
    expect(errors).toEqual(['PEMS_SERVER_ERROR', 'PEMS_SERVER_ERROR', undefined, undefined]);
  });

  test('are not complete if PEMS announces more', async () => {
    const simulator = await start();
    await fault(simulator, { kind: 'page-count', says: 'more', count: 1 });
    const pages = await read(connectedTo(simulator), [idOf(1), idOf(2)]);
    expect(found(pages)).toEqual([idOf(1), idOf(2)]);

    await fault(simulator, { kind: 'page-count', says: 'more', count: 1000 });
    await expect(read(connectedTo(simulator), [idOf(1), idOf(2)])).rejects.toMatchObject({
      code: 'PEMS_MALFORMED_ANSWER',
    });
  });

  test('end with the reason if aborted', async () => {
    const simulator = await start();
    await fault(simulator, { kind: 'hang', count: 1 });
    const controller = new AbortController();
    const reading = read(connectedTo(simulator, { maxAttempts: 1 }), [idOf(1)], {
      signal: controller.signal,
    });
    controller.abort(new Error('enough'));
    await expect(reading).rejects.toThrow('enough');
  });
});

test('need no request if there are none', async () => {
  expect(await read(connectionTo(pems), [])).toEqual([]);
  expect(pems.requests).toEqual([]);
});

test('are requested with = for one id, with IN for several', async () => {
  pems.answer(recordsOf([], dataOnly));
  await read(connectionTo(pems), ['A']);
  await read(connectionTo(pems), ['A', 'B']);
  expect(filters()).toEqual([
    [{ ALIAS_NAME: 'pfs_id', OPERATOR: '=', VALUE: 'A', JOINER: 'AND', SEQNUM: 1 }],
    [{ ALIAS_NAME: 'pfs_id', OPERATOR: 'IN', VALUE: 'A,B', JOINER: 'AND', SEQNUM: 1 }],
  ]);
});

test('include every row of every id, however many organizations have it and whatever the page size', async () => {
  const id = fc.stringMatching(/^[A-D][,0-9]{0,2}$/);
  const row = fc.record({ pfs_id: id, pfs_a_org: fc.stringMatching(/^ONE[0-9]?$/) });
  await fc.assert(
    fc.asyncProperty(
      fc.array(row, { maxLength: 60 }),
      fc.array(id, { maxLength: 30 }),
      fc.integer({ min: 1, max: 12 }),
      async (rows, ids, pageSize) => {
        const expected = rows.filter((one) => ids.includes(one.pfs_id)).map((one) => JSON.stringify(one));
        for (const shape of [dataOnly, headData]) {
          pems.answer(recordsOf(rows, shape));
          const pages = await read(connectionTo(pems, { pageSize }), ids);
          expect(pages.flatMap((page) => page.ids).toSorted()).toEqual([...new Set(ids)].toSorted());
          for (const page of pages) {
            const own = rows.filter((one) => page.ids.includes(one.pfs_id));
            expect(byAlias(page)).toEqual(own);
          }
          expect(
            pages
              .flatMap(byAlias)
              .map((one) => JSON.stringify(one))
              .toSorted(),
          ).toEqual(expected.toSorted());
        }
      },
    ),
    { numRuns: 40 },
  );
});

test('a PEMS without the filter causes an error and never a missing record', async () => {
  const others = Array.from({ length: 5000 }, (_, n) => ({ pfs_id: `Z${n}`, pfs_a_org: 'ONE' }));
  pems.answer((response, request, message) => {
    const size = request.body.GRID.NUMBER_OF_ROWS_FIRST_RETURNED;
    json(dataOnly(others.slice(0, size), others.length > size))(response, request, message);
  });
  await expect(read(connectionTo(pems), ['A', 'B'])).rejects.toMatchObject({
    code: 'PEMS_MALFORMED_ANSWER',
    message: expect.stringContaining('another pfs_id') as string,
  });
  expect(pems.requests.length).toBe(1);
});

test('rows without the id cause an error and never missing records', async () => {
  pems.answer(json(dataOnly([{ other: 'A' }], false)));
  await expect(read(connectionTo(pems), ['A', 'B'])).rejects.toMatchObject({
    code: 'PEMS_MALFORMED_ANSWER',
    message: expect.stringContaining('without pfs_id') as string,
  });
});
