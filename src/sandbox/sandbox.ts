import { createServer } from 'node:http';
import { createCallbacks } from './callbacks.ts';
import { createDesk } from './desk.ts';
import { DIALECTS } from './dialects.ts';
import { listen } from './listen.ts';
import type { Log } from './log.ts';
import { createPictures } from './pictures.ts';
import { createRateLimit } from './rate-limit.ts';
import { createRequestLog } from './request-log.ts';
import { createRouter } from './router.ts';
import { openTaskBook } from './task-book.ts';

export interface SandboxOptions {
  /** Default 127.0.0.1. */
  host?: string;
  /** 0 for a free one. */
  port: number;
  /** Keeps accepted tasks, and the port, across restarts and kill -9. */
  journalFile?: string | null;
  /** By slug, of ModelArk images; a provider that is not named takes any number. */
  requestsPerMinute?: Readonly<Record<string, number>>;
  log?: Log;
}

export interface Sandbox {
  url: string;
  port: number;
  /** Cuts every connection and waits until nothing runs. */
  stop(): Promise<void>;
}

/** Starts the provider simulator: real HTTP, real pictures, every failure on request. Rejects when the port is taken. */
export async function startSandbox({
  host = '127.0.0.1',
  port,
  journalFile = null,
  requestsPerMinute = {},
  log = SILENT,
}: SandboxOptions): Promise<Sandbox> {
  const tasks = openTaskBook(journalFile);
  const dialects = new Map(DIALECTS.map((dialect) => [dialect.slug, dialect]));
  const callbacks = createCallbacks(
    (task, origin) => dialects.get(task.provider)?.callbacksOf(task, origin) ?? [],
    log,
  );
  const pictures = createPictures();
  const mounts = new Map(
    DIALECTS.map((dialect) => {
      const most = requestsPerMinute[dialect.slug];
      const limit = most === undefined ? null : createRateLimit(most);
      return [dialect.slug, { dialect, desk: createDesk(dialect, tasks, callbacks, pictures), limit }];
    }),
  );
  const router = createRouter({ mounts, tasks, pictures, requests: createRequestLog(), log });
  const server = createServer(router.handle);
  server.on('clientError', (_error, socket) => socket.destroy());
  const stop = once(async () => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    pictures.stop();
    await Promise.all([closed, callbacks.stop(), router.settle()]);
    tasks.close();
  });
  try {
    const taken = await listen(server, host, port, journalFile);
    server.on('error', (error) => log.warn({ err: error }, 'sandbox: a connection could not be accepted'));
    const url = `http://${toAuthority(host)}:${taken}`;
    callbacks.resume(tasks.list(), url);
    return { url, port: taken, stop };
  } catch (error) {
    tasks.close();
    throw error;
  }
}

function once(work: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | null = null;
  return () => {
    running ??= work();
    return running;
  };
}

const SILENT: Log = { warn: () => undefined };

/** An address that listens everywhere can be reached on loopback. */
function toAuthority(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1';
  return host.includes(':') ? `[${host}]` : host;
}
