import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Charge, listCharges } from './billing.ts';
import type { Desk, Dialect, Reply } from './dialect.ts';
import { serveFile } from './files.ts';
import type { Log } from './log.ts';
import type { Pictures } from './pictures.ts';
import { type RateLimit, toRateLimited } from './rate-limit.ts';
import { findKey, readBody } from './receive.ts';
import { type RequestLog, toLoggedBody } from './request-log.ts';
import { getNow } from './task.ts';
import type { TaskBook } from './task-book.ts';

interface Mount {
  dialect: Dialect;
  desk: Desk;
  /** Of the requests a key may send; null: as many as it likes. */
  limit: RateLimit | null;
}

interface Parts {
  mounts: ReadonlyMap<string, Mount>;
  tasks: TaskBook;
  pictures: Pictures;
  requests: RequestLog;
  log: Log;
}

/** Answers every request, and never throws: what breaks is logged and the connection cut. */
export function createRouter({ mounts, tasks, pictures, requests, log }: Parts) {
  const running = new Set<Promise<void>>();

  async function route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', url = '/', headers } = request;
    const path = url.split('?', 1)[0] ?? '/';
    // The observer's own requests stay out of what is observed.
    if (path === '/_log') return sendReply(response, { status: 200, body: requests.list() });
    if (path === '/_billing') return sendReply(response, { status: 200, body: toBilling() });
    const logged = requests.add(method, url);
    const left = new AbortController();
    response.once('close', () => {
      left.abort();
      if (response.headersSent) logged.status = response.statusCode;
    });
    const [, slug = '', below = ''] = /^\/([^/]*)(.*)$/s.exec(path) ?? [];
    const mount = mounts.get(slug);
    if (!mount) return sendReply(response, { status: 404, body: { error: 'the sandbox speaks for no such provider' } });
    if (method === 'GET' && below.startsWith('/files/')) return serveFile(response, slug, below, tasks, pictures);
    const { dialect, desk, limit } = mount;
    const body = await readBody(request, dialect.mostBodyBytes);
    logged.body = toLoggedBody(body ?? '');
    const key = findKey(headers.authorization) ?? dialect.findKey?.(body ?? '') ?? null;
    const origin = `http://${headers.host ?? 'localhost'}`;
    if (key === null) return sendReply(response, dialect.refuse('unauthorized'));
    const waitS = limit?.take(key, getNow(), dialect.weigh?.(body ?? '')) ?? 0;
    if (waitS > 0) return sendReply(response, toRateLimited(dialect, waitS));
    if (body === null) return sendReply(response, dialect.refuse('body-too-large'));
    const call = { method, path: below, key, body, origin, signal: left.signal };
    await sendReply(response, await dialect.answer(call, desk));
  }

  function toBilling(): Charge[] {
    return listCharges(tasks.list(), getNow(), (slug) => mounts.get(slug)?.dialect);
  }

  return {
    handle(request: IncomingMessage, response: ServerResponse): void {
      const work = route(request, response)
        .catch((error: unknown) => {
          if (!response.destroyed) log.warn({ err: error, path: request.url }, 'sandbox: a request broke');
          response.destroy();
        })
        .finally(() => running.delete(work));
      running.add(work);
    },
    /** Resolves when no request is being answered. */
    async settle(): Promise<void> {
      await Promise.all(running);
    },
  };
}

async function sendReply(response: ServerResponse, reply: Reply): Promise<void> {
  if (reply === 'cut') {
    response.destroy();
    return;
  }
  if ('pieces' in reply) return sendPieces(response, reply);
  const body = JSON.stringify(reply.body);
  response.writeHead(reply.status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    ...reply.headers,
  });
  response.end(body);
}

async function sendPieces(
  response: ServerResponse,
  { status, headers, pieces }: Extract<Reply, { pieces: unknown }>,
): Promise<void> {
  for await (const piece of pieces) {
    // What was written before the cut still leaves.
    if (piece === null || response.destroyed) return void response.socket?.destroySoon();
    // SIM: the headers come with the first piece, as they were measured (providers.md §2.1).
    if (!response.headersSent) response.writeHead(status, headers);
    response.write(piece);
  }
  response.end();
}
