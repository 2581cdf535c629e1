import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { manifestName, type RecordingManifest } from '../../src/cli/recording-folder.ts';

/** A PEMS that responds from a folder of `connection record`. */
export interface Replay extends AsyncDisposable {
  /** Base URL for connections. */
  url: string;
  manifest: RecordingManifest;
  /** Requests without a recorded response. */
  unanswered: string[];
}

interface Asked {
  REQUEST_TYPE?: string;
  USERDEFINEDSCREENFIELDVALUELIST?: {
    USERDEFINEDSCREENFIELDVALUEPAIR: { USERDEFINEDSCREENFIELDVALUE: { TEXTDATA: string } }[];
  };
}

/** Responds to each kind of request from the recording; an unrecorded record counts as missing. */
export async function startReplay(folder: string): Promise<Replay> {
  const manifest = JSON.parse(await readFile(join(folder, manifestName), 'utf8')) as RecordingManifest;
  const answers = await Promise.all(
    manifest.exchanges.map(async (exchange) => ({
      ...exchange,
      body: await readFile(join(folder, exchange.file), 'utf8'),
    })),
  );
  const unanswered: string[] = [];
  const find = ({ REQUEST_TYPE, USERDEFINEDSCREENFIELDVALUELIST: list }: Asked) => {
    if (list === undefined) {
      const asked = REQUEST_TYPE === 'LIST.HEAD_ONLY.STORED' ? 'header' : 'page';
      return answers.find((one) => one.asked === asked);
    }
    const id = list.USERDEFINEDSCREENFIELDVALUEPAIR[0]?.USERDEFINEDSCREENFIELDVALUE.TEXTDATA;
    const records = answers.filter(({ service }) => service === 'screen');
    return records.find(({ asked }) => typeof asked === 'object' && asked.record === id) ?? records.at(-1);
  };
  const server = createServer((message, response) => {
    void json(message).then((asked) => {
      const found = find(asked as Asked);
      if (found === undefined) {
        unanswered.push(JSON.stringify(asked));
        response.writeHead(501).end();
      } else response.writeHead(found.status, { 'content-type': found.contentType }).end(found.body);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/axis/restservices`,
    manifest,
    unanswered,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
