import http from 'node:http';
import https from 'node:https';

/** Parts of a response that the client reads. */
export interface Reply {
  status: number;
  header(name: string): string | null;
  body: AsyncIterable<Uint8Array>;
  /** Discards the rest of the body. */
  discard(): void;
}

export interface PostOptions {
  headers: Readonly<Record<string, string>>;
  body: string;
  signal: AbortSignal;
  /**
   * Called right before the first byte is sent; if it throws, nothing is sent, and the request rejects with the same
   * error.
   */
  beforeSending: () => void;
}

/** Uses `fetch`; for requests that may be repeated. */
export async function postAgain(url: URL, options: Omit<PostOptions, 'beforeSending'>): Promise<Reply> {
  return replyOf(await fetch(url, { ...options, method: 'POST', redirect: 'manual' }));
}

function replyOf(response: Response): Reply {
  return {
    status: response.status,
    header: (name) => response.headers.get(name),
    body: response.body ?? (async function* () {})(),
    discard: () => void response.body?.cancel().catch(() => undefined),
  };
}

/** Like `postAgain`, for requests without a body. */
export async function getAgain(
  url: URL,
  { headers, signal }: Pick<PostOptions, 'headers' | 'signal'>,
): Promise<Reply> {
  return replyOf(await fetch(url, { headers, signal, redirect: 'manual' }));
}

/**
 * Sends a request and reports with certainty whether any of it was sent. `fetch` cannot report that: it queues the
 * request while it connects, so a suspended process would send the request when it resumes, however late. This function
 * connects first, over a new connection. PEMS may be about to close a kept one, and the outcome of a write over it
 * would be unknown.
 */
export function postOnce(url: URL, options: PostOptions): Promise<Reply> {
  const { headers, body, signal, beforeSending } = options;
  const isSecure = url.protocol === 'https:';
  return new Promise((resolve, reject) => {
    const request = (isSecure ? https : http).request(url, { method: 'POST', headers, signal, agent: false });
    request.once('socket', (socket) => {
      socket.once(isSecure ? 'secureConnect' : 'connect', () => {
        try {
          beforeSending();
          request.end(body);
        } catch (error) {
          request.destroy(error instanceof Error ? error : undefined);
        }
      });
    });
    request.once('response', (message) => {
      // Readers of the body still receive the error; after a discard there are none.
      message.on('error', () => undefined);
      resolve({
        status: message.statusCode ?? 0,
        header: (name) => message.headers[name]?.toString() ?? null,
        body: message,
        discard: () => void message.destroy(),
      });
    });
    request.on('error', reject);
    request.once('close', () => {
      reject(new Error('The connection was closed without an answer.'));
    });
  });
}
