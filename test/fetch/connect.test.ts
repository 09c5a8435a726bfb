import type { LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { expect, test } from 'vitest';
import { createGuardedConnector } from '../../src/fetch/connect.ts';
import { startFarSide } from './far-side.ts';

function answering(addresses: LookupAddress[]): LookupFunction {
  return (_hostname, _options, callback) => callback(null, addresses);
}

function connect(hostname: string, port: string, lookup?: LookupFunction): Promise<string> {
  const connector = createGuardedConnector(lookup);
  return new Promise((resolve) =>
    connector({ hostname, port, protocol: 'http:' }, (error, socket) => {
      socket?.destroy();
      resolve(error ? error.message : 'connected');
    }),
  );
}

const PRIVATE = { address: '127.0.0.1', family: 4 };
const PUBLIC = { address: '93.184.215.14', family: 4 };
const REFUSED_NAME = 'a name of an address that is not public';

test('an IP literal, for which no look-up is made, is refused by the peer of the socket', async () => {
  await using farSide = await startFarSide((_req, res) => res.end());
  const [host = '', port = ''] = farSide.host.split(':');
  expect(await connect(host, port)).toBe('connected to an address that is not public');
});

test.each([
  ['only a private address', [PRIVATE]],
  ['a public and a private address', [PUBLIC, PRIVATE]],
  ['a private address in v6 clothes', [{ address: '::ffff:10.0.0.1', family: 6 }]],
])('a name with %s is refused before anything is sent', async (_what, addresses) => {
  await using farSide = await startFarSide((_req, res) => res.end());
  expect(await connect('picture.test', farSide.host.split(':')[1] ?? '', answering(addresses))).toBe(REFUSED_NAME);
  expect(await farSide.connections()).toBe(0);
});

test('a name without an address is UNREACHABLE, which may pass, and not FORBIDDEN', async () => {
  const connector = createGuardedConnector(answering([]));
  const options = { hostname: 'picture.test', port: '80', protocol: 'http:' };
  const error = await new Promise((resolve) => connector(options, (...[failure]) => resolve(failure)));
  expect(error).toMatchObject({ result: { kind: 'UNREACHABLE', reason: 'a name without an address' } });
});

test('the system resolves localhost, and it is refused', async () => {
  expect(await connect('LOCALHOST', '80')).toBe(REFUSED_NAME);
});

// Whether these resolve depends on the system; what they resolve to does not matter.
test.each(['localhost.', 'me.localhost', 'metadata.google.internal'])('%s leads nowhere', async (name) => {
  await using farSide = await startFarSide((_req, res) => res.end());
  expect(await connect(name, farSide.host.split(':')[1] ?? '')).not.toBe('connected');
  expect(await farSide.connections()).toBe(0);
});
