import compression from 'compression';
import type { RequestHandler } from 'express';

/**
 * Compresses responses above 1 kB for clients that accept it. Brotli at level 4 is faster than gzip at its default
 * level, and smaller; zlib uses its own threads. Responses of sign-in stay uncompressed: their length would reveal the
 * token next to client input (BREACH).
 */
export const compress = (): RequestHandler =>
  compression({
    threshold: 1024,
    filter: (request, response) =>
      !/^\/api\/auth(\/|$)/i.test(request.originalUrl.split('?')[0] ?? '') &&
      compression.filter(request, response),
  });
