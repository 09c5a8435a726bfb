import { lookup as systemLookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { buildConnector } from 'undici';
import { isPublicAddress } from './address.ts';
import { forbidden, Refusal } from './refusal.ts';

const CONNECT_TIMEOUT_MS = 10_000;

/**
 * A connector that only ever hands out sockets to public addresses. The name is judged by the very answer that is
 * connected to, so a name that changes between check and use gains nothing.
 */
export function createGuardedConnector(lookup: LookupFunction = systemLookup): buildConnector.connector {
  const connect = buildConnector({ lookup: guardLookup(lookup), timeout: CONNECT_TIMEOUT_MS });
  return (options, callback) =>
    connect(options, (error, socket) => {
      if (error) return callback(error, null);
      // The lookup is never called for an IP literal, so the peer is asked as well.
      if (isPublicAddress(socket.remoteAddress ?? '')) return callback(null, socket);
      socket.destroy();
      callback(forbidden('connected to an address that is not public'), null);
    });
}

/** One private address among public ones is enough to refuse: which of them is used is chance. */
function guardLookup(lookup: LookupFunction): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, answer) => {
      if (error) return callback(error, '');
      const addresses = Array.isArray(answer) ? answer : [];
      const [first] = addresses;
      if (!first) return callback(new Refusal({ kind: 'UNREACHABLE', reason: 'a name without an address' }), '');
      if (addresses.some(({ address }) => !isPublicAddress(address))) {
        return callback(forbidden('a name of an address that is not public'), '');
      }
      if (options.all) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
}
