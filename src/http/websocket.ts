import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { type ExecutionArgs, type ExecutionResult, GraphQLError } from 'graphql';
import { CloseCode, makeServer } from 'graphql-ws';
import { type WebSocket, WebSocketServer } from 'ws';
import { Fault } from '../fault.ts';
import { CredentialFault } from '../workspace/authenticate.ts';
import type { Limits } from './limits.ts';
import { maskError, toClient } from './mask.ts';
import { countErrors } from './measure.ts';
import type { OpenConnections } from './open-connections.ts';
import { pathOf } from './path.ts';
import { closeWith, type Extra, openSocket, TRY_AGAIN_LATER } from './socket.ts';
import { stayWithHttp1 } from './stay-with-http1.ts';
import { createStrangers } from './strangers.ts';
import type { GraphqlOptions, Yoga } from './yoga.ts';

const PROTOCOL = 'graphql-transport-ws';
/** The library's own limit is 100 MiB. */
const MAX_MESSAGE_BYTES = 1024 * 1024;
/** Ids come back with every message; those of clients are numbers or UUIDs. */
const MAX_ID_LENGTH = 256;
/** How long a client may take to answer a close; then it is cut, and its subscriptions stop. */
const GOODBYE_MS = 1_000;

type Init = Record<string, unknown>;

type Options = Pick<GraphqlOptions, 'identify' | 'log' | 'clients'> & { limits: Limits; connections: OpenConnections };

/**
 * graphql-transport-ws on /graphql, through the same engine as HTTP. A wrong or revoked key closes 4401, after which
 * clients stop; an expired one 4403, after which they retry with a fresh one. `stop` closes with 1001: they reconnect.
 */
export function serveWebsocket(server: Server, yoga: Yoga, options: Options): { stop(): Promise<void> } {
  const { log, clients, limits } = options;
  // Its types do not know closeTimeout yet; in a literal it would be an error.
  const settings = {
    noServer: true,
    maxPayload: MAX_MESSAGE_BYTES,
    perMessageDeflate: false,
    closeTimeout: GOODBYE_MS,
    // One that speaks no protocol of ours is told so when it is open: 4406 says more than a failed handshake.
    handleProtocols: (offered: Set<string>) => (offered.has(PROTOCOL) ? PROTOCOL : false),
  } as const;
  const sockets = new WebSocketServer(settings);
  const protocol = createProtocol(yoga, options);
  const strangers = createStrangers(limits.strangersPerAddress);
  sockets.on('connection', (socket: WebSocket, request: IncomingMessage, greeted: () => void) => {
    clients.socketOpened();
    socket.once('close', clients.socketClosed);
    openSocket(protocol, { socket, request, greeted }, { pingMs: limits.pingMs, log });
  });
  server.on('upgrade', (req, socket, head) => {
    if (req.headers.upgrade?.toLowerCase() !== 'websocket') return stayWithHttp1(server, req, socket, head);
    // Nobody else listens for it: a client that resets here would end the process.
    socket.on('error', () => socket.destroy());
    if (pathOf(req) !== '/graphql') return refuse(socket, '404 Not Found');
    const greeted = strangers.admit(req.socket.remoteAddress ?? '');
    if (!greeted) return refuse(socket, '503 Service Unavailable');
    socket.once('close', greeted);
    sockets.handleUpgrade(req, socket, head, (webSocket) => sockets.emit('connection', webSocket, req, greeted));
  });
  return {
    async stop() {
      const closed = new Promise<void>((resolve) => sockets.close(() => resolve()));
      for (const socket of sockets.clients) closeWith(socket, 1001, 'Going away');
      await closed;
    },
  };
}

function createProtocol(yoga: Yoga, { identify, log, clients, limits, connections }: Options) {
  return makeServer<Init, Extra>({
    connectionInitWaitTimeout: limits.initMs,
    async onConnect({ connectionParams, extra: { socket, request, greeted } }) {
      try {
        const caller = await identify(request, authorizationOf(connectionParams));
        if (socket.readyState !== socket.OPEN) return false;
        greeted();
        socket.once(
          'close',
          connections.enter('socket', caller, (fault) => closeFor(fault, socket)),
        );
        return true;
      } catch (error) {
        const { message } = maskError(error, log);
        if (error instanceof Fault) closeFor(error, socket);
        else closeWith(socket, CloseCode.Forbidden, message);
        return false;
      }
    },
    onNext(_context, _id, _payload, _args, { errors = [] }) {
      countErrors(clients, errors, 'websocket');
    },
    onError(_context, _id, _payload, errors) {
      countErrors(clients, errors, 'websocket');
      return errors.map((error) => toClient(maskError(error, log)));
    },
    execute: (args) => (args as Prepared).rootValue.execute(args),
    subscribe: (args) => (args as Prepared).rootValue.subscribe(args),
    async onSubscribe({ connectionParams, subscriptions, extra: { socket, request } }, id, params) {
      if (id.length > MAX_ID_LENGTH) {
        const message = `An id has at most ${MAX_ID_LENGTH} characters`;
        closeWith(socket, CloseCode.BadRequest, message);
        // Nobody hears of it any more; it keeps the operation from being run.
        return [new GraphQLError(message)];
      }
      try {
        refuseMoreThan(limits.operationsPerSocket, Object.keys(subscriptions).length);
        const authorization = authorizationOf(connectionParams);
        const enveloped = yoga.getEnveloped({ req: request, authorization, params });
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
  });
}

function refuseMoreThan(most: number, running: number): void {
  if (running <= most) return;
  throw new Fault('RATE_LIMITED', `This WebSocket runs ${most} operations at once already; complete one first.`);
}

/** 4401 and 4403 are what graphql-ws clients stop at and come back after. */
function closeFor(fault: Fault, socket: WebSocket): void {
  const expired = fault instanceof CredentialFault && fault.expired;
  if (fault.code === 'RATE_LIMITED') closeWith(socket, TRY_AGAIN_LATER, fault.message);
  else closeWith(socket, expired ? CloseCode.Forbidden : CloseCode.Unauthorized, fault.message);
}

function refuse(socket: Duplex, status: string): void {
  // It has left the server's own list of connections, so nothing else would ever close it.
  socket.once('finish', () => socket.destroy());
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

interface Prepared extends ExecutionArgs {
  rootValue: {
    execute: (args: unknown) => Promise<ExecutionResult>;
    subscribe: (args: unknown) => Promise<ExecutionResult>;
  };
}

/** In any case of letters, as the header. */
function authorizationOf(init: Init | undefined): string | undefined {
  const entry = Object.entries(init ?? {}).find(([name]) => name.toLowerCase() === 'authorization');
  const value = entry?.[1] ?? undefined;
  if (value === undefined || typeof value === 'string') return value;
  // Taken for no key at all, it could be answered as somebody else.
  throw new Fault('UNAUTHENTICATED', 'The authorization in connection_init is not text, as "Bearer sk_…".');
}
