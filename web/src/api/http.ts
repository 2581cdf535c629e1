import { suspectLoss } from './connection.ts';
import { ApiError, networkLoss } from './errors.ts';
import { noteServerTime } from './serverTime.ts';

export interface HttpRequest {
  method?: 'GET' | 'POST';
  /** Sent as JSON. */
  body?: unknown;
  token?: string;
  signal?: AbortSignal | undefined;
}

/** The body of a REST error; GraphQL errors have another shape. */
interface ErrorBody {
  error?: { code?: string; message?: string; details?: unknown };
}

/**
 * Sends a request to the server and returns the response body. Throws the server's error, or `NETWORK` if the server
 * was not reached. A cancelled request throws the AbortError.
 */
export async function send<T>(
  path: string,
  { method = 'GET', body, token, signal }: HttpRequest = {},
): Promise<T> {
  let response: Response;
  let text: string;
  try {
    response = await fetch(path, {
      method,
      credentials: 'same-origin',
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(token ? { authorization: `Bearer ${token}` } : {}),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal ? { signal } : {}),
    });
    text = await response.text();
  } catch (cause) {
    if (signal?.aborted) throw cause;
    suspectLoss();
    throw networkLoss(cause);
  }
  noteServerTime(response.headers.get('date'));
  const answer = parse(text);
  // GraphQL responses carry their errors in the body, with any status.
  if (response.ok || (answer && 'errors' in answer)) return answer as T;
  throw refusalOf(response, answer);
}

function parse(text: string): object | undefined {
  if (text === '') return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    // A proxy's page is not JSON; `refusalOf` then judges the status alone.
    return undefined;
  }
}

function refusalOf(response: Response, body: ErrorBody | undefined): ApiError {
  const { code, message, details } = body?.error ?? {};
  if (code && message) {
    const seconds = Number(response.headers.get('retry-after'));
    return new ApiError(code, message, {
      details,
      retryAfter: seconds > 0 ? seconds : undefined,
      requestId: response.headers.get('x-request-id') ?? undefined,
    });
  }
  // These are responses of a proxy that has no server behind it.
  if ([502, 503, 504].includes(response.status)) {
    suspectLoss();
    return networkLoss(new Error(`status ${response.status}`));
  }
  return new ApiError(
    'UNEXPECTED_ANSWER',
    `The server sent a response that can’t be read (status ${response.status}).`,
    {
      hint: 'Try again. If this continues, contact your administrator.',
      requestId: response.headers.get('x-request-id') ?? undefined,
    },
  );
}
