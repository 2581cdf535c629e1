import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import type { RequestHandler } from 'express';
import { VanguardError } from '../errors.ts';

/** Parts of a request that the host check reads. */
type Asked = Pick<IncomingMessage, 'socket'> & { headers: IncomingHttpHeaders };

/** Returns whether a request names a host of this server. */
export type HostCheck = (request: Asked) => boolean;

/** Returns the name in `host[:port]`, in lower case and without a final dot; undefined for any other text. */
function nameOf(host: string): string | undefined {
  if (!/^[^\s/?#@\\]+$/.test(host) || !URL.canParse(`http://${host}`)) return undefined;
  return new URL(`http://${host}`).hostname.replace(/\.$/, '');
}

/**
 * Returns a check for host names by which a browser may reach this server. Otherwise a page of another site could point
 * its own name here (DNS rebinding) and act as a page of this server. IP addresses cannot be rebound, and browsers
 * always send `Host`.
 *
 * @param allowedHosts Names besides localhost, IP addresses and the name of this machine.
 */
function nameCheck(allowedHosts: readonly string[]): (name: string | undefined) => boolean {
  const names = new Set([hostname(), ...allowedHosts].map((name) => nameOf(name)));
  return (name) =>
    name !== undefined &&
    (isIP(name.replace(/^\[|\]$/g, '')) !== 0 ||
      name === 'localhost' ||
      name.endsWith('.localhost') ||
      names.has(name));
}

/** @param isTrustedProxy Returns whether the address is a trusted proxy, whose X-Forwarded-Host counts. */
export function hostCheck(
  allowedHosts: readonly string[],
  isTrustedProxy: (address: string) => boolean,
): HostCheck {
  const isAllowed = nameCheck(allowedHosts);
  return ({ headers, socket }) => {
    const forwarded = headers['x-forwarded-host'];
    const host =
      typeof forwarded === 'string' && isTrustedProxy(socket.remoteAddress ?? '')
        ? forwarded.split(',')[0]!.trim()
        : headers.host;
    return host === undefined || isAllowed(nameOf(host));
  };
}

/** Returns the error for a request to another host. */
export const hostNotAllowed = () =>
  new VanguardError('HOST_NOT_ALLOWED', 'The request names a host that is not served here.', {
    hint: 'Use localhost or an IP address, or ask the operator of the server to add the name to ALLOWED_HOSTS.',
  });

/** Refuses requests for another host with HOST_NOT_ALLOWED. */
export function requireAllowedHost(isAllowed: HostCheck): RequestHandler {
  return (request, _response, next) => {
    if (!isAllowed(request)) throw hostNotAllowed();
    next();
  };
}

/** Refuses requests from pages of another host with HOST_NOT_ALLOWED, on ports that serve no pages. */
export function requireOwnPages(allowedHosts: readonly string[]): RequestHandler {
  const isAllowed = nameCheck(allowedHosts);
  return ({ headers }, _response, next) => {
    const { origin } = headers;
    const isForeign =
      origin !== undefined && !(URL.canParse(origin) && isAllowed(nameOf(new URL(origin).host)));
    if (isForeign || headers['sec-fetch-site'] === 'cross-site')
      throw new VanguardError('HOST_NOT_ALLOWED', 'Pages of other sites cannot use this port.', {
        hint: 'Open the address directly, or use a program other than a browser.',
      });
    next();
  };
}
