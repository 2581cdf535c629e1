import type { Request } from 'express';
import ipaddr from 'ipaddr.js';

/**
 * Where a request comes from, as attempts to sign in are counted: by IPv4 address, or by IPv6 /64, which is what one
 * customer of a network gets at least. X-Forwarded-For counts as far as TRUST_PROXY says.
 */
export function clientAddress({ ip, socket }: Pick<Request, 'ip' | 'socket'>): string {
  return counted(ip) ?? counted(socket.remoteAddress) ?? '0.0.0.0';
}

/** Undefined for what is no address: a proxy may pass on anything. Some add a port. */
export function counted(given: string | undefined): string | undefined {
  const text = (given ?? '').replace(/^\[([^\]]*)\](:\d+)?$/, '$1').replace(/^([\d.]+):\d+$/, '$1');
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return text;
  if (!ipaddr.IPv6.isValid(text)) return undefined;
  const address = ipaddr.process(text.replace(/%.*$/, ''));
  return address instanceof ipaddr.IPv4
    ? address.toString()
    : `${ipaddr.IPv6.networkAddressFromCIDR(`${address.toNormalizedString()}/64`).toString()}/64`;
}
