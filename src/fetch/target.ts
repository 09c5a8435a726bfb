import { isIP } from 'node:net';
import { isPublicAddress } from './address.ts';
import { forbidden } from './refusal.ts';

/** Ports above 1023 where something other than HTTP usually listens and might act on what we send. */
const FOREIGN_PORTS: ReadonlySet<number> = new Set([3306, 5432, 6379, 8474, 9200, 11211, 27017]);

/** A URL that may be asked, and whether its host is exempt from the address check. */
export interface Target {
  url: URL;
  exempt: boolean;
}

/** Checks all that can be checked before a connection; throws a Refusal. `exempt` holds `host:port` pairs. */
export function parseTarget(text: string, exempt: readonly string[], base?: URL): Target {
  const url = parseUrl(text, base);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw forbidden('only http and https are fetched');
  if (base?.protocol === 'https:' && url.protocol === 'http:') throw forbidden('a redirect from https to http');
  if (url.username || url.password) throw forbidden('a URL with credentials in it');
  const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80));
  // Compared after the URL parser folded the host, so that an odd spelling neither gains nor loses an exemption.
  if (exempt.some((pair) => pair.toLowerCase() === `${url.hostname}:${port}`)) return { url, exempt: true };
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) !== 0 && !isPublicAddress(host)) throw forbidden('an address that is not public');
  if (!isWebPort(port)) throw forbidden(`port ${port}`);
  return { url, exempt: false };
}

function parseUrl(text: string, base?: URL): URL {
  try {
    return new URL(text, base);
  } catch {
    throw forbidden('not a URL');
  }
}

function isWebPort(port: number): boolean {
  if (port === 80 || port === 443) return true;
  return port >= 1024 && !FOREIGN_PORTS.has(port);
}
