import { createServer } from 'node:http';
import type { Logger } from '../logger.ts';
import { answerText } from './answer-text.ts';
import type { Health } from './health.ts';
import { listen } from './listen.ts';
import { pathOf } from './path.ts';

export interface HealthServer {
  /** Answers its address. A port that is taken is not worth a worker: it takes a free one and says so. */
  start(host: string, port: number): Promise<string>;
  stop(): Promise<void>;
}

/** The one port of a worker: health and metrics, and nothing else. */
export function createHealthServer(health: Health, log: Logger): HealthServer {
  const server = createServer((req, res) => {
    health(pathOf(req), req, res).then(
      (answered) => {
        if (!answered) answerText(res, 404, 'This is a worker: /livez, /readyz and /metrics.\n');
      },
      (error: unknown) => {
        log.error({ err: error }, 'a request failed');
        res.destroy();
      },
    );
  });

  return {
    start: (host, port) =>
      listen(server, host, port).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'EADDRINUSE') throw error;
        log.warn({ host, port }, 'PORT is in use: health and metrics of this worker are served on a free one');
        return listen(server, host, 0);
      }),
    async stop() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}
