import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import type { ExecutionResult } from 'graphql';

/** How messages are written one after another into the body of one HTTP response. */
export interface Framing {
  headers: Record<string, string>;
  /** Sent at once, so that the client sees the stream begin. */
  opening: string;
  message(result: ExecutionResult): string;
  /** Tells the client, and whatever lies between, that the stream is still there. */
  heartbeat: string;
  /** Tells the client that nothing more will come. A stream that is cut has none. */
  closing: string;
}

/** The body of a stream: reads the next message when the client has taken the last, and stops reading when it leaves. */
export function streamBody(messages: AsyncIterator<ExecutionResult>, framing: Framing, heartbeatMs: number): Readable {
  let reading = false;
  const heart = setInterval(() => {
    // Who does not read needs no heartbeat.
    if (body.readableLength === 0) body.push(framing.heartbeat);
  }, heartbeatMs);
  const body = new Readable({
    read() {
      if (reading) return;
      reading = true;
      messages
        .next()
        .then(({ value, done }) => {
          reading = false;
          if (body.destroyed) return;
          body.push(done ? framing.closing : framing.message(value));
          if (done) body.push(null);
        })
        .catch((error: Error) => body.destroy(error));
    },
    destroy(error, done) {
      clearInterval(heart);
      Promise.resolve(messages.return?.()).then(
        () => done(error),
        (fault: Error) => done(error ?? fault),
      );
    },
  });
  body.push(framing.opening);
  return body;
}

/** Whether it was begun as a stream: it lasts as long as its client stays. */
export function isStream(res: ServerResponse): boolean {
  return /^(text\/event-stream|multipart\/mixed)/.test(String(res.getHeader('content-type') ?? ''));
}

/** The messages of what is one answer only. */
export async function* oneMessage(result: ExecutionResult): AsyncGenerator<ExecutionResult> {
  yield result;
}
