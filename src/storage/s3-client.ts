import { setMaxListeners } from 'node:events';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { AwsV4Signer } from 'aws4fetch';
import { Agent, type Dispatcher } from 'undici';
import { isPassing, S3Refusal } from './s3-error.ts';

/** A bucket, and who asks. */
export interface S3Access {
  bucket: string;
  /** Scheme, host and port; path style then. Null: AWS. */
  endpoint: string | null;
  region: string;
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken: string | null;
}

interface S3Request {
  method: 'GET' | 'HEAD' | 'PUT' | 'DELETE';
  /** Of the object, prefix and all: letters, digits, `_.-/` only, so that nothing needs escaping. */
  object: string;
  /** Until the head of the answer: names, connections, the body sent, and every try. */
  timeoutMs: number;
  headers?: Record<string, string>;
  /** SHA-256 of the body, lower-case hex; signed, so that S3 refuses other bytes. */
  sha256?: string;
  /** Opens the body anew for each try. */
  openBody?: () => Readable;
  /** Nobody waits for the answer: tries go on, with growing pauses, until it aborts. Without it there are three. */
  patience?: AbortSignal | undefined;
}

export interface S3Client {
  /** Answers only with 2xx, if need be after more tries; else throws S3Refusal, or what happened on the network. */
  send(request: S3Request): Promise<Dispatcher.ResponseData>;
  /** Breaks off what is under way and closes every socket. */
  stop(): Promise<void>;
}

/** Of a request that carries no picture. */
export const SHORT_TIMEOUT_MS = 15_000;
/** Every request here may be made twice: a key always gets the same bytes. */
const SHORT_PAUSES_MS = [100, 400];
/** 70 s: outlasts a restarted proxy or S3. What is given up must come from the provider once more, whose URL expires. */
const LONG_PAUSES_MS = [...SHORT_PAUSES_MS, 2_000, 8_000, 20_000, 40_000];
const CONNECT_TIMEOUT_MS = 5_000;
/** Between two chunks of a body that is being read; one that nobody reads just now may wait. */
const SILENCE_MS = 30_000;
const LONGEST_REFUSAL = 16_384;
const NOTHING_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

/** Signs, sends, tries again. */
export function createS3Client(access: S3Access): S3Client {
  const over = new AbortController();
  // One for each request under way and each socket.
  setMaxListeners(0, over.signal);
  const connect = { timeout: CONNECT_TIMEOUT_MS, signal: over.signal };
  const agent = new Agent({ connect, headersTimeout: 0, bodyTimeout: SILENCE_MS });
  const base = baseOf(access);
  // Of derived keys, which change daily.
  const cache = new Map<string, ArrayBuffer>();

  return {
    async send(request) {
      const late = new Error(`S3 did not answer ${request.method} within ${request.timeoutMs / 1000} s`);
      const deadline = new AbortController();
      const timer = setTimeout(() => deadline.abort(late), request.timeoutMs);
      const onStop = () => deadline.abort(new Error('The storage is stopping'));
      over.signal.addEventListener('abort', onStop);
      try {
        over.signal.throwIfAborted();
        return await trySeveral(
          () => sendOnce(agent, base, access, cache, request, deadline.signal),
          deadline.signal,
          request.patience,
        );
      } finally {
        clearTimeout(timer);
        over.signal.removeEventListener('abort', onStop);
      }
    },

    async stop() {
      over.abort(new Error('The storage has stopped'));
      await agent.destroy();
    },
  };
}

/** A name with dots does not fit AWS's certificate, so such a bucket goes into the path. */
function baseOf({ bucket, endpoint, region }: S3Access): string {
  if (endpoint) return `${endpoint}/${bucket}`;
  if (bucket.includes('.')) return `https://s3.${region}.amazonaws.com/${bucket}`;
  return `https://${bucket}.s3.${region}.amazonaws.com`;
}

/** The end of the patience ends a pause, never a try: what is on its way may still arrive. */
async function trySeveral<T>(attempt: () => Promise<T>, signal: AbortSignal, patience?: AbortSignal): Promise<T> {
  const pausesMs = patience ? LONG_PAUSES_MS : SHORT_PAUSES_MS;
  for (let tries = 0; ; tries++) {
    try {
      return await attempt();
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      const pauseMs = pausesMs[tries];
      if (pauseMs === undefined || !isPassing(error)) throw error;
      const over = patience ? AbortSignal.any([signal, patience]) : signal;
      await sleep(pauseMs, undefined, { signal: over }).catch(() => {
        throw signal.aborted ? signal.reason : error;
      });
    }
  }
}

async function sendOnce(
  agent: Agent,
  base: string,
  access: S3Access,
  cache: Map<string, ArrayBuffer>,
  { method, object, headers, sha256 = NOTHING_SHA256, openBody }: S3Request,
  signal: AbortSignal,
): Promise<Dispatcher.ResponseData> {
  const { accessKeyId, secretAccessKey, sessionToken, region } = access;
  const signer = new AwsV4Signer({
    method,
    url: `${base}/${object}`,
    headers: { ...headers, 'x-amz-content-sha256': sha256 },
    service: 's3',
    region,
    accessKeyId,
    secretAccessKey,
    ...(sessionToken && { sessionToken }),
    cache,
  });
  const signed = await signer.sign();
  const response = await agent.request({
    origin: signed.url.origin,
    path: signed.url.pathname,
    method,
    // Not signed: proxies on the way rewrite this one.
    headers: { ...Object.fromEntries(signed.headers), 'accept-encoding': 'identity' },
    body: openBody?.() ?? null,
    signal,
  });
  if (response.statusCode >= 200 && response.statusCode < 300) return response;
  throw new S3Refusal(method, response.statusCode, await readStart(response.body));
}

async function readStart(body: Readable): Promise<string> {
  let text = '';
  for await (const chunk of body) {
    text += String(chunk);
    if (text.length > LONGEST_REFUSAL) break;
  }
  return text;
}
