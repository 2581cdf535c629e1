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

/** An error body of the server; GraphQL has another one. */
interface ErrorBody {
  error?: { code?: string; message?: string; details?: unknown };
}

/**
 * Sends a request to the server and answers its body. Refuses with what the server says, or with NETWORK when it was not
 * reached. Who cancels gets the AbortError.
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
  // GraphQL says what is wrong in its own shape, with any status.
  if (response.ok || (answer && 'errors' in answer)) return answer as T;
  throw refusalOf(response, answer);
}

function parse(text: string): object | undefined {
  if (text === '') return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    // The page of a proxy: refusalOf tells by the status.
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
  // A proxy answers while there is no server behind it.
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
