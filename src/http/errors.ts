import type { ErrorRequestHandler, RequestHandler } from 'express';
import type { Logger } from 'pino';
import { VanguardError } from '../errors.ts';
import { refusal, type Refusal } from '../sqlstates.ts';
import { isClientGone } from './client-gone.ts';
import { routeOf } from './observe.ts';

/** Refuses requests to unknown paths. */
export const notFound: RequestHandler = (request) => {
  throw new VanguardError(
    'NOT_FOUND',
    `The address ${request.method} ${request.path.slice(0, 200)} does not exist.`,
    {
      hint: 'Use an address of docs/reference/api.md.',
    },
  );
};

/** Sends every error in the same shape, `{error: {code, message, details?}}`. */
export function answerErrors(logger: Logger): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    // The queries were cancelled, and the log shows the request as 499.
    if (isClientGone()) return;
    const { status, code, message, details, retryAfter } = ofExpress(error) ?? refusal(error);
    if (status >= 500)
      logger.error({ err: error, method: request.method, route: routeOf(request) }, 'a request failed');
    // A stream that broke halfway can only be cut off, because its beginning was sent.
    if (response.headersSent) return next(error);
    if (retryAfter !== undefined || status === 503)
      response.setHeader('Retry-After', String(retryAfter ?? 5));
    response.status(status).json({ error: { code, message, ...(details === undefined ? {} : { details }) } });
  };
}

/** Errors of express and its body parser, by type, or else by a status that blames the request. */
function ofExpress(error: unknown): Refusal | undefined {
  if (!(error instanceof Error)) return undefined;
  switch ('type' in error ? error.type : undefined) {
    case 'entity.too.large':
      return {
        status: 413,
        code: 'BODY_TOO_LARGE',
        message: `The request body is too large${'limit' in error && typeof error.limit === 'number' ? `: at most ${error.limit.toLocaleString('en')} bytes are accepted` : ''}. Send less in one request.`,
      };
    case 'encoding.unsupported':
    case 'request.aborted':
    case 'request.size.invalid':
      return {
        status: 400,
        code: 'INVALID_INPUT',
        message: 'The request body cannot be read. Send JSON in UTF-8.',
      };
    default:
      return 'status' in error && error.status === 400
        ? {
            status: 400,
            code: 'INVALID_INPUT',
            message: 'The request cannot be read: its address or its body is damaged.',
          }
        : undefined;
  }
}
