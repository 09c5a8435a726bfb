import type { IncomingMessage, ServerResponse } from 'node:http';
import { NoSchemaIntrospectionCustomRule } from 'graphql';
import { createYoga, type Plugin } from 'graphql-yoga';
import type { Context } from '../graphql/context.ts';
import { schema } from '../graphql/schema.ts';
import type { Logger } from '../logger.ts';
import type { Caller } from '../workspace/caller.ts';
import { maskError } from './mask.ts';
import { queryLimits } from './query-limits.ts';

export interface GraphqlOptions {
  log: Logger;
  introspection: boolean;
  origins: readonly string[];
  /** Who calls, by what their request carries. */
  identify(request: Pick<IncomingMessage, 'headers'>, authorization: string | undefined): Promise<Caller>;
  contextOf(caller: Caller): Context;
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
export function createGraphql({ log, introspection, origins, identify, contextOf }: GraphqlOptions) {
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
    cors: origins.length > 0 ? { origin: [...origins], methods: ['GET', 'POST'] } : false,
    maskedErrors: { maskError: (error) => maskError(error, log) },
    context: async ({ req, authorization }) =>
      contextOf(await identify(req, authorization ?? req.headers.authorization)),
    plugins: [unbufferedStreams, queryLimits, ...(introspection ? [] : [withoutIntrospection])],
  });
}

/** nginx and others would hold back a stream until it ends. */
const unbufferedStreams: Plugin = {
  onResponse({ response }) {
    if (response.headers.get('content-type')?.startsWith('text/event-stream')) {
      response.headers.set('x-accel-buffering', 'no');
    }
  },
};

const withoutIntrospection: Plugin = {
  onValidate: ({ addValidationRule }) => addValidationRule(NoSchemaIntrospectionCustomRule),
};
