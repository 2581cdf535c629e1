import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { createGzip, gzipSync } from 'node:zlib';
import { afterAll, afterEach, expect, test } from 'vitest';
import { smallHeap } from '../../worker/memory.ts';
import type { Organization } from '../support/make.ts';
import { until } from '../support/until.ts';
import { workerProcess } from './process.ts';
import { stagedRows, testWorld } from './world.ts';

// A PEMS that would fill memory or disk, and a real worker process: the run of this organization fails, another
// organization is read meanwhile, and no data of the failed run stays.

const world = await testWorld({ GOOD: 200 });
const { db } = world;

type Answer = (asked: { rows: number; after: string | undefined }, response: ServerResponse) => void;
let answer: Answer;
const server = createServer((message, response) => {
  void text(message).then((body) => {
    const { GRID, MULTIADDON_FILTERS: filters } = JSON.parse(body) as {
      GRID: { NUMBER_OF_ROWS_FIRST_RETURNED: number };
      MULTIADDON_FILTERS?: { MADDON_FILTER: { VALUE: string }[] };
    };
    answer(
      { rows: GRID.NUMBER_OF_ROWS_FIRST_RETURNED, after: filters?.MADDON_FILTER.at(-1)?.VALUE },
      response.setHeader('content-type', 'application/json'),
    );
  });
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
afterEach(() => world.control('DELETE', '/faults'));
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/axis/restservices`;

const limits = { SYNC_MAX_ROWS: '20000', SYNC_MAX_SECONDS: '10' };
const { child } = await workerProcess(db, 'silent', { execArgv: smallHeap, environment: limits });
/** Peak memory of the process, in MB. */
const peak = () => {
  const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
};
const good = await world.organization('GOOD');
const organizations: Organization[] = [];

/** A page of the default columns. */
const page = (rows: number, after: string | undefined, value: string) => {
  const from = Number(after?.slice(1) ?? 0) + 1;
  return JSON.stringify({
    Result: {
      ResultData: {
        GRID: {
          METADATA: { MORERECORDPRESENT: '+', RECORDS: rows },
          FIELDS: {
            FIELD: ['pfs_id', 'pfs_a_org', 'pfs_f_model'].map((name, aliasnum) => ({ aliasnum, name })),
          },
          DATA: {
            ROW: Array.from({ length: rows }, (_, n) => ({
              id: n,
              D: [`R${String(from + n).padStart(12, '0')}`, 'BAD', value].map((cell, n) => ({
                n,
                value: cell,
              })),
            })),
          },
        },
      },
    },
  });
};

const bomb = gzipSync(`{"Result":[${'{},'.repeat(70_000_000)}{}]}`);
const hostile: [name: string, code: string | RegExp, answer: Answer][] = [
  [
    'a gzip bomb',
    'PEMS_ANSWER_TOO_LARGE',
    (_, response) => response.setHeader('content-encoding', 'gzip').end(bomb),
  ],
  [
    'many objects in a small answer',
    'PEMS_ANSWER_TOO_LARGE',
    (_, response) => response.end(`{"Result":[${'{},'.repeat(5_000_000)}{}]}`),
  ],
  ['deep nesting', 'PEMS_ANSWER_TOO_LARGE', (_, response) => response.end('['.repeat(10_000_000))],
  [
    'a list without an end',
    'SYNC_TOO_MANY_ROWS',
    ({ rows, after }, response) => response.end(page(rows, after, 'M')),
  ],
  [
    'a list without an end, of long values',
    // The outcome depends on the speed of the machine.
    /^SYNC_TOO_(MANY_ROWS|LONG)$/,
    ({ rows, after }, response) => response.end(page(rows, after, 'M'.repeat(Math.floor(12e6 / rows)))),
  ],
  [
    'an answer without an end',
    'PEMS_ANSWER_TOO_LARGE',
    (_, response) => {
      const gzip = createGzip();
      gzip.pipe(response.setHeader('content-encoding', 'gzip'));
      const write = () => {
        while (!response.destroyed && gzip.write('{"Result":"'.padEnd(65_536, 'x')));
        if (!response.destroyed) gzip.once('drain', write);
      };
      write();
    },
  ],
  [
    'pages that trickle',
    'SYNC_TOO_LONG',
    ({ after }, response) => void setTimeout(() => response.end(page(2, after, 'M')), 300).unref(),
  ],
];

test.skipIf(!existsSync('/proc/self/status')).each(hostile)(
  '%s: %s, no data stays, and the worker stays small',
  async (name, code, says) => {
    answer = says;
    const organization = organizations[0] ?? (await world.organization('BAD', { url, timeoutMs: 30_000 }));
    organizations[0] = organization;
    const { id } = await world.request(organization);
    // Another organization is read meanwhile.
    expect(await world.sync(good)).toMatchObject({ state: 'succeeded', rows_read: 200 });
    const run = await until(
      `${name} has ended`,
      async () =>
        (await world.runs(organization)).find(
          (row) => row.id === id && row.state !== 'running' && row.state !== 'queued',
        ),
      60,
    );
    expect(run.state).toBe('failed');
    expect(run.error_code).toMatch(code);
    expect(run.error_hint).toMatch(/\w/);
    expect(await stagedRows(db.owner, organization)).toBe(0);
    expect(await world.mirror(organization)).toEqual([]);
    expect(child.exitCode).toBeNull();
    const most = Math.round(peak());
    console.log(`After ${name} the worker had had at most ${most} MB.`);
    expect(most).toBeLessThan(400);
  },
  90_000,
);
