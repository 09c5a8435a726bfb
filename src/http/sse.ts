import type { ExecutionResult } from 'graphql';
import type { Framing } from './streams.ts';
import { cursorOf } from './subscribe.ts';

/**
 * Server-Sent Events as the GraphQL over SSE protocol names them: `next` with an answer, and `complete`. The id of an
 * event is its cursor, which an EventSource sends as Last-Event-ID when it comes back.
 */
export const SSE: Framing = {
  headers: {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache',
    // nginx and others would hold back a stream until it ends.
    'x-accel-buffering': 'no',
  },
  opening: ':\n\n',
  message(result) {
    const cursor = cursorOf(result);
    return `${cursor === null ? '' : `id: ${cursor}\n`}event: next\ndata: ${JSON.stringify(result)}\n\n`;
  },
  heartbeat: ':\n\n',
  closing: 'event: complete\ndata:\n\n',
};

/**
 * The messages as they were, or null when there are none: what is over already says so within a turn of the event loop.
 * An EventSource comes back after every end; only an answer without content stops it.
 */
export async function unlessOver(
  messages: AsyncIterator<ExecutionResult>,
): Promise<AsyncIterator<ExecutionResult> | null> {
  let first: Promise<IteratorResult<ExecutionResult>> | null = messages.next();
  const turn = new Promise<null>((resolve) => setImmediate(resolve, null));
  const known = await Promise.race([first, turn]);
  if (known?.done) return null;
  return {
    next() {
      const next = first ?? messages.next();
      first = null;
      return next;
    },
    return: async () => (await messages.return?.()) ?? { value: undefined, done: true },
  };
}
