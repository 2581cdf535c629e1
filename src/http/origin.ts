import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { RequestHandler } from 'express';
import { VanguardError } from '../errors.ts';

/** Returns whether a request comes from the server's own page or from an allowed origin. */
export type OriginCheck = (
  request: Pick<IncomingMessage, 'socket'> & { headers: IncomingHttpHeaders },
) => boolean;

/**
 * Returns a check of the `Origin` header. Browsers name the page that sends a POST or opens a websocket there, without
 * asking the server first. Other programs send no `Origin` and are allowed.
 *
 * @param isTrustedProxy Returns whether the address is a trusted proxy.
 */
export function originCheck(
  corsOrigins: readonly string[],
  isTrustedProxy: (address: string) => boolean,
): OriginCheck {
  return ({ headers, socket }) => {
    const { origin } = headers;
    if (origin === undefined || corsOrigins.includes(origin)) return true;
    if (!URL.canParse(origin)) return false;
    const { protocol, host } = new URL(origin);
    const forwarded = headers['x-forwarded-host'];
    const own =
      isTrustedProxy(socket.remoteAddress ?? '') && typeof forwarded === 'string'
        ? forwarded.split(',')[0]!.trim()
        : (headers.host ?? '');
    // Default ports may be present or absent.
    return URL.canParse(`${protocol}//${own}`) && new URL(`${protocol}//${own}`).host === host;
  };
}

/**
 * Refuses requests that other sites send through a browser to paths that use the refresh cookie, with FORBIDDEN. The
 * cookie is SameSite=Strict, but other ports and subdomains count as the same site. A response that clears the cookie
 * signs the user out even if the request sent none.
 */
export function requireOwnOrigin(isOwn: OriginCheck): RequestHandler {
  return (request, _response, next) => {
    if (request.method === 'POST' && !isOwn(request)) {
      throw new VanguardError('FORBIDDEN', 'Pages of this origin cannot sign users in or out.', {
        hint: 'Ask the operator of the server to add the origin to CORS_ORIGINS.',
      });
    }
    next();
  };
}
