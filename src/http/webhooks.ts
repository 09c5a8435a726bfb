import type { IncomingMessage, ServerResponse } from 'node:http';
import { isUnavailable } from '../db/unavailable.ts';
import { within } from '../db/within.ts';
import type { Callback } from '../generation/callback.ts';
import { audienceOf, type CallbackTokens } from '../generation/callback-token.ts';
import type { Logger } from '../logger.ts';
import type { Provider } from '../provider/provider.ts';
import { answerText } from './answer-text.ts';
import { pathOf } from './path.ts';

interface WebhookParts {
  providers: readonly Provider[];
  tokens: CallbackTokens;
  hear(callback: Callback): Promise<void>;
  /** From the first to the last byte of a body. */
  readWithinMs?: number;
  log: Logger;
}

const MOST_BYTES = 1_048_576;
const READ_WITHIN_MS = 5_000;
/** Callers wait some 10 s (providers.md §1.4) and come again after a 503. */
const HEAR_WITHIN_MS = 4_000;

/**
 * Serves POST of `/webhooks/<provider>/<token>`. The token is judged before anything is read or looked up, the signature of
 * a provider that signs before anything is believed. What passes is answered with 200 once what it brought is stored,
 * whatever the body says, and with 503 while the database is away.
 */
export function createWebhookHandler(
  parts: WebhookParts,
): (req: IncomingMessage, res: ServerResponse) => Promise<void> {
  const { providers, tokens, hear, readWithinMs = READ_WITHIN_MS, log } = parts;
  const callers = providers.flatMap((provider) => toCaller(provider) ?? []);

  const inHand = new Map<string, Promise<void>>();
  /** Copies that come at once are heard together. */
  function hearOnce(callback: Callback): Promise<void> {
    const key = `${callback.submissionId} ${callback.providerTaskId}`;
    const hearing = inHand.get(key) ?? hear(callback).finally(() => inHand.delete(key));
    inHand.set(key, hearing);
    return hearing;
  }

  return async (req, res) => {
    const [, slug = '', token = ''] = /^\/webhooks\/([^/]+)\/([^/]+)$/.exec(pathOf(req)) ?? [];
    const known = callers.filter((each) => each.slug === slug);
    if (known.length === 0) return answerText(res, 404, 'There is no such address for callbacks.\n');
    if (req.method !== 'POST') return answerText(res, 405, 'Only POST.\n', { allow: 'POST' });
    const caller = known.find(({ audience }) => tokens.verify(audience, token));
    const submissionId = caller && tokens.verify(caller.audience, token);
    if (!submissionId) return answerText(res, 401, 'This address is not valid.\n');

    const body = await readBody(req, readWithinMs);
    if (body === 'GONE') return;
    if (body === 'TOO_LARGE') return answerText(res, 413, `At most ${MOST_BYTES} bytes.\n`, CLOSE);
    if (body === 'TOO_SLOW') return answerText(res, 408, `The body took over ${readWithinMs} ms.\n`, CLOSE);
    if (!caller.isGenuine(body, req.headers)) {
      log.warn({ provider: slug, submission: submissionId }, 'a callback whose signature is not valid');
      return answerText(res, 401, 'This signature is not valid.\n');
    }
    const callback = { submissionId, ...caller.read(parseJson(body)) };
    const { providerTaskId } = callback;
    if (!providerTaskId) log.warn({ provider: slug, submission: submissionId }, 'a callback whose body names no task');
    try {
      if (await within(HEAR_WITHIN_MS, hearOnce(callback))) return answerText(res, 200, 'ok\n');
      log.warn({ provider: slug, submission: submissionId }, 'a callback could not be stored in time');
    } catch (error) {
      if (!isUnavailable(error)) throw error;
      log.warn({ err: error, provider: slug, submission: submissionId }, 'a callback met a database that is away');
    }
    answerText(res, 503, 'Call again in a moment.\n', { 'retry-after': '1' });
  };
}

/** A provider as far as it calls back. */
interface Caller {
  slug: string;
  audience: string;
  isGenuine(raw: Buffer, headers: IncomingMessage['headers']): boolean;
  read(body: unknown): Omit<Callback, 'submissionId'>;
}

function toCaller({ slug, mode, callback, batch }: Provider): Caller | null {
  if (!callback) return null;
  return {
    slug,
    audience: audienceOf({ slug, mode, isSigned: callback.isGenuine !== null }),
    isGenuine: callback.isGenuine ?? (() => true),
    read(body) {
      const { providerTaskId = null, batchId } = callback.read(body) ?? {};
      if (!batch || !batchId) return { providerTaskId };
      return { providerTaskId, idOf: (place) => batch.idOf(batchId, place) };
    },
  };
}

const CLOSE = { connection: 'close' };

/** What is too large is read to its end all the same, so that the caller hears the refusal and not a reset. */
function readBody(req: IncomingMessage, withinMs: number): Promise<Buffer | 'TOO_LARGE' | 'TOO_SLOW' | 'GONE'> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const timer = setTimeout(() => resolve('TOO_SLOW'), withinMs);
    req.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= MOST_BYTES) chunks.push(chunk);
    });
    req.once('end', () => resolve(size <= MOST_BYTES ? Buffer.concat(chunks) : 'TOO_LARGE'));
    req.once('error', () => resolve('GONE'));
    req.once('close', () => {
      clearTimeout(timer);
      resolve('GONE');
    });
  });
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}
