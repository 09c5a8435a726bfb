import type { IncomingMessage } from 'node:http';

const PATIENCE_BYTES = 15 * 1024 * 1024;

/** The body as text, or null when it is over `mostBytes`; throws when the client leaves or never stops sending. */
export async function readBody(request: IncomingMessage, mostBytes = 1024 * 1024): Promise<string | null> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    // What is too large is read to its end, so that the client hears the refusal and not a reset.
    if (bytes <= mostBytes) chunks.push(chunk);
    if (bytes > mostBytes + PATIENCE_BYTES) throw new Error('the body does not end');
  }
  return bytes > mostBytes ? null : Buffer.concat(chunks).toString('utf8');
}

/** The key of a bearer header, or null when the sandbox would not know it. */
export function findKey(authorization: string | undefined): string | null {
  const key = /^bearer +(sandbox\S*) *$/i.exec(authorization ?? '')?.[1];
  return key?.startsWith('sandbox') ? key : null;
}
