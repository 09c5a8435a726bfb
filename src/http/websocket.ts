import type { Server } from 'node:http';
import type { ExecutionArgs } from 'graphql';
import { CloseCode } from 'graphql-ws';
import { type Extra as SocketExtra, useServer } from 'graphql-ws/use/ws';
import { type WebSocket, WebSocketServer } from 'ws';
import { Fault } from '../fault.ts';
import { CredentialFault } from '../workspace/authenticate.ts';
import { maskError } from './mask.ts';
import type { GraphqlOptions, Yoga } from './yoga.ts';

/** The library's own limit is 100 MiB. */
const MAX_MESSAGE_BYTES = 1024 * 1024;
/** What may wait for a client that does not read; past it, it is told to come back later. */
const MOST_UNREAD_BYTES = 4 * 1024 * 1024;
const TRY_AGAIN_LATER = 1013;
/** How long a client that was told goodbye may take to answer. */
const GOODBYE_MS = 1_000;

type Init = { authorization?: unknown };
type Extra = SocketExtra & Record<PropertyKey, unknown>;

/**
 * graphql-transport-ws on /graphql, through the same engine as HTTP. A wrong or revoked key closes 4401, after which
 * clients stop; an expired one 4403, after which they retry with a fresh one. `stop` closes with 1001: they reconnect.
 */
export function serveWebsocket(
  server: Server,
  yoga: Yoga,
  { identify, log }: Pick<GraphqlOptions, 'identify' | 'log'>,
): { stop(): Promise<void> } {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE_BYTES, perMessageDeflate: false });
  server.on('upgrade', (req, socket, head) => {
    // Nobody else listens for it: a client that resets here would end the process.
    socket.on('error', () => socket.destroy());
    if (req.url?.split('?', 1)[0] !== '/graphql') {
      // It has left the server's own list of connections, so nothing else would ever close it.
      socket.once('finish', () => socket.destroy());
      return void socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
    }
    sockets.handleUpgrade(req, socket, head, (webSocket) => sockets.emit('connection', webSocket, req));
  });
  const disposable = useServer<Init, Extra>(
    {
      async onConnect({ connectionParams, extra }) {
        try {
          await identify(extra.request, authorizationOf(connectionParams));
          return true;
        } catch (error) {
          const { message } = maskError(error, log);
          const passing = !(error instanceof Fault) || (error instanceof CredentialFault && error.expired);
          extra.socket.close(passing ? CloseCode.Forbidden : CloseCode.Unauthorized, message.slice(0, 120));
          return false;
        }
      },
      onNext({ extra: { socket } }) {
        if (socket.bufferedAmount > MOST_UNREAD_BYTES) sayGoodbye(socket);
      },
      execute: (args) => (args as Prepared).rootValue.execute(args),
      subscribe: (args) => (args as Prepared).rootValue.subscribe(args),
      async onSubscribe({ connectionParams, extra }, _id, params) {
        try {
          const enveloped = yoga.getEnveloped({
            req: extra.request,
            authorization: authorizationOf(connectionParams),
            params,
          });
          const document = enveloped.parse(params.query);
          const errors = enveloped.validate(enveloped.schema, document);
          if (errors.length > 0) return errors;
          return {
            schema: enveloped.schema,
            document,
            operationName: params.operationName ?? null,
            variableValues: params.variables ?? null,
            contextValue: await enveloped.contextFactory(),
            rootValue: { execute: enveloped.execute, subscribe: enveloped.subscribe },
          };
        } catch (error) {
          return [maskError(error, log)];
        }
      },
    },
    sockets,
  );
  return {
    async stop() {
      const impatience = setTimeout(() => {
        for (const socket of sockets.clients) socket.terminate();
      }, GOODBYE_MS);
      await disposable.dispose();
      clearTimeout(impatience);
    },
  };
}

function sayGoodbye(socket: WebSocket): void {
  socket.close(TRY_AGAIN_LATER, 'Too slow: reconnect and resume');
  setTimeout(() => socket.terminate(), GOODBYE_MS).unref();
}

interface Prepared extends ExecutionArgs {
  rootValue: { execute: (args: unknown) => never; subscribe: (args: unknown) => never };
}

function authorizationOf(init: Init | undefined): string | undefined {
  return typeof init?.authorization === 'string' ? init.authorization : undefined;
}
