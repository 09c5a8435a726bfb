import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { CERT, KEY } from '../sandbox/loopback-certificate.ts';

/** What stands before the apis: connections go to those that are up in turn. */
export interface FrontDoor {
  /** For clients. */
  url: string;
  /** The same over TLS: providers call back over nothing else. */
  secureUrl: string;
  stop(): Promise<void>;
}

/** `targets` lists the apis that are up now. With none, a connection is closed at once. */
export async function openFrontDoor(targets: () => string[]): Promise<FrontDoor> {
  const open = new Set<Socket>();
  let turn = 0;

  function lead(client: Socket): void {
    const up = targets();
    const target = up[turn++ % up.length];
    if (target === undefined) return void client.destroy();
    const api = connect(Number(new URL(target).port), '127.0.0.1');
    tie(client, api);
    tie(api, client);
  }

  function tie(from: Socket, to: Socket): void {
    open.add(from);
    from.on('error', () => {});
    from.on('close', () => {
      open.delete(from);
      to.destroy();
    });
    from.pipe(to);
  }

  const plain = createServer(lead);
  const secure = createTlsServer({ key: KEY, cert: CERT }, lead);
  secure.on('tlsClientError', () => {});
  const [port, securePort] = [await listen(plain), await listen(secure)];
  return {
    url: `http://127.0.0.1:${port}`,
    secureUrl: `https://127.0.0.1:${securePort}`,
    async stop() {
      const closed = [plain, secure].map((server) => once(server, 'close'));
      for (const server of [plain, secure]) server.close();
      for (const socket of open) socket.destroy();
      await Promise.all(closed);
    },
  };
}

async function listen(server: Server): Promise<number> {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}
