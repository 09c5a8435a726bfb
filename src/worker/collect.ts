import { claimTasks } from '../generation/claim.ts';
import type { Domain } from '../generation/domain.ts';
import { listPendingAssets } from '../generation/find.ts';
import { recordReports } from '../generation/record.ts';
import type { Report } from '../generation/report.ts';
import { resultTtlOf } from '../generation/result-ttl.ts';
import { downloadDelayMs } from '../generation/schedule.ts';
import type { Task } from '../generation/types.ts';
import type { Provider } from '../provider/provider.ts';
import { delayed, UNCONFIGURED } from './delay.ts';
import type { Identity } from './identity.ts';
import type { Limits } from './limits.ts';
import { type Keeper, lookAtImage } from './look-at-image.ts';
import { findProvider, type Providers } from './providers.ts';
import { createTaskLoop, type TaskLoop } from './task-loop.ts';

const MOST_TASKS_AT_ONCE = 4;

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
    const looks = await Promise.all(pending.map((asset) => lookAtImage(domain, keeper, task, asset, provider, round)));
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
