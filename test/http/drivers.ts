import { WebSocket } from 'ws';
import { bearer, type GraphqlError, TEST_KEY } from '../service/client.ts';

export interface Operation {
  query: string;
  variables?: Record<string, unknown>;
  operationName?: string;
  /** Of TEST_KEY unless it says otherwise; null for none. */
  authorization?: string | null;
}

/** What a client is told, whatever it came by. */
export interface Outcome {
  /** Null where there is no HTTP answer. */
  status: number | null;
  /** Of the last message that had any. */
  data: unknown;
  errors: GraphqlError[];
  /** Of a WebSocket that the server closed. */
  closedWith: number | null;
  /** What no client should have to read: all that was sent, as it was. */
  text: string;
}

export type Driver = (url: string, operation: Operation) => Promise<Outcome>;

/** Every way into /graphql. Each runs one operation to its end. */
export const DRIVERS: Record<string, Driver> = {
  'POST for JSON': byHttp('POST', 'application/json'),
  'POST for GraphQL JSON': byHttp('POST', 'application/graphql-response+json'),
  'GET for JSON': byHttp('GET', 'application/json'),
  'SSE by POST': byHttp('POST', 'text/event-stream'),
  'SSE by GET': byHttp('GET', 'text/event-stream'),
  multipart: byHttp('POST', 'multipart/mixed;subscriptionSpec=1.0'),
  WebSocket: byWebsocket,
};

export const isByGet = (transport: string) => transport.includes('GET');
export const isStreaming = (transport: string) => /SSE|multipart|WebSocket/.test(transport);

interface Message {
  data?: unknown;
  errors?: GraphqlError[];
}

function byHttp(method: 'GET' | 'POST', accept: string): Driver {
  return async (url, { authorization = bearer(TEST_KEY).authorization, ...body }) => {
    const headers = { accept, ...(authorization && { authorization }) };
    const response =
      method === 'GET'
        ? await fetch(`${url}/graphql?${toSearch(body)}`, { headers })
        : await fetch(`${url}/graphql`, {
            method,
            headers: { ...headers, 'content-type': 'application/json' },
            body: JSON.stringify(body),
          });
    const text = await response.text();
    return { status: response.status, closedWith: null, text, ...summary(messagesIn(text, response.headers)) };
  };
}

function toSearch({ query, variables, operationName }: Operation): URLSearchParams {
  const search = new URLSearchParams({ query });
  if (variables) search.set('variables', JSON.stringify(variables));
  if (operationName) search.set('operationName', operationName);
  return search;
}

function messagesIn(text: string, headers: Headers): Message[] {
  const type = headers.get('content-type') ?? '';
  if (type.includes('event-stream')) return [...text.matchAll(/^data: (.+)$/gm)].map(([, json]) => read(json));
  if (type.includes('multipart')) {
    return [...text.matchAll(/^\{"payload":(.+)\}\r$/gm)].map(([, json]) => read(json));
  }
  return type.includes('json') ? [read(text)] : [];
}

function read(json = ''): Message {
  return JSON.parse(json) as Message;
}

function byWebsocket(url: string, { authorization, ...payload }: Operation): Promise<Outcome> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
  const init = authorization === undefined ? bearer(TEST_KEY) : authorization ? { authorization } : {};
  const messages: Message[] = [];
  let text = '';
  return new Promise((resolve, reject) => {
    const end = (closedWith: number | null) => {
      socket.terminate();
      resolve({ status: null, closedWith, text, ...summary(messages) });
    };
    socket.on('open', () => socket.send(JSON.stringify({ type: 'connection_init', payload: init })));
    socket.on('error', reject);
    socket.on('close', end);
    socket.on('message', (frame) => {
      text += frame;
      const message = JSON.parse(String(frame));
      if (message.type === 'connection_ack') socket.send(JSON.stringify({ type: 'subscribe', id: '1', payload }));
      if (message.type === 'next') messages.push(message.payload);
      if (message.type === 'error') messages.push({ errors: message.payload });
      if (message.type === 'complete' || message.type === 'error') end(null);
    });
  });
}

function summary(messages: Message[]): Pick<Outcome, 'data' | 'errors'> {
  return {
    data: messages.findLast(({ data }) => data !== undefined)?.data,
    errors: messages.flatMap(({ errors = [] }) => errors),
  };
}
