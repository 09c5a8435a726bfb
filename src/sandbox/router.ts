import type { IncomingMessage, ServerResponse } from 'node:http';
import { listCharges } from './billing.ts';
import type { Desk, Dialect, Reply } from './dialect.ts';
import { serveFile } from './files.ts';
import type { Log } from './log.ts';
import type { Pictures } from './pictures.ts';
import { findKey, readBody } from './receive.ts';
import { type RequestLog, toLoggedBody } from './request-log.ts';
import { getNow } from './task.ts';
import type { TaskBook } from './task-book.ts';

interface Mount {
  dialect: Dialect;
  desk: Desk;
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
    if (path === '/_billing') return sendReply(response, { status: 200, body: listCharges(tasks.list(), getNow()) });
    const logged = requests.add(method, url);
    response.once('close', () => {
      if (response.headersSent) logged.status = response.statusCode;
    });
    const [, slug = '', below = ''] = /^\/([^/]*)(.*)$/s.exec(path) ?? [];
    const mount = mounts.get(slug);
    if (!mount) return sendReply(response, { status: 404, body: { error: 'the sandbox speaks for no such provider' } });
    if (method === 'GET' && below.startsWith('/files/')) return serveFile(response, slug, below, tasks, pictures);
    const body = await readBody(request);
    logged.body = toLoggedBody(body ?? '');
    const key = findKey(headers.authorization);
    const origin = `http://${headers.host ?? 'localhost'}`;
    if (key === null) return sendReply(response, mount.dialect.refuse('unauthorized'));
    if (body === null) return sendReply(response, mount.dialect.refuse('body-too-large'));
    await sendReply(response, await mount.dialect.answer({ method, path: below, key, body, origin }, mount.desk));
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
    if (piece === null || response.destroyed) return void response.destroy();
    // SIM: the headers come with the first piece, as they were measured (providers.md §2.1).
    if (!response.headersSent) response.writeHead(status, headers);
    response.write(piece);
  }
  response.end();
}
