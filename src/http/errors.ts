import type { ErrorRequestHandler, RequestHandler } from 'express';
import type { Logger } from 'pino';
import { VanguardError } from '../errors.ts';
import { refusal, type Refusal } from '../sqlstates.ts';
import { isClientGone } from './client-gone.ts';
import { routeOf } from './observe.ts';

/** What comes to a path that there is not. */
export const notFound: RequestHandler = (request) => {
  throw new VanguardError('NOT_FOUND', `There is no ${request.method} ${request.path.slice(0, 200)} here.`, {
    hint: 'Use one of the addresses that docs/reference/api.md lists.',
  });
};

/** Answers every error in the one shape, `{error: {code, message, details?}}`. */
export function answerErrors(logger: Logger): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    // Its queries were cancelled, and the request is logged as 499.
    if (isClientGone()) return;
    const { status, code, message, details, retryAfter } = ofExpress(error) ?? refusal(error);
    if (status >= 500)
      logger.error({ err: error, method: request.method, route: routeOf(request) }, 'a request failed');
    // A stream that broke half way can only be cut off: what was sent cannot be taken back.
    if (response.headersSent) return next(error);
    if (retryAfter !== undefined || status === 503)
      response.setHeader('Retry-After', String(retryAfter ?? 5));
    response.status(status).json({ error: { code, message, ...(details === undefined ? {} : { details }) } });
  };
}

/** What express and its body parser refuse: named by type, or at least with a status that blames the request. */
function ofExpress(error: unknown): Refusal | undefined {
  if (!(error instanceof Error)) return undefined;
  switch ('type' in error ? error.type : undefined) {
    case 'entity.too.large':
      return {
        status: 413,
        code: 'BODY_TOO_LARGE',
        message: `The body of the request is too large${'limit' in error && typeof error.limit === 'number' ? `: at most ${error.limit.toLocaleString('en')} bytes are taken here` : ''}. Send less in one request.`,
      };
    case 'encoding.unsupported':
    case 'request.aborted':
    case 'request.size.invalid':
      return {
        status: 400,
        code: 'INVALID_INPUT',
        message: 'The body of the request cannot be read. Send JSON in UTF-8.',
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
