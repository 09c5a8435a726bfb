import type { Dispatcher } from 'undici';
import { Refusal, type Unfetched } from './refusal.ts';
import { parseTarget, type Target } from './target.ts';

const MAX_HOPS = 5;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** How a connection is made: `guarded` checks where it leads, `open` does not and serves exempt hosts only. */
export interface Dispatchers {
  guarded: Dispatcher;
  open: Dispatcher;
}

/** GETs a URL, following at most five redirects, each judged like the first; throws a Refusal for all but 200. */
export async function requestFollowing(
  text: string,
  exempt: readonly string[],
  dispatchers: Dispatchers,
  signal: AbortSignal,
): Promise<Dispatcher.ResponseData> {
  let target = parseTarget(text, exempt);
  for (let hop = 0; ; hop++) {
    const response = await request(target, dispatchers, signal);
    if (response.statusCode === 200) return accept(response);
    discard(response);
    const { location } = response.headers;
    const followed = REDIRECTS.has(response.statusCode) && typeof location === 'string' && hop < MAX_HOPS;
    if (!followed) throw new Refusal({ kind: 'REFUSED', status: response.statusCode });
    target = parseTarget(location, exempt, target.url);
  }
}

/** Names what went wrong between us and the far side; gives back what our own signal was fired with. */
export function toRefusal(error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  if (error instanceof Refusal) return error;
  return new Refusal(unreachable(error));
}

async function request(
  target: Target,
  dispatchers: Dispatchers,
  signal: AbortSignal,
): Promise<Dispatcher.ResponseData> {
  const { url, exempt } = target;
  // Two pools, so that a socket opened for an exempt host is never reused where the guard should have looked.
  const dispatcher = exempt ? dispatchers.open : dispatchers.guarded;
  try {
    return await dispatcher.request({
      origin: url.origin,
      path: url.pathname + url.search,
      method: 'GET',
      headers: { accept: 'image/*', 'accept-encoding': 'identity', 'user-agent': 'darkroom' },
      signal,
    });
  } catch (error) {
    throw toRefusal(error, signal);
  }
}

/** A compressed body is refused: its size would be known only after inflating it. */
function accept(response: Dispatcher.ResponseData): Dispatcher.ResponseData {
  const encoding = response.headers['content-encoding'];
  if (encoding === undefined || encoding === 'identity') return response;
  discard(response);
  throw new Refusal({ kind: 'UNREACHABLE', reason: 'a content-encoding that was not asked for' });
}

/** Reads nothing of the body; its socket is closed with it. */
function discard(response: Dispatcher.ResponseData): void {
  response.body.on('error', () => {});
  response.body.destroy();
}

function unreachable(error: unknown): Unfetched {
  // The code only: a message may name the address behind a customer's host name.
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'connection failed';
  return { kind: 'UNREACHABLE', reason: code };
}
