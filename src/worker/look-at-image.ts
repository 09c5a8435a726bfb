import { type KeepResult, keepImage } from '../asset/keep.ts';
import type { GuardedFetch } from '../fetch/guarded-fetch.ts';
import type { Domain } from '../generation/domain.ts';
import type { Trouble } from '../generation/failure-code.ts';
import type { Report } from '../generation/report.ts';
import type { Asset, Task } from '../generation/types.ts';
import type { Provider } from '../provider/provider.ts';
import type { Storage } from '../storage/storage.ts';
import { compareSize } from './measured.ts';

/** A URL that serves no image may be repaired in a moment; after this many looks it is taken at its word. */
const MOST_LOOKS = 3;
const MOST_STALE_LOOKS = 10;
/** Where nobody can be asked for a fresh URL: a quarter of a minute. */
const MOST_STALE_LOOKS_UNASKED = 6;

export interface Keeper {
  fetch: GuardedFetch;
  storage: Storage;
}

/** What one attempt at one image found. */
interface Look {
  asset: Asset;
  said: Report[];
  isSettled: boolean;
  isStale: boolean;
}

/** One attempt at one image. What goes wrong here, a full disk say, is not held against the image nor its siblings. */
export async function lookAtImage(
  domain: Domain,
  keeper: Keeper,
  task: Task,
  asset: Asset,
  provider: Provider | null,
  { signal, now }: { signal: AbortSignal; now: () => number },
): Promise<Look> {
  const nothing: Look = { asset, said: [], isSettled: false, isStale: false };
  try {
    const result: KeepResult = provider
      ? await keepImage(keeper, asset, { allowedHosts: provider.resultHosts, signal })
      : { kind: 'TRY_AGAIN', why: `${task.provider} is not configured any more.` };
    if (provider && result.kind === 'KEPT') compareSize(domain, provider, task, asset, result.facts);
    return judge(task, asset, result, now());
  } catch (error) {
    if (signal.aborted) return nothing;
    domain.log.error({ err: error, asset: asset.id }, 'an image could not be kept yet');
    domain.observer?.failed('store');
    return nothing;
  }
}

/** What is now certain about an image, and what was seen of it. */
function judge(task: Task, asset: Asset, result: KeepResult, now: number): Look {
  const about = { taskId: task.id, token: task.leaseToken, assetId: asset.id };
  if (result.kind === 'KEPT') {
    return { asset, said: [{ ...about, kind: 'STORED', facts: result.facts }], isSettled: true, isStale: false };
  }
  const expired = asset.providerUrlExpiresAt !== null && asset.providerUrlExpiresAt.getTime() < now;
  const mostStale = task.providerTaskId === null ? MOST_STALE_LOOKS_UNASKED : MOST_STALE_LOOKS;
  const code = codeOfLoss(asset, result, { expired, mostStale });
  if (code) {
    const failure = lostImage(code, result.why);
    return { asset, said: [{ ...about, kind: 'LOST', failure }], isSettled: true, isStale: false };
  }
  const said: Report[] = result.kind === 'TRY_AGAIN' ? [] : [{ ...about, kind: 'NOT_THERE' }];
  return { asset, said, isSettled: false, isStale: result.kind === 'STALE_URL' };
}

/** Null while there is hope. */
function codeOfLoss(
  asset: Asset,
  result: KeepResult,
  { expired, mostStale }: { expired: boolean; mostStale: number },
): Trouble['code'] | null {
  const looks = asset.badLooks + 1;
  switch (result.kind) {
    case 'KEPT':
      return null;
    case 'TRY_AGAIN':
      return expired ? 'RESULT_UNAVAILABLE' : null;
    case 'STALE_URL':
      // A fresh URL is asked for first, also when the old one has expired while nobody looked.
      if (asset.refreshes === 0) return looks >= mostStale ? 'RESULT_UNAVAILABLE' : null;
      return expired || looks >= MOST_LOOKS ? 'RESULT_UNAVAILABLE' : null;
    case 'INVALID':
      return looks >= MOST_LOOKS ? 'RESULT_INVALID' : null;
    case 'UNUSABLE':
      return looks >= MOST_LOOKS ? result.code : null;
  }
}

/** The provider finished the image, so it is billed as far as anyone knows; only its documents say so for sure. */
function lostImage(code: Trouble['code'], message: string): Trouble {
  return { code, message, billed: 'UNKNOWN', retryable: true, providerCode: null, providerMessage: null };
}
