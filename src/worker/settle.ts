import { claimUnsettled } from '../generation/claim.ts';
import type { Domain } from '../generation/domain.ts';
import { insertExchanges } from '../generation/exchanges.ts';
import { listPendingAssets } from '../generation/find.ts';
import type { PollReport } from '../generation/provider-report.ts';
import { recordReports } from '../generation/record.ts';
import { recordRecovery } from '../generation/record-submission.ts';
import type { Report } from '../generation/report.ts';
import { resultTtlOf } from '../generation/result-ttl.ts';
import { settleDelayMs } from '../generation/schedule.ts';
import { findSubmission } from '../generation/send.ts';
import type { Task } from '../generation/types.ts';
import type { MayGoOn, Provider } from '../provider/provider.ts';
import { collect, type Round } from './collect.ts';
import { delayed, delayTask, UNCONFIGURED } from './delay.ts';
import type { Identity } from './identity.ts';
import type { Limits } from './limits.ts';
import type { Keeper } from './look-at-image.ts';
import { findProvider, type Providers } from './providers.ts';
import { createTaskLoop, type TaskLoop } from './task-loop.ts';
import { waitForTurn } from './turn.ts';

const MOST_AT_ONCE = 4;

/**
 * Goes on asking, slowly, about tasks that ended before their provider did: canceled, past their deadline, or found
 * too late, or when the list of its images might still grow. A late picture is kept and what is known of its cost is
 * booked; the status stays as it is.
 */
export function createSettler(
  domain: Domain,
  providers: Providers,
  keeper: Keeper,
  identity: Identity,
  limits: Pick<Limits, 'takeTurn'>,
): TaskLoop {
  return createTaskLoop(domain, identity, {
    name: 'settle',
    claim: (claim) => claimUnsettled(domain, claim),
    mostAtOnce: MOST_AT_ONCE,
    onStop: 'BREAK_OFF',
    run: (task, signal) => settle(domain, providers, keeper, task, { signal, now: identity.now, limits }),
  });
}

async function settle(domain: Domain, providers: Providers, keeper: Keeper, task: Task, round: Round): Promise<void> {
  const { signal, limits } = round;
  const { id: taskId, generationId, workspaceId } = task;
  const pending = await listPendingAssets(domain, taskId);
  if (pending.length > 0) return collect(domain, providers, keeper, task, round);
  const provider = findProvider(providers, task);
  if (provider?.recover && task.providerTaskId === null)
    return lookFor(domain, provider, provider.recover, task, round);
  const delayMs = provider && task.providerTaskId !== null ? await limits.takeTurn(provider) : 0;
  if (delayMs > 0) return delayTask(domain, task, { delayMs, blameless: true });
  const [answer] = provider && task.providerTaskId !== null ? await provider.ask([task.providerTaskId], signal) : [];
  domain.reach?.('settle:answered');
  // Broken off by us, which says nothing about the provider: the lease goes back with all others.
  if (signal.aborted && answer?.report.kind === 'SILENT') return;
  const reports = provider && answer ? reportsOf(task, provider, answer.report) : [delayed(task, UNCONFIGURED)];
  await recordReports(
    domain,
    reports.map((report) => ({ generationId, report })),
    {
      // What settles it, or brings a picture, is kept with the words of its provider.
      also: async (tx, after) => {
        const now = after.flatMap(({ tasks }) => tasks).find(({ id }) => id === taskId);
        const isNews = now?.settleUntil === null || now?.tries === 0;
        if (answer && isNews) await insertExchanges(tx, [{ workspaceId, taskId, exchange: answer.exchange }]);
      },
    },
  );
}

/** By the reference of its submission, whose answer was lost. The task is over: nothing is sent again for it. */
async function lookFor(
  domain: Domain,
  provider: Provider,
  recover: NonNullable<Provider['recover']>,
  task: Task,
  { signal, limits }: Round,
): Promise<void> {
  const submission = task.submissionId && (await findSubmission(domain, task.submissionId));
  if (!submission) return delayTask(domain, task, UNCONFIGURED);
  const delayMs = await limits.takeTurn(provider);
  if (delayMs > 0) return delayTask(domain, task, { delayMs, blameless: true });
  const may: MayGoOn = async (next) => {
    return next === 'ASK' && waitForTurn({ ask: () => limits.takeTurn(provider), log: domain.log, signal });
  };
  const { report, exchange } = await recover(submission, may, signal);
  domain.reach?.('settle:answered');
  if (report.kind !== 'UNKNOWN') return recordRecovery(domain, task, submission.id, report, exchange);
  if (signal.aborted) return;
  await delayTask(domain, task, {
    delayMs: Math.max(settleDelayMs(provider.pollSchedule, task.tries), report.retryAfterMs ?? 0),
  });
}

/**
 * What is said of it, and that it is asked about again later: that changes nothing where the former settles it or brings a
 * picture.
 */
function reportsOf(task: Task, provider: Provider, report: PollReport): Report[] {
  const asked = report.kind === 'SILENT' ? (report.retryAfterMs ?? 0) : 0;
  const again = delayed(task, { delayMs: Math.max(settleDelayMs(provider.pollSchedule, task.tries), asked) });
  if (report.kind !== 'FINISHED' && report.kind !== 'FAILED' && report.kind !== 'RUNNING') return [again];
  const resultTtlSeconds = resultTtlOf(provider.models, task.request);
  return [{ kind: 'SETTLED', taskId: task.id, token: task.leaseToken, report, resultTtlSeconds }, again];
}
