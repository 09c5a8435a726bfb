import { createHash } from 'node:crypto';
import type { Dispatcher } from 'undici';
import { withDeadline } from './deadline.ts';
import { Refusal, type Unfetched } from './refusal.ts';
import { type Dispatchers, requestFollowing, toRefusal } from './request.ts';

/** All of the body was received and given to the sink. The content type is the far side's claim, not a fact. */
interface Fetched {
  kind: 'OK';
  contentType: string | null;
  byteSize: number;
  /** Lower-case hex. */
  sha256: string;
}

export type DownloadResult = Fetched | Unfetched;

/** Where the bytes go, in order; the next chunk waits for the promise. What it throws is thrown by the download. */
export interface Sink {
  write(chunk: Uint8Array): Promise<void>;
}

export interface DownloadOptions {
  maxBytes: number;
  /** For everything: names, connections, redirects, and the last byte. */
  timeoutMs: number;
  signal: AbortSignal;
  /** `host:port` pairs exempt from the address check in this call, besides those of the service. */
  allowedHosts?: readonly string[];
}

/** Downloads into `sink`. Anything but OK may leave the sink with the first part of a body. */
export async function download(
  url: string,
  options: DownloadOptions,
  sink: Sink,
  dispatchers: Dispatchers,
  stopping: AbortSignal,
): Promise<DownloadResult> {
  try {
    return await withDeadline(options.timeoutMs, [options.signal, stopping], async (signal) => {
      const response = await requestFollowing(url, options.allowedHosts ?? [], dispatchers, signal);
      return await receive(response, options.maxBytes, sink, signal);
    });
  } catch (error) {
    if (error instanceof Refusal) return error.result;
    throw error;
  }
}

async function receive(
  { headers, body }: Dispatcher.ResponseData,
  maxBytes: number,
  sink: Sink,
  signal: AbortSignal,
): Promise<Fetched> {
  const hash = createHash('sha256');
  let byteSize = 0;
  try {
    if (Number(headers['content-length'] ?? 0) > maxBytes) throw new Refusal({ kind: 'TOO_LARGE' });
    for await (const chunk of readChunks(body, signal)) {
      byteSize += chunk.length;
      if (byteSize > maxBytes) throw new Refusal({ kind: 'TOO_LARGE' });
      hash.update(chunk);
      await sink.write(chunk);
    }
  } finally {
    body.on('error', () => {});
    body.destroy();
  }
  const contentType = headers['content-type'];
  return {
    kind: 'OK',
    contentType: contentType === undefined ? null : String(contentType),
    byteSize,
    sha256: hash.digest('hex'),
  };
}

/** The body's chunks; only what reading throws is put down to the far side, not what the sink does with them. */
async function* readChunks(body: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const chunks = body[Symbol.asyncIterator]();
  for (;;) {
    const next = await chunks.next().catch((error: unknown) => {
      throw toRefusal(error, signal);
    });
    if (next.done) return;
    yield next.value;
  }
}
