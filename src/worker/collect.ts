import { type KeepResult, keepImage } from '../asset/keep.ts';
import type { GuardedFetch } from '../fetch/guarded-fetch.ts';
import { claimTasks } from '../generation/claim.ts';
import type { Domain } from '../generation/domain.ts';
import { listPendingAssets } from '../generation/find.ts';
import type { Report } from '../generation/machine.ts';
import type { Trouble } from '../generation/provider.ts';
import { recordReports } from '../generation/record.ts';
import { resultTtlOf } from '../generation/result-ttl.ts';
import { downloadDelayMs } from '../generation/schedule.ts';
import type { Asset, Task } from '../generation/types.ts';
import type { Provider } from '../provider/provider.ts';
import type { Storage } from '../storage/storage.ts';
import { delayed, UNCONFIGURED } from './delay.ts';
import type { Identity } from './identity.ts';
import type { Limits } from './limits.ts';
import { compareSize } from './measured.ts';
import { findProvider, type Providers } from './providers.ts';
import { createTaskLoop, type TaskLoop } from './task-loop.ts';

const MOST_TASKS_AT_ONCE = 4;
/** A URL that serves no image may be repaired in a moment; after this many looks it is taken at its word. */
const MOST_LOOKS = 3;
const MOST_STALE_LOOKS = 10;
/** Where nobody can be asked for a fresh URL: a quarter of a minute. */
const MOST_STALE_LOOKS_UNASKED = 6;

export interface Keeper {
  fetch: GuardedFetch;
  storage: Storage;
}

export interface Round {
  signal: AbortSignal;
  /** The time of the database, in which expiries are. */
  now: () => number;
  limits: Pick<Limits, 'takeTurn'>;
}

/** Brings finished images home. A stop breaks off downloads; whoever claims the task next begins them anew. */
export function createCollector(
  domain: Domain,
  providers: Providers,
  keeper: Keeper,
  identity: Identity,
  limits: Pick<Limits, 'takeTurn'>,
): TaskLoop {
  return createTaskLoop(domain, identity, {
    name: 'collect',
    claim: (claim) => claimTasks(domain, { ...claim, statuses: ['COLLECTING'] }),
    mostAtOnce: MOST_TASKS_AT_ONCE,
    onStop: 'BREAK_OFF',
    run: (task, signal) => collect(domain, providers, keeper, task, { signal, now: identity.now, limits }),
  });
}

/** One round over the images of a task that are not home yet. */
export async function collect(
  domain: Domain,
  providers: Providers,
  keeper: Keeper,
  task: Task,
  round: Round,
): Promise<void> {
  const { id: taskId, generationId } = task;
  const provider = findProvider(providers, task);
  const again = delayed(task, provider ? { delayMs: downloadDelayMs(task.tries) } : UNCONFIGURED);
  let reports: Report[] = [again];
  try {
    const pending = await listPendingAssets(domain, taskId);
    domain.reach?.('collect:begun');
    const looks = await Promise.all(pending.map((asset) => look(domain, keeper, task, asset, provider, round)));
    reports = [...looks.flatMap(({ said }) => said), again];
    domain.reach?.('collect:kept');
    const staleIds = looks.flatMap(({ asset, isStale }) => (isStale ? [asset.id] : []));
    const fresh = staleIds.length > 0 && provider ? await askForFreshUrls(provider, task, staleIds, round) : [];
    const done = looks.every(({ isSettled }) => isSettled);
    // An image whose fresh URL could not be asked for is not a look nearer to being given up.
    const counted = looks.filter(({ isStale }) => !isStale || fresh !== null);
    reports = [...counted.flatMap(({ said }) => said), ...(fresh ?? []), ...(done ? [] : [again])];
  } catch (error) {
    if (!round.signal.aborted) domain.log.error({ err: error, task: taskId }, 'images could not be kept; trying again');
  }
  await recordReports(
    domain,
    reports.map((report) => ({ generationId, report })),
  ).catch((error: unknown) => domain.log.error({ err: error, task: taskId }, 'kept images are not recorded yet'));
}

interface Look {
  asset: Asset;
  said: Report[];
  isSettled: boolean;
  isStale: boolean;
}

/** One attempt at one image. What goes wrong here, a full disk say, is not held against the image nor its siblings. */
async function look(
  domain: Domain,
  keeper: Keeper,
  task: Task,
  asset: Asset,
  provider: Provider | null,
  { signal, now }: Round,
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

/** Null when its provider has no turn for the question just now. */
async function askForFreshUrls(
  provider: Provider,
  task: Task,
  staleIds: readonly string[],
  { signal, limits }: Round,
): Promise<Report[] | null> {
  if (task.providerTaskId === null) return [];
  if ((await limits.takeTurn(provider)) > 0) return null;
  const [answer] = await provider.ask([task.providerTaskId], signal);
  if (answer?.report.kind !== 'FINISHED') return [];
  const { images } = answer.report;
  const resultTtlSeconds = resultTtlOf(provider.models, task.request);
  return [{ kind: 'REFRESHED', taskId: task.id, token: task.leaseToken, images, staleIds, resultTtlSeconds }];
}

/** The provider finished the image, so it is billed as far as anyone knows; only its documents say so for sure. */
function lostImage(code: Trouble['code'], message: string): Trouble {
  return { code, message, billed: 'UNKNOWN', retryable: true, providerCode: null, providerMessage: null };
}
