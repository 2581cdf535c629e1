import type { Server } from 'node:http';
import { VanguardError } from '../errors.ts';

/**
 * Lets a server listen, and answers the port: another than asked for where that was 0. Refuses with PORT_IN_USE.
 *
 * @param variable What the port is set with, for who has to change it.
 */
export async function listen(server: Server, host: string, port: number, variable: string): Promise<number> {
  const failed = (cause: NodeJS.ErrnoException) => {
    const isTaken = cause.code === 'EADDRINUSE';
    return new VanguardError(
      'PORT_IN_USE',
      `Port ${port} of ${host} cannot be used: ${isTaken ? 'another program listens there' : cause.message}.`,
      {
        hint: isTaken
          ? `Stop that program, or set ${variable} to another.`
          : `Set ${variable} to a port that this user may listen on, and ${variable.replace(/^WORKER_|PORT$/g, '')}HOST to an address of this machine.`,
        cause,
      },
    );
  };
  await new Promise<void>((resolve, reject) => {
    const refuse = (cause: NodeJS.ErrnoException) => reject(failed(cause));
    server.once('error', refuse);
    server.listen(port, host, () => {
      server.off('error', refuse);
      resolve();
    });
  });
  const address = server.address();
  return typeof address === 'object' && address ? address.port : port;
}
