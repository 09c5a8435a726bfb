import { createClient as createSseClient } from 'graphql-sse';
import { createClient as createWsClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { bearer, GENERATION, type Generation, type GraphqlError, TEST_KEY } from './client.ts';

export interface Update {
  cursor: string;
  kind: 'SNAPSHOT' | 'CHANGE';
  final: boolean;
  generation: Generation;
}

interface Message<T> {
  data?: T | null;
  errors?: readonly GraphqlError[];
}

export const WATCH = `subscription Watch($id: ID, $idempotencyKey: String, $after: Cursor) {
  generationUpdated(id: $id, idempotencyKey: $idempotencyKey, after: $after) { cursor kind final generation { ...Whole } }
}
${GENERATION}`;

export interface Watching<T> {
  messages: Message<T>[];
  /** Resolves when the server completed the stream; rejects with what closed the connection instead. */
  completed: Promise<void>;
  /** Goes away without waiting for the end. */
  leave(): void;
}

/** Subscribes with a graphql-ws client on a socket of its own. */
export function watchByWebsocket<T = { generationUpdated: Update }>(
  url: string,
  variables: Record<string, unknown>,
  document = WATCH,
  key: string | null = TEST_KEY,
): Watching<T> {
  const client = createWsClient({
    url: `${url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    retryAttempts: 0,
    lazyCloseTimeout: 0,
    connectionParams: bearer(key),
    onNonLazyError: () => {},
  });
  const messages: Message<T>[] = [];
  const completed = new Promise<void>((complete, error) => {
    const next = (message: unknown) => void messages.push(message as Message<T>);
    client.subscribe({ query: document, variables }, { next, error, complete });
  });
  completed.catch(() => {});
  return { messages, completed, leave: () => client.terminate() };
}

/** Subscribes with a graphql-sse client in its distinct-connections mode, by POST. */
export function watchBySse<T = { generationUpdated: Update }>(
  url: string,
  variables: Record<string, unknown>,
  document = WATCH,
  key: string | null = TEST_KEY,
): Watching<T> {
  const client = createSseClient({ url: `${url}/graphql`, retryAttempts: 0, headers: bearer(key) });
  const messages: Message<T>[] = [];
  const completed = new Promise<void>((complete, error) => {
    const next = (message: unknown) => void messages.push(message as Message<T>);
    client.subscribe({ query: document, variables }, { next, error, complete });
  });
  completed.catch(() => {});
  return { messages, completed, leave: () => client.dispose() };
}

/** The updates of a stream that had no errors. */
export function updatesOf({ messages }: Watching<{ generationUpdated: Update }>): Update[] {
  return messages.map(({ data, errors }) => {
    if (!data) throw new Error(`no data: ${JSON.stringify(errors)}`);
    return data.generationUpdated;
  });
}
