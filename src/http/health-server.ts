import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from '../logger.ts';
import type { Health } from './health.ts';

export interface HealthServer {
  /** Answers its address. A port that is taken is not worth a worker: it takes a free one and says so. */
  start(host: string, port: number): Promise<string>;
  stop(): Promise<void>;
}

/** The one port of a worker: health and metrics, and nothing else. */
export function createHealthServer(health: Health, log: Logger): HealthServer {
  const server = createServer((req, res) => {
    const path = (req.url ?? '/').split('?', 1)[0] ?? '/';
    health(path, req, res).then(
      (answered) => {
        if (!answered) res.writeHead(404).end('This is a worker: /livez, /readyz and /metrics.\n');
      },
      (error: unknown) => {
        log.error({ err: error }, 'a request failed');
        res.destroy();
      },
    );
  });

  return {
    async start(host, port) {
      await once(server.listen(port, host), 'listening').catch(async (error: NodeJS.ErrnoException) => {
        if (error.code !== 'EADDRINUSE') throw error;
        log.warn({ host, port }, 'PORT is in use: health and metrics of this worker are served on a free one');
        await once(server.listen(0, host), 'listening');
      });
      return `http://${host.includes(':') ? `[${host}]` : host}:${(server.address() as AddressInfo).port}`;
    },
    async stop() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}
