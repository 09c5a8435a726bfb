import type { IncomingMessage, ServerResponse } from 'node:http';
import { execute, GraphQLError, NoSchemaIntrospectionCustomRule } from 'graphql';
import { createYoga, type Plugin } from 'graphql-yoga';
import type { Context } from '../graphql/context.ts';
import { schema } from '../graphql/schema.ts';
import type { Logger } from '../logger.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { CredentialFault } from '../workspace/authenticate.ts';
import type { Caller } from '../workspace/caller.ts';
import { answers } from './answer.ts';
import { subscribeGuarded } from './guarded-stream.ts';
import type { Limits } from './limits.ts';
import { maskError } from './mask.ts';
import { measured } from './measure.ts';
import type { OpenConnections } from './open-connections.ts';
import { oneOperation } from './operation.ts';
import { queryLimits } from './query-limits.ts';
import { subscribe } from './subscribe.ts';

export interface GraphqlOptions {
  log: Logger;
  introspection: boolean;
  origins: readonly string[];
  /** Who calls, by what their request carries. */
  identify(request: Pick<IncomingMessage, 'headers'>, authorization: string | undefined): Promise<Caller>;
  contextOf(caller: Caller): Omit<Context, 'lastEventId'>;
  /** What is wrong by now with these API keys, by their ids. */
  findFaultyKeys(ids: readonly string[]): Promise<Map<string, CredentialFault>>;
  clients: Metrics['clients'];
}

/** What a request brings along: Node's own over HTTP, and the connection_init payload over WebSocket. */
export interface ServerContext {
  req: IncomingMessage;
  res?: ServerResponse;
  authorization?: string | undefined;
}

const MAX_BODY_BYTES = 1024 * 1024;

export type Yoga = ReturnType<typeof createGraphql>;

/** The GraphQL engine behind every transport: one schema, one check of who calls, one way to mask errors. */
export function createGraphql(
  { log, introspection, origins, identify, contextOf, clients }: GraphqlOptions,
  limits: Limits,
  connections: OpenConnections,
) {
  return createYoga<ServerContext, Context>({
    schema,
    graphiql: false,
    landingPage: false,
    logging: false,
    multipart: false,
    batching: false,
    // It would keep a thousand documents of strangers, 5 MB each at the most.
    parserAndValidationCache: false,
    maxRequestBodySize: MAX_BODY_BYTES,
    cors: origins.length > 0 ? { origin: [...origins], methods: ['GET', 'POST'], credentials: false } : false,
    maskedErrors: { maskError: (error) => maskError(error, log) },
    context: async ({ req, res, authorization }) => ({
      ...contextOf(await identify(req, authorization ?? req.headers.authorization)),
      // Of the one request that this operation is; a WebSocket has one for all of its operations.
      lastEventId: (res && String(req.headers['last-event-id'] ?? '')) || null,
    }),
    plugins: [
      graphqlJs(connections),
      measured(clients),
      readableUrls,
      queryLimits,
      oneOperation,
      answers(limits, log),
      ...(introspection ? [] : [withoutIntrospection]),
    ],
  });
}

/** One executor for operations and for the events of subscriptions. */
function graphqlJs(connections: OpenConnections): Plugin<Context> {
  return {
    onExecute: ({ setExecuteFn }) => setExecuteFn(execute),
    onSubscribe({ args, setSubscribeFn }) {
      const { request, caller } = args.contextValue;
      // Over WebSocket the socket is the connection.
      setSubscribeFn(request ? (given) => subscribeGuarded(given, caller, connections) : subscribe);
    },
  };
}

/** Yoga takes JSON in a URL that cannot be read for a fault of its own. */
const readableUrls: Plugin = {
  onRequestParse({ request, requestParser, setRequestParser }) {
    if (request.method !== 'GET' || !requestParser) return;
    setRequestParser(async (given) => {
      try {
        return await requestParser(given);
      } catch (error) {
        if (!(error instanceof SyntaxError)) throw error;
        const message = 'The variables and extensions in a URL must be JSON, percent-encoded.';
        throw new GraphQLError(message, { extensions: { code: 'BAD_USER_INPUT', http: { status: 400 } } });
      }
    });
  },
};

const withoutIntrospection: Plugin = {
  onValidate: ({ addValidationRule }) => addValidationRule(NoSchemaIntrospectionCustomRule),
};
