import { setMaxListeners } from 'node:events';
import { type KeepResult, keepImage } from '../asset/keep.ts';
import type { GuardedFetch } from '../fetch/guarded-fetch.ts';
import type { Domain } from '../generation/domain.ts';
import { listPendingAssets } from '../generation/find.ts';
import type { Report } from '../generation/machine.ts';
import type { Trouble } from '../generation/provider.ts';
import { recordReports } from '../generation/record.ts';
import { downloadDelayMs } from '../generation/schedule.ts';
import type { Asset, Task } from '../generation/types.ts';
import type { Provider } from '../provider/provider.ts';
import type { Storage } from '../storage/storage.ts';
import type { Identity } from './identity.ts';
import { findProvider, type Providers, resultTtlOf } from './providers.ts';
import { createTaskLoop, type TaskLoop } from './task-loop.ts';

const MOST_TASKS_AT_ONCE = 4;
/** A URL that serves no image may be repaired in a moment; after this many looks it is taken at its word. */
const MOST_LOOKS = 3;
const MOST_STALE_LOOKS = 10;

export interface Keeper {
  fetch: GuardedFetch;
  storage: Storage;
}

/** Brings finished images home. A stop breaks off downloads; whoever claims the task next begins them anew. */
export function createCollector(domain: Domain, providers: Providers, keeper: Keeper, identity: Identity): TaskLoop {
  const stopping = new AbortController();
  // One for each download under way.
  setMaxListeners(0, stopping.signal);
  const loop = createTaskLoop(domain, identity, {
    name: 'collect',
    status: 'COLLECTING',
    mostAtOnce: MOST_TASKS_AT_ONCE,
    run: (task) => collect(domain, providers, keeper, task, stopping.signal),
  });
  return {
    ...loop,
    async stop() {
      stopping.abort();
      await loop.stop();
    },
  };
}

async function collect(
  domain: Domain,
  providers: Providers,
  keeper: Keeper,
  task: Task,
  signal: AbortSignal,
): Promise<void> {
  const { id: taskId, generationId, leaseToken: token } = task;
  const again: Report = { kind: 'DELAYED', taskId, token, delayMs: downloadDelayMs(task.tries) };
  let reports: Report[] = [again];
  try {
    const provider = findProvider(providers, task);
    const pending = await listPendingAssets(domain, taskId);
    const looks = await Promise.all(
      pending.map(async (asset) => {
        const result = await keepImage(keeper, asset, { allowedHosts: provider?.resultHosts ?? [], signal });
        return { asset, result, settled: settle(task, asset, result) };
      }),
    );
    const settled = looks.flatMap((look) => look.settled ?? []);
    const stale = looks.some((look) => look.settled === null && look.result.kind === 'STALE_URL');
    const fresh = stale && provider ? await askForFreshUrls(provider, task, signal) : [];
    reports = settled.length === pending.length ? settled : [...settled, ...fresh, again];
  } catch (error) {
    if (!signal.aborted) domain.log.error({ err: error, task: taskId }, 'images could not be kept; trying again');
  }
  await recordReports(
    domain,
    reports.map((report) => ({ generationId, report })),
  ).catch((error: unknown) => domain.log.error({ err: error, task: taskId }, 'kept images are not recorded yet'));
}

/** What is now certain about an image; null when it has to be tried again. */
function settle(task: Task, asset: Asset, result: KeepResult): Report | null {
  const about = { taskId: task.id, token: task.leaseToken, assetId: asset.id };
  if (result.kind === 'KEPT') return { ...about, kind: 'STORED', facts: result.facts };
  const lost = (code: Trouble['code']): Report => ({ ...about, kind: 'LOST', failure: lostImage(code, result.why) });
  if (result.kind === 'UNUSABLE') return lost(result.code);
  if (result.kind === 'INVALID') return task.tries >= MOST_LOOKS ? lost('RESULT_INVALID') : null;
  const stale = result.kind === 'STALE_URL' && (asset.refreshes > 0 || task.tries >= MOST_STALE_LOOKS);
  const expired = asset.providerUrlExpiresAt !== null && asset.providerUrlExpiresAt.getTime() < Date.now();
  return stale || expired ? lost('RESULT_UNAVAILABLE') : null;
}

async function askForFreshUrls(provider: Provider, task: Task, signal: AbortSignal): Promise<Report[]> {
  if (task.providerTaskId === null) return [];
  const [answer] = await provider.ask([task.providerTaskId], signal);
  if (answer?.report.kind !== 'FINISHED') return [];
  const { images } = answer.report;
  const resultTtlSeconds = resultTtlOf(provider, task);
  return [{ kind: 'REFRESHED', taskId: task.id, token: task.leaseToken, images, resultTtlSeconds }];
}

/** The provider finished the image, so it is billed as far as anyone knows; only its documents say so for sure. */
function lostImage(code: Trouble['code'], message: string): Trouble {
  return { code, message, billed: 'UNKNOWN', retryable: true, providerCode: null, providerMessage: null };
}
