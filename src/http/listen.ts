import type { Server } from 'node:http';
import { VanguardError } from '../errors.ts';

/** How long a client may take to send the headers of a request, and all of it, in milliseconds: who sends a byte now and then holds a connection. */
const patience = { headers: 20_000, request: 60_000 };

/**
 * Lets a server listen, and answers the port: another than asked for where that was 0. Refuses with PORT_IN_USE.
 *
 * @param variable What the port is set with, for who has to change it.
 */
export async function listen(server: Server, host: string, port: number, variable: string): Promise<number> {
  server.headersTimeout = patience.headers;
  server.requestTimeout = patience.request;
  await new Promise<void>((resolve, reject) => {
    const refuse = (cause: NodeJS.ErrnoException) => {
      reject(
        new VanguardError(
          'PORT_IN_USE',
          `Port ${port} of ${host} cannot be used: ${cause.code === 'EADDRINUSE' ? 'another program listens there' : cause.message}.`,
          { hint: whatHelps(cause.code, variable), cause },
        ),
      );
    };
    server.once('error', refuse);
    server.listen(port, host, () => {
      server.off('error', refuse);
      resolve();
    });
  });
  const address = server.address();
  return typeof address === 'object' && address ? address.port : port;
}

/** What to do about a port or an address that the system refuses. */
function whatHelps(code: string | undefined, variable: string): string {
  const host = variable === 'PORT' ? 'HOST' : 'ADMIN_HOST';
  if (code === 'EACCES') return `Ports below 1024 are for root: set ${variable} to a higher one.`;
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
    return `Set ${host} to an address of this machine, or to 0.0.0.0 for all of them.`;
  return `Stop that program, or set ${variable} to another.`;
}

/** The address of a server as users enter it: one that listens on all interfaces is reached as localhost. */
export function shownUrl(host: string, port: number): string {
  if (['0.0.0.0', '::', '127.0.0.1'].includes(host)) return `http://localhost:${port}`;
  // IPv6 stands in brackets, and the percent sign of a zone is encoded.
  const shownHost = host.includes(':') ? `[${host.replace('%', '%25')}]` : host;
  return `http://${shownHost}:${port}`;
}
