import type { IncomingMessage } from 'node:http';

const MOST_BYTES = 1024 * 1024;
const MOST_PATIENCE_BYTES = 16 * MOST_BYTES;

/** The body as text, or null when it is over 1 MiB; throws when the client leaves or never stops sending. */
export async function readBody(request: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    // What is too large is read to its end, so that the client hears the refusal and not a reset.
    if (bytes <= MOST_BYTES) chunks.push(chunk);
    if (bytes > MOST_PATIENCE_BYTES) throw new Error('the body does not end');
  }
  return bytes > MOST_BYTES ? null : Buffer.concat(chunks).toString('utf8');
}

/** The key of a bearer header, or null when the sandbox would not know it. */
export function findKey(authorization: string | undefined): string | null {
  const key = /^bearer +(sandbox\S*) *$/i.exec(authorization ?? '')?.[1];
  return key?.startsWith('sandbox') ? key : null;
}
