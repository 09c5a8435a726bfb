import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR('2000::/3');

/** Whether this is an IP address, v4 or v6 in any of its notations, and one that anybody on the internet could reach. */
export function isPublicAddress(address: string): boolean {
  if (isIP(address) === 0) return false;
  // `process` unfolds ::ffff:a.b.c.d, which the system would connect to as a.b.c.d.
  const parsed = ipaddr.process(address);
  if (parsed.range() !== 'unicast') return false;
  // Everything of v6 outside 2000::/3 is reserved, whether or not a list has a name for it yet.
  return parsed instanceof ipaddr.IPv4 || parsed.match(GLOBAL_UNICAST);
}
