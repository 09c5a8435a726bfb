import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Logger, logWith } from '../logger.ts';
import type { Page } from './graphiql.ts';
import type { Health } from './health.ts';
import { LIMITS, type Limits } from './limits.ts';
import { describeRequest } from './measure.ts';
import { createOpenConnections } from './open-connections.ts';
import { serveWebsocket } from './websocket.ts';
import { createGraphql, type GraphqlOptions } from './yoga.ts';

export interface HttpOptions extends Omit<GraphqlOptions, 'log'> {
  log: Logger;
  /** Null: GraphiQL is off. */
  graphiql: Page | null;
  assets: (req: IncomingMessage, res: ServerResponse) => Promise<void>;
  health: Health;
  /** Those of LIMITS that shall be others. */
  limits?: Partial<Limits>;
}

export interface HttpServer {
  /** Answers its address. Rejects when the port is taken. */
  start(host: string, port: number): Promise<string>;
  /** Closes WebSockets with 1001 and cuts event streams, so that clients reconnect elsewhere; then waits for the rest. */
  stop(): Promise<void>;
}

const REST_MS = 2_000;

/** The one port of the service, and who answers what on it. */
export function createHttpServer(options: HttpOptions): HttpServer {
  const { log, graphiql, assets, health, clients } = options;
  const limits = { ...LIMITS, ...options.limits };
  const connections = createOpenConnections(limits, options.findFaultyKeys, log);
  const yoga = createGraphql(options, limits, connections);
  const open = new Set<ServerResponse>();

  async function route(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const path = (req.url ?? '/').split('?', 1)[0] ?? '/';
    if (path === '/graphql') return await graphql(req, res);
    if (path.startsWith('/assets/')) return await assets(req, res);
    if (await health(path, req, res)) return;
    if (path === '/') return void res.writeHead(302, { location: '/graphql' }).end();
    answer(res, 404, 'There is nothing here. Try /graphql.');
  }

  async function graphql(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const wantsPage = /^(GET|HEAD)$/.test(req.method ?? '') && (req.headers.accept ?? '').includes('text/html');
    if (graphiql && wantsPage) return await graphiql.serve(req, res);
    // A page of another origin can send any other type without asking first, and would be answered.
    if (req.method === 'POST' && !/^application\/(graphql\+)?json\b/i.test(req.headers['content-type'] ?? '')) {
      return answer(res, 415, 'Send application/json.');
    }
    await yoga(req, res, { req, res });
  }

  function handle(req: IncomingMessage, res: ServerResponse): void {
    const began = performance.now();
    const requestId = requestIdOf(req);
    res.setHeader('x-request-id', requestId);
    open.add(res);
    res.on('close', () => {
      open.delete(res);
      const ms = Math.round(performance.now() - began);
      const path = (req.url ?? '').split('?', 1)[0] ?? '';
      const seen = describeRequest(path, res);
      if (seen) clients.sawRequest(seen.route, seen.status, ms);
      log.info({ requestId, method: req.method, path, status: res.statusCode, ms }, 'request');
    });
    logWith({ requestId }, () => route(req, res)).catch((error: unknown) => {
      log.error({ err: error, requestId }, 'a request failed');
      if (res.headersSent) res.destroy();
      else answer(res, 500, 'Something went wrong here; it was logged.');
    });
  }

  const server = createServer(handle);
  const websocket = serveWebsocket(server, yoga, { ...options, limits, connections });

  return {
    async start(host, port) {
      await once(server.listen(port, host), 'listening');
      return `http://${host.includes(':') ? `[${host}]` : host}:${(server.address() as AddressInfo).port}`;
    },
    async stop() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      await connections.stop();
      await websocket.stop();
      for (const res of open) if (isStream(res)) res.destroy();
      server.closeIdleConnections();
      const rest = setTimeout(() => server.closeAllConnections(), REST_MS);
      await closed;
      clearTimeout(rest);
    },
  };
}

function answer(res: ServerResponse, status: number, text: string): void {
  res.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' }).end(`${text}\n`);
}

function isStream(res: ServerResponse): boolean {
  return /^(text\/event-stream|multipart\/mixed)/.test(String(res.getHeader('content-type') ?? ''));
}

/** The caller's own, where it is harmless to log, so that one request can be followed through several services. */
function requestIdOf(req: IncomingMessage): string {
  const given = req.headers['x-request-id'];
  return typeof given === 'string' && /^[\w.:-]{1,128}$/.test(given) ? given : randomUUID();
}
