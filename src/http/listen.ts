import type { Server } from 'node:http';
import { VanguardError } from '../errors.ts';

/**
 * Timeouts of the headers and of the whole request, in milliseconds. Without them, a client that sends a byte now and
 * then would hold its connection forever.
 */
const patience = { headers: 20_000, request: 60_000 };

/**
 * Starts to listen and returns the port, which the system chooses if `port` is 0. Refuses with PORT_IN_USE, PORT_DENIED
 * or ADDRESS_UNAVAILABLE.
 *
 * @param variable Name of the variable that sets the port, for error messages.
 */
export async function listen(server: Server, host: string, port: number, variable: string): Promise<number> {
  server.headersTimeout = patience.headers;
  server.requestTimeout = patience.request;
  await new Promise<void>((resolve, reject) => {
    const refuse = (cause: NodeJS.ErrnoException) => {
      reject(listenFailure(cause, host, port, variable));
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

/** Converts the system's error for a port or an address. */
function listenFailure(
  cause: NodeJS.ErrnoException,
  host: string,
  port: number,
  variable: string,
): VanguardError {
  const hostVariable = variable === 'PORT' ? 'HOST' : 'ADMIN_HOST';
  if (cause.code === 'EADDRINUSE')
    return new VanguardError(
      'PORT_IN_USE',
      `Port ${port} of ${host} cannot be used: another program listens there.`,
      { hint: `Stop that program, or set ${variable} to another.`, cause },
    );
  if (cause.code === 'EACCES')
    return new VanguardError('PORT_DENIED', `This user may not listen on port ${port} of ${host}.`, {
      hint: `Ports below 1024 are for root: set ${variable} to a higher one.`,
      cause,
    });
  return new VanguardError(
    'ADDRESS_UNAVAILABLE',
    /^(ENOTFOUND|EAI_\w+)$/.test(cause.code ?? '')
      ? `The name ${host} stands for no address.`
      : `${host} is no address of this machine that a server can listen on: ${cause.message}.`,
    { hint: `Set ${hostVariable} to an address of this machine, or to 0.0.0.0 for all of them.`, cause },
  );
}

/** Returns the address of a server as users enter it: localhost, if the server listens on all interfaces. */
export function shownUrl(host: string, port: number): string {
  if (['0.0.0.0', '::', '127.0.0.1'].includes(host)) return `http://localhost:${port}`;
  // IPv6 addresses need brackets, and an encoded percent sign before the zone.
  const shownHost = host.includes(':') ? `[${host.replace('%', '%25')}]` : host;
  return `http://${shownHost}:${port}`;
}
