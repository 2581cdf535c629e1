import type { Request } from 'express';
import ipaddr from 'ipaddr.js';

/**
 * Returns the address under which sign-in attempts are counted: an IPv4 address, or an IPv6 /64, the smallest network
 * that a customer gets. X-Forwarded-For counts as far as TRUST_PROXY allows.
 */
export function clientAddress({ ip, socket }: Pick<Request, 'ip' | 'socket'>): string {
  return counted(ip) ?? counted(socket.remoteAddress) ?? '0.0.0.0';
}

/** Returns undefined for text that is no address, because a proxy may pass on anything. Some proxies add a port. */
export function counted(given: string | undefined): string | undefined {
  const text = (given ?? '').replace(/^\[([^\]]*)\](:\d+)?$/, '$1').replace(/^([\d.]+):\d+$/, '$1');
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return text;
  if (!ipaddr.IPv6.isValid(text)) return undefined;
  const address = ipaddr.process(text.replace(/%.*$/, ''));
  return address instanceof ipaddr.IPv4
    ? address.toString()
    : `${ipaddr.IPv6.networkAddressFromCIDR(`${address.toNormalizedString()}/64`).toString()}/64`;
}
