import { once } from 'node:events';
import { createServer, connect as dial, type Socket } from 'node:net';

export interface DatabaseProxy {
  url: string;
  /** Of the connections there are now, none is closed and none carries another byte. */
  freeze(): void;
  /** Those go on where they stopped. */
  thaw(): void;
  /** Ends every connection as a crashed host does. */
  reset(): void;
  /** Ends the connection over which the next COMMIT goes: before the server hears of it, or after it has done it. */
  cutAtCommit(when: 'BEFORE' | 'AFTER'): void;
  /** How many were cut. */
  readonly cuts: number;
  stop(): Promise<void>;
}

/** What a client asks for without named statements, and what the server says of a transaction that it committed. */
const MARKS = { BEFORE: 'commit\0', AFTER: 'COMMIT\0' };

/** A TCP proxy before a database that can go silent, as a firewall does that forgets a connection, and lose an answer. */
export async function startProxy(url: string): Promise<DatabaseProxy> {
  const target = new URL(url);
  const sockets = new Set<Socket>();
  let cutting: 'BEFORE' | 'AFTER' | null = null;
  let cuts = 0;

  function carry(from: Socket, to: Socket, when: 'BEFORE' | 'AFTER'): void {
    sockets.add(from);
    from.on('error', () => {});
    from.on('close', () => {
      sockets.delete(from);
      to.destroy();
    });
    from.on('data', (chunk: Buffer) => {
      if (cutting !== when || !chunk.includes(MARKS[when])) return void to.write(chunk);
      cutting = null;
      cuts += 1;
      from.destroy();
      to.destroy();
    });
  }

  const server = createServer((client) => {
    const upstream = dial(Number(target.port || 5432), target.hostname);
    carry(client, upstream, 'BEFORE');
    carry(upstream, client, 'AFTER');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const proxied = new URL(url);
  proxied.host = `127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  return {
    url: proxied.href,
    freeze() {
      for (const socket of sockets) socket.pause();
    },
    thaw() {
      for (const socket of sockets) socket.resume();
    },
    reset() {
      for (const socket of sockets) socket.resetAndDestroy();
    },
    cutAtCommit(when) {
      cutting = when;
    },
    get cuts() {
      return cuts;
    },
    async stop() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
