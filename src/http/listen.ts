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
    server.once('error', (cause: NodeJS.ErrnoException) => {
      reject(
        new VanguardError(
          'PORT_IN_USE',
          `Port ${port} of ${host} cannot be used: ${cause.code === 'EADDRINUSE' ? 'another program listens there' : cause.message}.`,
          {
            hint: `Stop that program, or set ${variable} to another.`,
            cause,
          },
        ),
      );
    });
    server.listen(port, host, resolve);
  });
  const address = server.address();
  return typeof address === 'object' && address ? address.port : port;
}
