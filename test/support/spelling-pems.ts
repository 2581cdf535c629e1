import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { Simulator } from '../../simulator/index.ts';

/** A PEMS with its own spelling of values, in front of the simulated one. It accepts no other spelling of them. */
export interface SpellingPems extends AsyncDisposable {
  url: string;
  /** Own spelling, by the text of the simulated PEMS. */
  spellings: Map<string, string>;
  /** Values written to the screen, by field, unchanged. */
  written: Record<string, unknown>[];
}

interface Pair {
  USERDEFINEDSCREENFIELDNAME: string;
  USERDEFINEDSCREENFIELDVALUE: { TEXTDATA?: string };
}

export async function startSpellingPems(simulator: Simulator): Promise<SpellingPems> {
  /** Replaces every text of the JSON that has an own spelling. */
  const respelled = (json: string, spellings: Iterable<readonly [string, string]>): string => {
    const map = new Map(spellings);
    return JSON.stringify(JSON.parse(json), (_, value: unknown) =>
      typeof value === 'string' ? (map.get(value) ?? value) : value,
    );
  };
  const server = createServer((message, response) => {
    const serve = async () => {
      const body = (await buffer(message)).toString();
      const request = JSON.parse(body) as {
        USERDEFINEDSERVICEACTION?: string;
        USERDEFINEDSCREENFIELDVALUELIST?: { USERDEFINEDSCREENFIELDVALUEPAIR: Pair | Pair[] };
      };
      if (request.USERDEFINEDSERVICEACTION === 'UPDATE') {
        const pairs = [request.USERDEFINEDSCREENFIELDVALUELIST?.USERDEFINEDSCREENFIELDVALUEPAIR ?? []].flat();
        pems.written.push(
          Object.fromEntries(
            pairs.map((pair) => [
              pair.USERDEFINEDSCREENFIELDNAME,
              pair.USERDEFINEDSCREENFIELDVALUE.TEXTDATA ?? pair.USERDEFINEDSCREENFIELDVALUE,
            ]),
          ),
        );
      }
      const wrong = [...pems.spellings.keys()].map((text) => [text, `not ${text}`] as const);
      const answer = await fetch(`${simulator.url}/${(message.url ?? '').split('/').at(-1)}`, {
        method: 'POST',
        headers: Object.fromEntries(
          ['authorization', 'tenant', 'organization', 'content-type'].flatMap((name) =>
            message.headers[name] === undefined ? [] : [[name, String(message.headers[name])]],
          ),
        ),
        body: respelled(body, [...wrong, ...[...pems.spellings].map(([ours, its]) => [its, ours] as const)]),
      });
      response.writeHead(answer.status, { 'content-type': 'application/json' });
      response.end(respelled(await answer.text(), pems.spellings));
    };
    serve().catch(() => response.destroy());
  });
  const pems: SpellingPems = {
    url: '',
    spellings: new Map(),
    written: [],
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await once(server.close(), 'close');
    },
  };
  await once(server.listen(0, '127.0.0.1'), 'listening');
  pems.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/axis/restservices`;
  return pems;
}
