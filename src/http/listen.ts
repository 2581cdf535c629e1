import type { Server } from 'node:http';
import { VanguardError } from '../errors.ts';

/**
 * Lets a server listen, and answers the port: another than asked for where that was 0. Refuses with PORT_IN_USE.
 *
 * @param variable What the port is set with, for who has to change it.
 */
export async function listen(server: Server, host: string, port: number, variable: string): Promise<number> {
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
