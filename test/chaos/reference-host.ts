import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import sharp from 'sharp';
import { CERT, KEY } from '../sandbox/loopback-certificate.ts';

/** A picture to start from, on this machine. */
export interface ReferenceHost {
  /** The addresses of the picture. */
  urls: { http: string; https: string };
  /** `host:port` of each. */
  hosts: string[];
  stop(): Promise<void>;
}

/** Whoever fetches it over https has to trust `loopback-certificate.ts`. */
export async function openReferenceHost(): Promise<ReferenceHost> {
  const picture = await sharp({ create: { width: 64, height: 48, channels: 3, background: '#1e90ff' } })
    .png()
    .toBuffer();
  const serve: RequestListener = (_request, response) => {
    response.writeHead(200, { 'content-type': 'image/png', 'content-length': picture.length }).end(picture);
  };
  const [plain, secure] = [createServer(serve), createSecureServer({ key: KEY, cert: CERT }, serve)];
  const hosts = [await listen(plain), await listen(secure)] as const;
  return {
    urls: { http: `http://${hosts[0]}/boat.png`, https: `https://${hosts[1]}/boat.png` },
    hosts: [...hosts],
    async stop() {
      const closed = [plain, secure].map((server) => once(server, 'close'));
      for (const server of [plain, secure]) {
        server.close();
        server.closeAllConnections();
      }
      await Promise.all(closed);
    },
  };
}

async function listen(server: Server): Promise<string> {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  return `127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
}
