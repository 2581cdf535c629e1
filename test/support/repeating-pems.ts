import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { Simulator } from '../../simulator/index.ts';

/** A handmade response. */
export interface SpokenAnswer {
  status: number;
  headers?: Record<string, string>;
  body: string;
}

/** The contents of a request. */
export interface Asked {
  service: 'griddata' | 'userdefinedscreenservices';
  headers: IncomingHttpHeaders;
  body: string;
}

/**
 * A PEMS in front of the simulated one, which accepts credentials of any kind and sends responses of the test. The
 * simulated one knows only Basic and API keys, and repeats none.
 */
export interface RepeatingPems extends AsyncDisposable {
  url: string;
  /** The accepted credentials. */
  lets: (headers: IncomingHttpHeaders) => boolean;
  /** The handmade response; undefined: that of the simulated PEMS. */
  answers: (asked: Asked) => SpokenAnswer | undefined;
}

export async function startRepeatingPems(simulator: Simulator): Promise<RepeatingPems> {
  const { username, password, tenant } = simulator.credentials;
  const known = Buffer.from(`${username}:${password}`).toString('base64');
  const server = createServer((message, response) => {
    const serve = async () => {
      const body = await buffer(message);
      const service = (message.url ?? '').split('/').at(-1) as Asked['service'];
      const { headers } = message;
      const spoken = pems.lets(headers)
        ? pems.answers({ service, headers, body: body.toString() })
        : { status: 401, body: '' };
      if (spoken) {
        response.writeHead(spoken.status, spoken.headers).end(spoken.body);
        return;
      }
      const answer = await fetch(`${simulator.url}/${service}`, {
        method: 'POST',
        headers: {
          authorization: `Basic ${known}`,
          tenant,
          organization: String(headers.organization),
          'content-type': 'application/json',
        },
        body,
      });
      response.writeHead(answer.status, { 'content-type': 'application/json' });
      response.end(Buffer.from(await answer.arrayBuffer()));
    };
    serve().catch(() => response.destroy());
  });
  const pems: RepeatingPems = {
    url: '',
    lets: () => true,
    answers: () => undefined,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await once(server.close(), 'close');
    },
  };
  await once(server.listen(0, '127.0.0.1'), 'listening');
  pems.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/axis/restservices`;
  return pems;
}
