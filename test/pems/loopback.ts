import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { GridRequest } from '../../src/pems/grid.ts';
import type { PemsConnection } from '../../src/pems/index.ts';
import type { Row, Shape } from './answers.ts';

/** A received request. */
export interface Arrived {
  url: string | undefined;
  headers: IncomingHttpHeaders;
  body: GridRequest;
}

/** Handles one request. */
export type Handler = (response: ServerResponse, request: Arrived, message: IncomingMessage) => void;

/** An HTTP server on the loopback interface with responses set by the test, which records its requests. */
export interface Loopback extends AsyncDisposable {
  /** Base URL for connections. */
  baseUrl: string;
  requests: Arrived[];
  /** Sets the next responses, one per request; the last one repeats. */
  answer(...handlers: Handler[]): void;
}

export async function startLoopback(): Promise<Loopback> {
  const requests: Arrived[] = [];
  let queue: Handler[] = [];
  const server = createServer((message, response) => {
    void text(message).then((body) => {
      const request = {
        url: message.url,
        headers: message.headers,
        body: JSON.parse(body || 'null') as GridRequest,
      };
      requests.push(request);
      const handler = queue.length > 1 ? queue.shift() : queue[0];
      if (handler === undefined) response.writeHead(501).end();
      else handler(response, request, message);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    baseUrl: `http://127.0.0.1:${port}/axis/restservices`,
    requests,
    answer: (...handlers) => {
      queue = handlers;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** A connection to it without delays. */
export function connectionTo(
  loopback: { baseUrl: string },
  over: Partial<PemsConnection> = {},
): PemsConnection {
  return {
    baseUrl: loopback.baseUrl,
    tenant: 'ACME_PRD',
    authorization: { type: 'basic', username: 'reader', password: 'correct horse battery' },
    grid: { name: 'CUPFAG', id: '100541' },
    requestType: 'LIST.DATA_ONLY.STORED',
    pageSize: 1_000,
    dateOrder: 'MDY',
    requestsPerSecond: 1_000_000,
    retryDelayMs: 0,
    ...over,
  };
}

/** Responds with JSON. */
export function json(body: unknown, status = 200, headers: Record<string, string> = {}): Handler {
  return (response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
  };
}

/** Responds with a status only. */
export function status(code: number, headers: Record<string, string> = {}): Handler {
  return (response) => {
    response.writeHead(code, headers).end();
  };
}

/** Responds from the given rows like PEMS: prefix of the organization, ids after the last, page size. */
export function gridOf(rows: readonly Row[], shape: Shape): Handler {
  const sorted = rows.toSorted((a, b) => order(a.pfs_id ?? '', b.pfs_id ?? ''));
  return (response, { body }, message) => {
    const after = body.MULTIADDON_FILTERS?.MADDON_FILTER.find(({ OPERATOR }) => OPERATOR === '>')?.VALUE;
    const wanted = sorted.filter(
      (row) =>
        (row.pfs_a_org ?? '').startsWith(body.ADDON_FILTER.VALUE) &&
        (after === undefined || order(row.pfs_id ?? '', after) > 0),
    );
    const size = body.GRID.NUMBER_OF_ROWS_FIRST_RETURNED;
    const answer = shape(wanted.slice(0, size), wanted.length > size);
    json(answer)(response, { url: message.url, headers: message.headers, body }, message);
  };
}

function order(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
