import type { Server } from 'node:http';
import type { ExecutionArgs } from 'graphql';
import { CloseCode } from 'graphql-ws';
import { type Extra as SocketExtra, useServer } from 'graphql-ws/use/ws';
import { WebSocketServer } from 'ws';
import { CredentialFault } from '../workspace/authenticate.ts';
import { maskError } from './mask.ts';
import type { GraphqlOptions, Yoga } from './yoga.ts';

/** The library's own limit is 100 MiB. */
const MAX_MESSAGE_BYTES = 1024 * 1024;

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
    if (req.url?.split('?', 1)[0] !== '/graphql') return void socket.end('HTTP/1.1 404 Not Found\r\n\r\n');
    sockets.handleUpgrade(req, socket, head, (webSocket) => sockets.emit('connection', webSocket, req));
  });
  const disposable = useServer<Init, Extra>(
    {
      async onConnect({ connectionParams, extra }) {
        try {
          await identify(extra.request, authorizationOf(connectionParams));
          return true;
        } catch (error) {
          const { message, extensions } = maskError(error, log);
          const passing = extensions.code === 'UNAVAILABLE' || (error instanceof CredentialFault && error.expired);
          extra.socket.close(passing ? CloseCode.Forbidden : CloseCode.Unauthorized, message);
          return false;
        }
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
      await disposable.dispose();
    },
  };
}

interface Prepared extends ExecutionArgs {
  rootValue: { execute: (args: unknown) => never; subscribe: (args: unknown) => never };
}

function authorizationOf(init: Init | undefined): string | undefined {
  return typeof init?.authorization === 'string' ? init.authorization : undefined;
}
