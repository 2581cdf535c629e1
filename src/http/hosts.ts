import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import type { RequestHandler } from 'express';
import { VanguardError } from '../errors.ts';

/** What a check of hosts reads of a request. */
type Asked = Pick<IncomingMessage, 'socket'> & { headers: IncomingHttpHeaders };

/** Whether a request names a host that this server is reached by. */
export type HostCheck = (request: Asked) => boolean;

/** The name in `host[:port]`, in lower case and without a final dot; undefined where it holds anything else. */
function nameOf(host: string): string | undefined {
  if (!/^[^\s/?#@\\]+$/.test(host) || !URL.canParse(`http://${host}`)) return undefined;
  return new URL(`http://${host}`).hostname.replace(/\.$/, '');
}

/**
 * Names by which a browser may reach this server: a page of another site could otherwise let its own name point here (DNS
 * rebinding), and its requests would be those of our own pages. An IP address has no name that could point elsewhere, and
 * a request without `Host` comes from no browser.
 *
 * @param allowedHosts Besides localhost, IP addresses and the name of this machine.
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

/** @param isTrustedProxy Whether what this address says of the request's way is believed: then its X-Forwarded-Host counts. */
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

/** Why a request for another host is refused. */
export const hostNotAllowed = () =>
  new VanguardError('HOST_NOT_ALLOWED', 'The request names a host that is not served here.', {
    hint: 'Use localhost or an IP address, or have the operator of the server add the name to ALLOWED_HOSTS.',
  });

/** Refuses, with HOST_NOT_ALLOWED, requests for another host. */
export function requireAllowedHost(isAllowed: HostCheck): RequestHandler {
  return (request, _response, next) => {
    if (!isAllowed(request)) throw hostNotAllowed();
    next();
  };
}

/** Refuses, with HOST_NOT_ALLOWED, what a page of another host sends: for ports that have no pages. */
export function requireOwnPages(allowedHosts: readonly string[]): RequestHandler {
  const isAllowed = nameCheck(allowedHosts);
  return ({ headers }, _response, next) => {
    const { origin } = headers;
    const isForeign =
      origin !== undefined && !(URL.canParse(origin) && isAllowed(nameOf(new URL(origin).host)));
    if (isForeign || headers['sec-fetch-site'] === 'cross-site')
      throw new VanguardError('HOST_NOT_ALLOWED', 'Pages of other sites may not use this port.', {
        hint: 'Open the address itself, or use a program that is no browser.',
      });
    next();
  };
}
