import type { ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import type { ExecutionResult, GraphQLError } from 'graphql';
import { type FetchAPI, isAsyncIterable, type Plugin } from 'graphql-yoga';
import type { Logger } from '../logger.ts';
import { chooseFormat, type Format } from './accept.ts';
import type { Limits } from './limits.ts';
import { toClient } from './mask.ts';
import { MULTIPART } from './multipart.ts';
import { SSE, unlessOver } from './sse.ts';
import { oneMessage, streamBody } from './streams.ts';

/** Errors that end a request before it gave anything. */
const STATUS: Record<string, number> = { UNAUTHENTICATED: 401, FORBIDDEN: 403, RATE_LIMITED: 429, UNAVAILABLE: 503 };

/** Writes what an operation gave in the format that the Accept header likes best. */
export function answers({ heartbeatMs }: Pick<Limits, 'heartbeatMs'>, log: Logger): Plugin<object, Pick<Reply, 'res'>> {
  return {
    onResultProcess({ request, result, setResultProcessor, serverContext: { res } }) {
      // What cannot be answered was refused before it ran; that is said as JSON.
      const format = chooseFormat(request.headers.get('accept'), isAsyncIterable(result)) ?? 'application/json';
      setResultProcessor((given, fetchAPI) => {
        // Batches are off: it is one result or one stream.
        const one = given as ExecutionResult | AsyncIterable<ExecutionResult>;
        const isReconnect = Boolean(request.headers.get('last-event-id'));
        const reply: Reply = { format, fetchAPI, heartbeatMs, res, log };
        return isAsyncIterable(one)
          ? answerStream(one[Symbol.asyncIterator](), isReconnect, reply)
          : answerOne(one, reply);
      }, format);
    },
  };
}

interface Reply {
  format: Format;
  fetchAPI: FetchAPI;
  heartbeatMs: number;
  /** What it is sent with. */
  res?: ServerResponse | undefined;
  log: Logger;
}

async function answerStream(
  messages: AsyncIterator<ExecutionResult>,
  isReconnect: boolean,
  reply: Reply,
): Promise<Response> {
  const rest = isReconnect && reply.format === 'text/event-stream' ? await unlessOver(messages) : messages;
  return rest ? stream(rest, 200, {}, reply) : new reply.fetchAPI.Response(null, { status: 204 });
}

function answerOne(result: ExecutionResult, reply: Reply): Response {
  const { format, fetchAPI } = reply;
  const errors = result.errors?.map(toClient);
  const answer = { ...result, ...(errors && { errors }) } as ExecutionResult;
  const status = statusOf(result, format);
  const headers = Object.assign({}, ...(result.errors ?? []).map((error) => httpOf(error).headers));
  if (!format.startsWith('application/')) return stream(oneMessage(answer), status, headers, reply);
  return new fetchAPI.Response(JSON.stringify(answer), {
    status,
    headers: { 'content-type': `${format}; charset=utf-8`, ...headers },
  });
}

function stream(
  messages: AsyncIterator<ExecutionResult>,
  status: number,
  headers: Record<string, string>,
  { format, fetchAPI, heartbeatMs, res, log }: Reply,
): Response {
  const framing = format === 'multipart/mixed' ? MULTIPART : SSE;
  const body = streamBody(messages, framing, heartbeatMs);
  endTogether(body, res, log);
  // Yoga writes a Readable of Node as it is; its types only know the web's streams.
  return new fetchAPI.Response(body as unknown as ReadableStream, {
    status,
    headers: { ...framing.headers, ...headers },
  });
}

/** Yoga forgets the body of a client that left while its subscription began, and takes no notice of one that fails. */
function endTogether(body: Readable, res: ServerResponse | undefined, log: Logger): void {
  body.on('error', (error) => {
    log.error({ err: error }, 'a stream failed');
    res?.destroy();
  });
  if (res?.destroyed) body.destroy();
  else res?.once('close', () => body.destroy());
}

/** As the GraphQL-over-HTTP specification has it: in application/json, a document at fault is answered with 200. */
function statusOf({ data, errors = [] }: ExecutionResult, format: Format): number {
  if (data && Object.values(data).some((value) => value !== null)) return 200;
  return Math.max(200, ...errors.map((error) => statusOfError(error, format, data === undefined)));
}

function statusOfError(error: GraphQLError, format: Format, beforeExecution: boolean): number {
  const code = String(error.extensions.code);
  const known = STATUS[code];
  if (known) return known;
  // Yoga gives one to each fault of a document too, besides those of the HTTP request itself.
  const { status } = httpOf(error);
  if (status && code === 'BAD_USER_INPUT') return status;
  if (!beforeExecution || format !== 'application/graphql-response+json') return 200;
  return code === 'INTERNAL_SERVER_ERROR' ? 500 : 400;
}

function httpOf(error: GraphQLError): { status?: number; headers?: Record<string, string> } {
  return error.extensions.http ?? {};
}
