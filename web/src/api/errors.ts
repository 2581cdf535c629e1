/** The reason for a failure, from any source: REST, GraphQL, a websocket or the network. */
export class ApiError extends Error {
  /**
   * Stable, in upper case; docs/reference/errors.md explains each code. The app adds `NETWORK`: the server was not
   * reached.
   */
  readonly code: string;
  /** The next step, if the message does not contain it. */
  readonly hint: string | undefined;
  readonly details: unknown;
  /** Number of seconds after which a retry makes sense. */
  readonly retryAfter: number | undefined;
  /** Id of the request in the server's log. */
  readonly requestId: string | undefined;

  constructor(
    code: string,
    message: string,
    more: {
      hint?: string | undefined;
      details?: unknown;
      retryAfter?: number | undefined;
      requestId?: string | undefined;
      cause?: unknown;
    } = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.name = 'ApiError';
    this.code = code;
    this.hint = more.hint;
    this.details = more.details;
    this.retryAfter = more.retryAfter;
    this.requestId = more.requestId;
  }
}

/** True if the server was not reached, so the outcome of the request is unknown. */
export const isNetworkLoss = (error: unknown): error is ApiError => hasCode(error, 'NETWORK');

export const hasCode = (error: unknown, code: string): error is ApiError =>
  error instanceof ApiError && error.code === code;

/** True if a retry alone may succeed, because the server or its database is briefly unavailable. */
export const isPassing = (error: unknown): boolean =>
  error instanceof ApiError &&
  ['NETWORK', 'DATABASE_UNAVAILABLE', 'OVERLOADED', 'TOO_MANY_REQUESTS', 'TRY_AGAIN'].includes(error.code);

export const networkLoss = (cause: unknown) =>
  new ApiError('NETWORK', 'The server can’t be reached.', {
    hint: 'Check your connection. The app retries automatically.',
    cause,
  });

/** Converts anything thrown to an `ApiError`. A bug of the app becomes an error that says so. */
export function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  return new ApiError('APP_FAILED', 'This part of the app has failed.', {
    hint: 'Reload the page. If it happens again, report what you did.',
    cause: error,
  });
}
