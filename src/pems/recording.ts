import type { Transport } from './client.ts';
import type { Masker } from './masking.ts';
import { postAgain } from './post.ts';

/** One request and its response, masked. */
export interface Exchange {
  service: 'grid' | 'screen';
  /** The target of the request: a page, the header, or the record with this masked id. */
  asked: 'page' | 'header' | { record: string };
  /** The end of the address, without the host. */
  path: string;
  request: unknown;
  status: number;
  contentType: string;
  milliseconds: number;
  /** The masked JSON, or the masked beginning of other text. */
  answer: { json: unknown } | { text: string };
}

/** Maximum number of characters of a text that is not JSON to keep. */
const KEPT_TEXT = 2_000;

/**
 * Returns a transport that keeps a masked copy of every exchange. Stops after `most` bytes of a response, like the
 * client itself.
 */
export function createRecorder(
  masker: Masker,
  most = 16 * 1024 * 1024,
): { transport: Transport; exchanges: readonly Exchange[] } {
  const exchanges: Exchange[] = [];
  const transport: Transport = async (url, options) => {
    const started = performance.now();
    const reply = await postAgain(url, options);
    const pieces: Uint8Array[] = [];
    let size = 0;
    for await (const piece of reply.body) {
      size += piece.length;
      pieces.push(piece);
      if (size > most) break;
    }
    const whole = Buffer.concat(pieces);
    const sent: unknown = JSON.parse(options.body);
    exchanges.push({
      ...askedBy(sent, masker),
      path: url.pathname.split('/').at(-1) ?? '',
      request: masker.json(sent),
      status: reply.status,
      contentType: /^[\w.+-]+\/[\w.+-]+/.exec(reply.header('content-type') ?? '')?.[0] ?? '',
      milliseconds: Math.round(performance.now() - started),
      answer: answerOf(whole.toString('utf8'), masker),
    });
    return {
      ...reply,
      body: (async function* () {
        yield await Promise.resolve(whole);
      })(),
    };
  };
  return { transport, exchanges };
}

function answerOf(text: string, masker: Masker): Exchange['answer'] {
  try {
    return { json: masker.json(JSON.parse(text)) };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return { text: masker.plain(text.slice(0, KEPT_TEXT)) };
  }
}

function askedBy(request: unknown, masker: Masker): Pick<Exchange, 'service' | 'asked'> {
  const { REQUEST_TYPE, USERDEFINEDSCREENFIELDVALUELIST: list } = request as {
    REQUEST_TYPE?: string;
    USERDEFINEDSCREENFIELDVALUELIST?: {
      USERDEFINEDSCREENFIELDVALUEPAIR: { USERDEFINEDSCREENFIELDVALUE: { TEXTDATA: string } }[];
    };
  };
  if (list === undefined)
    return { service: 'grid', asked: REQUEST_TYPE === 'LIST.HEAD_ONLY.STORED' ? 'header' : 'page' };
  // The client identifies the record by its first pair.
  const id = list.USERDEFINEDSCREENFIELDVALUEPAIR[0]?.USERDEFINEDSCREENFIELDVALUE.TEXTDATA ?? '';
  return { service: 'screen', asked: { record: masker.text(id) } };
}
