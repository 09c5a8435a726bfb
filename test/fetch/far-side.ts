import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface FarSide {
  /** `host:port`, for the list of exempt hosts. */
  host: string;
  url: string;
  /** The request targets seen so far. */
  seen: string[];
  /** Sockets open now. */
  connections(): Promise<number>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A real HTTP server on loopback that behaves as `handle` does. */
export async function startFarSide(handle: (req: IncomingMessage, res: ServerResponse) => void): Promise<FarSide> {
  const seen: string[] = [];
  const server = createServer((req, res) => {
    seen.push(req.url ?? '');
    res.on('error', () => {});
    handle(req, res);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    host,
    url: `http://${host}`,
    seen,
    connections: () =>
      new Promise((resolve, reject) =>
        server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
      ),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
