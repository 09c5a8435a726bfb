import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import { type Connections, createConnection } from './connections.ts';

/** One HTTP request, as bytes. */
export interface Sending {
  method: 'GET' | 'POST';
  url: string;
  headers: Record<string, string>;
  body: string | null;
  /** From connecting to the last byte of the answer. */
  timeoutMs: number;
  signal: AbortSignal;
  /** Null: one of its own, closed afterwards; on a reused one a reset would not tell whether the request arrived. */
  connections: Connections | null;
  /** The longest body that is read. */
  maxBytes: number;
  /** Shown each piece of the body as it comes. */
  onData?: (chunk: Buffer) => void;
}

export type Sent =
  /** `whole` is false when the body was longer than `maxBytes`; `bytes` then holds its beginning. */
  | { kind: 'ANSWERED'; status: number; headers: IncomingHttpHeaders; bytes: Buffer; whole: boolean }
  /** No byte of the request was handed to a connection. */
  | { kind: 'NOT_SENT'; error: string }
  /** It was handed to a connection, and no complete answer came back. */
  | { kind: 'BROKEN'; error: string; status: number | null };

/** Sends one request once: no retry, no redirect. It never throws for what the other side does. */
export async function send(sending: Sending): Promise<Sent> {
  if (sending.connections) return exchange(sending.connections.dispatcher, sending);

  const own = createConnection(new URL(sending.url).origin);
  try {
    return await exchange(own.dispatcher, sending);
  } finally {
    await own.stop();
  }
}

function exchange(dispatcher: Dispatcher, sending: Sending): Promise<Sent> {
  const { method, headers, body, timeoutMs, signal, maxBytes, onData } = sending;
  const { origin, pathname, search } = new URL(sending.url);

  return new Promise((resolve) => {
    // Set just before the first byte is written: that moment parts NOT_SENT from BROKEN.
    let controller: Dispatcher.DispatchController | null = null;
    let head: { status: number; headers: IncomingHttpHeaders } | null = null;
    let settled = false;
    let size = 0;
    const chunks: Buffer[] = [];

    const settle = (sent: Sent) => {
      settled = true;
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      resolve(sent);
    };
    const fail = (error: string) =>
      settle(controller ? { kind: 'BROKEN', error, status: head?.status ?? null } : { kind: 'NOT_SENT', error });
    const giveUp = (error: string) => {
      fail(error);
      controller?.abort(new Error(error));
    };
    const onAbort = () => giveUp('stopped by this service');
    const timer = setTimeout(() => giveUp(`no complete answer within ${timeoutMs} ms`), timeoutMs);
    signal.addEventListener('abort', onAbort);
    if (signal.aborted) return onAbort();

    dispatcher.dispatch(
      { origin, path: pathname + search, method, headers, body },
      {
        onRequestStart(starting) {
          // undici may start a request again whose connection went away: one call is one request.
          if (settled || controller) return starting.abort(new Error('it was not to be sent again'));
          controller = starting;
        },
        onResponseStart(_, status, answered) {
          if (status >= 200) head = { status, headers: answered };
        },
        onResponseData(reading, chunk) {
          if (settled || !head) return;
          chunks.push(chunk);
          size += chunk.length;
          if (size <= maxBytes) return onData?.(chunk);
          settle({ kind: 'ANSWERED', ...head, bytes: Buffer.concat(chunks), whole: false });
          reading.abort(new Error('the answer is too long'));
        },
        onResponseEnd() {
          if (!settled && head) settle({ kind: 'ANSWERED', ...head, bytes: Buffer.concat(chunks), whole: true });
        },
        onResponseError(_, error) {
          if (!settled) fail(explain(error));
        },
      },
    );
  });
}

function explain(error: NodeJS.ErrnoException): string {
  // A failed connection to a name with several addresses is an AggregateError with an empty message.
  const { message } = error instanceof AggregateError ? (error.errors[0] ?? error) : error;
  return error.code ? `${error.code}: ${message}` : message;
}
