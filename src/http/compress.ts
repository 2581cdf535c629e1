import compression from 'compression';
import type { RequestHandler } from 'express';

/**
 * Compresses answers above 1 kB for clients that take it. Brotli at 4 is faster than gzip at its default, and smaller. zlib works
 * on threads of its own. Answers of sign-in are left alone: their length would tell of the token beside what the client sent (BREACH).
 */
export const compress = (): RequestHandler =>
  compression({
    threshold: 1024,
    filter: (request, response) =>
      !/^\/api\/auth(\/|$)/i.test(request.originalUrl.split('?')[0] ?? '') &&
      compression.filter(request, response),
  });
