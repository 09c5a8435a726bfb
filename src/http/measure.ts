import type { ServerResponse } from 'node:http';
import { type ExecutionResult, getOperationAST } from 'graphql';
import { isAsyncIterable, type Plugin } from 'graphql-yoga';
import type { Route, Transport } from '../metrics/clients.ts';
import type { Metrics } from '../metrics/metrics.ts';
import { chooseFormat, type Format } from './accept.ts';
import { isStream } from './streams.ts';

type Clients = Metrics['clients'];

/** Counts operations on every transport, and the errors that HTTP clients are sent; WebSocket counts its own. */
export function measured(clients: Clients): Plugin {
  return {
    onExecute({ args }) {
      const operation = getOperationAST(args.document, args.operationName)?.operation;
      if (operation !== 'query' && operation !== 'mutation') return;
      const transport = args.contextValue.request ? 'http' : 'websocket';
      const began = performance.now();
      return { onExecuteDone: () => clients.sawOperation(operation, transport, performance.now() - began) };
    },
    onSubscribe({ args }) {
      const { request } = args.contextValue;
      const transport = request ? transportOf(request, true) : 'websocket';
      return {
        onSubscribeResult({ result, setResult }) {
          if (!isAsyncIterable(result)) return;
          clients.subscriptionOpened(transport);
          const onEnd = () => clients.subscriptionEnded(transport);
          setResult(observe(result[Symbol.asyncIterator](), { onEnd }));
        },
      };
    },
    onResultProcess({ request, result, setResult }) {
      // Batches are off: it is one result or one stream.
      const one = result as ExecutionResult | AsyncIterable<ExecutionResult>;
      const isMany = isAsyncIterable(one);
      const onMessage = (message: ExecutionResult) =>
        countErrors(clients, message.errors ?? [], transportOf(request, isMany));
      if (isMany) setResult(observe(one[Symbol.asyncIterator](), { onMessage }));
      else onMessage(one);
    },
  };
}

/** Every error that a client is sent, by its code. */
export function countErrors(
  clients: Clients,
  errors: readonly { extensions?: Record<string, unknown> }[],
  transport: Transport,
): void {
  for (const { extensions } of errors) clients.sawError(extensions?.code, transport);
}

/** The kind of a request, and how it ended. Null for a stream: it lasts as long as its client stays. */
export function describeRequest(path: string, res: ServerResponse): { route: Route; status: string } | null {
  if (isStream(res)) return null;
  return { route: routeOf(path), status: res.writableFinished ? `${Math.floor(res.statusCode / 100)}xx` : 'aborted' };
}

const TRANSPORTS: Record<Format, Transport> = {
  'application/json': 'http',
  'application/graphql-response+json': 'http',
  'text/event-stream': 'sse',
  'multipart/mixed': 'multipart',
};

function transportOf({ headers }: Request, isStream: boolean): Transport {
  return TRANSPORTS[chooseFormat(headers.get('accept'), isStream) ?? 'application/json'];
}

function routeOf(path: string): Route {
  if (path === '/graphql') return 'graphql';
  if (path.startsWith('/assets/')) return 'assets';
  if (path.startsWith('/webhooks/')) return 'webhooks';
  return ['/livez', '/readyz', '/metrics'].includes(path) ? 'health' : 'other';
}

/** The same messages; `onEnd` is called once, whether they ran out, broke, or nobody wants more. */
function observe<T>(
  messages: AsyncIterator<T>,
  { onMessage, onEnd }: { onMessage?: (message: T) => void; onEnd?: () => void },
): AsyncIterableIterator<T> {
  let isOver = false;
  const end = () => {
    if (!isOver) onEnd?.();
    isOver = true;
  };
  return {
    async next() {
      try {
        const given = await messages.next();
        if (given.done) end();
        else onMessage?.(given.value);
        return given;
      } catch (error) {
        end();
        throw error;
      }
    },
    async return() {
      end();
      return (await messages.return?.()) ?? { value: undefined, done: true };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
