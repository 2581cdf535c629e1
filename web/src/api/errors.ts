/** Why something could not be done, whoever said so: REST, GraphQL, a websocket, or the network. */
export class ApiError extends Error {
  /** Stable, in upper case; docs/reference/errors.md explains each. `NETWORK` is ours: the server was not reached. */
  readonly code: string;
  /** What to do, where the message does not say it. */
  readonly hint: string | undefined;
  readonly details: unknown;
  /** After how many seconds it is worth trying again. */
  readonly retryAfter: number | undefined;
  /** Under which the log of the server has it. */
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

/** The server was not reached, so nobody knows whether it did what it was asked for. */
export const isNetworkLoss = (error: unknown): error is ApiError => hasCode(error, 'NETWORK');

export const hasCode = (error: unknown, code: string): error is ApiError =>
  error instanceof ApiError && error.code === code;

/** Worth trying again without anybody doing anything: the server, or its database, is away for a moment. */
export const isPassing = (error: unknown): boolean =>
  error instanceof ApiError &&
  ['NETWORK', 'DATABASE_UNAVAILABLE', 'OVERLOADED', 'TOO_MANY_REQUESTS', 'TRY_AGAIN'].includes(error.code);

export const networkLoss = (cause: unknown) =>
  new ApiError('NETWORK', 'The server can’t be reached.', {
    hint: 'Check your connection. The app retries automatically.',
    cause,
  });

/** Anything that was thrown, in the one shape that is shown. A fault of the app itself says so. */
export function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  return new ApiError('APP_FAILED', 'This part of the app has failed.', {
    hint: 'Reload the page. If it happens again, report what you did.',
    cause: error,
  });
}
