import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type Logger, logWith } from '../logger.ts';
import { answerText } from './answer-text.ts';
import type { Page } from './graphiql.ts';
import type { Health } from './health.ts';
import { LIMITS, type Limits } from './limits.ts';
import { listen } from './listen.ts';
import { describeRequest } from './measure.ts';
import { keepAnswers } from './open-answers.ts';
import { createOpenConnections } from './open-connections.ts';
import { loggedPathOf, pathOf } from './path.ts';
import { serveWebsocket } from './websocket.ts';
import { createGraphql, type GraphqlOptions } from './yoga.ts';

export interface HttpOptions extends Omit<GraphqlOptions, 'log'> {
  log: Logger;
  /** Null: GraphiQL is off. */
  graphiql: Page | null;
  assets: (req: IncomingMessage, res: ServerResponse) => Promise<void>;
  webhooks: (req: IncomingMessage, res: ServerResponse) => Promise<void>;
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
  const { log, graphiql, assets, webhooks, health, clients } = options;
  const limits = { ...LIMITS, ...options.limits };
  const connections = createOpenConnections(limits, options.findFaultyKeys, log);
  const yoga = createGraphql(options, limits, connections);

  async function route(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const path = pathOf(req);
    if (path === '/graphql') return await graphql(req, res);
    if (path.startsWith('/assets/')) return await assets(req, res);
    if (path.startsWith('/webhooks/')) return await webhooks(req, res);
    if (await health(path, req, res)) return;
    if (path === '/') return void res.writeHead(302, { location: '/graphql' }).end();
    answerText(res, 404, 'There is nothing here. Try /graphql.\n');
  }

  async function graphql(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const wantsPage = /^(GET|HEAD)$/.test(req.method ?? '') && (req.headers.accept ?? '').includes('text/html');
    if (graphiql && wantsPage) return await graphiql.serve(req, res);
    // A page of another origin can send any other type without asking first, and would be answered.
    if (req.method === 'POST' && !/^application\/(graphql\+)?json\b/i.test(req.headers['content-type'] ?? '')) {
      return answerText(res, 415, 'Send application/json.\n');
    }
    await yoga(req, res, { req, res });
  }

  function handle(req: IncomingMessage, res: ServerResponse): void {
    const began = performance.now();
    const requestId = requestIdOf(req);
    res.setHeader('x-request-id', requestId);
    res.once('close', () => {
      const ms = Math.round(performance.now() - began);
      const path = loggedPathOf(req);
      const seen = describeRequest(path, res);
      if (seen) clients.sawRequest(seen.route, seen.status, ms);
      log.info({ requestId, method: req.method, path, status: res.statusCode, ms }, 'request');
    });
    logWith({ requestId }, () => route(req, res)).catch((error: unknown) => {
      log.error({ err: error, requestId }, 'a request failed');
      if (res.headersSent) res.destroy();
      else answerText(res, 500, 'Something went wrong here; it was logged.\n');
    });
  }

  const server = createServer(handle);
  const answers = keepAnswers(server);
  const websocket = serveWebsocket(server, yoga, { ...options, limits, connections });

  return {
    start: (host, port) => listen(server, host, port),
    async stop() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      // It may wait for a database that does not answer; nobody else shall.
      const rechecked = connections.stop();
      const goodbyes = websocket.stop();
      answers.cutStreams();
      await goodbyes;
      server.closeIdleConnections();
      const rest = setTimeout(() => server.closeAllConnections(), REST_MS);
      await closed;
      clearTimeout(rest);
      await rechecked;
    },
  };
}

/** The caller's own, where it is harmless to log, so that one request can be followed through several services. */
function requestIdOf(req: IncomingMessage): string {
  const given = req.headers['x-request-id'];
  return typeof given === 'string' && /^[\w.:-]{1,128}$/.test(given) ? given : randomUUID();
}
