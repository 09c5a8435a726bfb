import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';

/** Headers that offered the upgrade, and mean nothing without it. */
const OFFER = /^(upgrade|connection|http2-settings)$/i;

/**
 * Answers a request that offers an upgrade nobody here takes, as Java's HTTP client and `curl --http2` do with HTTP/2,
 * as if it had offered none. Node gives every offer to the listener for WebSockets, so the request is read once more.
 */
export function stayWithHttp1(server: Server, req: IncomingMessage, socket: Duplex, head: Buffer): void {
  const lines = [`${req.method} ${req.url} HTTP/${req.httpVersion}`];
  for (let i = 0; i < req.rawHeaders.length; i += 2) {
    const name = req.rawHeaders[i] ?? '';
    if (!OFFER.test(name)) lines.push(`${name}: ${req.rawHeaders[i + 1]}`);
  }
  socket.unshift(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), head]));
  server.emit('connection', socket);
}
