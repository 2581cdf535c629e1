/** Shared HTTP functions of both ports: reading bodies, listening on loopback, stopping at once. */
import http from 'node:http';
import type { AddressInfo } from 'node:net';

const mostBytes = 4 * 1024 * 1024;

/** Reads the whole body of a request, at most 4 MB. */
export async function readBody(request: http.IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of request as AsyncIterable<Buffer>) {
    size += piece.length;
    if (size > mostBytes) throw new Error('the body is larger than 4 MB');
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

export interface Listening {
  readonly port: number;
  close(): Promise<void>;
}

const isLoopback = (url: string) =>
  URL.canParse(url) && /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(new URL(url).hostname);

/**
 * Returns whether a request comes from a page of another site, or uses a foreign host name that points to this machine.
 */
function isForeign({ headers }: http.IncomingMessage): boolean {
  const { host, origin } = headers;
  return (
    (host !== undefined && !isLoopback(`http://${host}`)) ||
    (origin !== undefined && !isLoopback(origin)) ||
    headers['sec-fetch-site'] === 'cross-site'
  );
}

/**
 * Listens on 127.0.0.1. Port 0 takes any free port. Rejects with an Error whose `code` is EADDRINUSE if the port is in
 * use. If a handler rejects, its request ends with 500, or its connection closes if the response has begun.
 */
export function listen(
  what: string,
  port: number,
  handler: (request: http.IncomingMessage, response: http.ServerResponse) => Promise<void>,
): Promise<Listening> {
  const server = http.createServer((request, response) => {
    if (isForeign(request)) {
      const error = {
        code: 'HOST_NOT_ALLOWED',
        message: 'Use localhost or 127.0.0.1, and no page of another site.',
      };
      response
        .writeHead(421, { 'content-type': 'application/json; charset=utf-8' })
        .end(JSON.stringify({ error }));
      return;
    }
    handler(request, response).catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else response.writeHead(500, { 'content-type': 'text/plain' }).end(String(error));
    });
  });
  // A fault may delay a request for as long as a test likes.
  server.requestTimeout = 0;
  // Clients close an idle connection first, so that none sends into a closed one.
  server.keepAliveTimeout = 65_000;
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EADDRINUSE') return reject(error);
      const message = `Another program uses port ${port} on 127.0.0.1, which the ${what} needs.`;
      reject(Object.assign(new Error(message, { cause: error }), { code: 'EADDRINUSE' }));
    });
    server.listen({ port, host: '127.0.0.1' }, () => {
      resolve({
        port: (server.address() as AddressInfo).port,
        close: () =>
          new Promise((done) => {
            server.close(() => done());
            server.closeAllConnections();
          }),
      });
    });
  });
}
