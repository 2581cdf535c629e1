import http from 'node:http';
import https from 'node:https';

/** What of an answer is looked at. */
export interface Reply {
  status: number;
  header(name: string): string | null;
  body: AsyncIterable<Uint8Array>;
  /** Gives up the rest of it. */
  discard(): void;
}

export interface PostOptions {
  headers: Readonly<Record<string, string>>;
  body: string;
  signal: AbortSignal;
  /** Called right before the first byte goes out; when it throws, none does, and the request rejects with the same. */
  beforeSending: () => void;
}

/** As `fetch` does it; for requests that may be repeated. */
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

/** As `postAgain`, for what is asked for without a body. */
export async function getAgain(
  url: URL,
  { headers, signal }: Pick<PostOptions, 'headers' | 'signal'>,
): Promise<Reply> {
  return replyOf(await fetch(url, { headers, signal, redirect: 'manual' }));
}

/**
 * Sends a request of which must be known for certain whether any of it went out. `fetch` cannot tell: it queues the
 * request while it connects, so the request of a process that was stopped meanwhile would go out when it wakes, however
 * late that is. Here the connection stands first, and it is a new one: PEMS may be about to close one that was kept,
 * and a write that meets this has an unknown end.
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
      // Whoever reads the body hears of it; nobody does when it is discarded.
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
