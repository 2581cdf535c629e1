import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { RequestHandler } from 'express';
import { VanguardError } from '../errors.ts';

/** Whether a request comes from a page of our own, or of an origin that may call us. */
export type OriginCheck = (
  request: Pick<IncomingMessage, 'socket'> & { headers: IncomingHttpHeaders },
) => boolean;

/**
 * A browser says with `Origin` which page sends a POST or opens a websocket, and asks nobody whether it may. Programs say
 * nothing, and are let in.
 *
 * @param isTrustedProxy Whether what this address says of the request's way is believed.
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
    // Default ports may be named or not.
    return URL.canParse(`${protocol}//${own}`) && new URL(`${protocol}//${own}`).host === host;
  };
}

/**
 * Refuses, with FORBIDDEN, what another site has a browser send to where the refresh cookie counts. The cookie is
 * SameSite=Strict, but other ports and subdomains are the same site, and an answer that clears the cookie would sign out
 * also who sent none.
 */
export function requireOwnOrigin(isOwn: OriginCheck): RequestHandler {
  return (request, _response, next) => {
    if (request.method === 'POST' && !isOwn(request)) {
      throw new VanguardError('FORBIDDEN', 'Pages of this origin may not sign anybody in or out here.', {
        hint: 'Whoever runs the server can add the origin to CORS_ORIGINS.',
      });
    }
    next();
  };
}
