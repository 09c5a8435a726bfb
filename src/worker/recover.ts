import { claimTasks } from '../generation/claim.ts';
import type { Domain } from '../generation/domain.ts';
import { recordExchanges } from '../generation/exchanges.ts';
import { recordRecovery } from '../generation/record-submission.ts';
import { resubmitDelayMs } from '../generation/schedule.ts';
import { findSubmission, maySendAgain } from '../generation/send.ts';
import type { Task } from '../generation/types.ts';
import { AFTER_A_FAILURE, delayTask, UNCONFIGURED } from './delay.ts';
import type { Identity } from './identity.ts';
import type { Limits } from './limits.ts';
import { findProvider, type Providers } from './providers.ts';
import { createTaskLoop, type TaskLoop } from './task-loop.ts';

const MOST_AT_ONCE = 8;

/** Finds out what became of submissions whose answers were lost, where their provider can be asked. */
export function createRecoverer(
  domain: Domain,
  providers: Providers,
  identity: Identity,
  limits: Pick<Limits, 'takeTurn'>,
): TaskLoop {
  return createTaskLoop(domain, identity, {
    name: 'recover',
    claim: (claim) => claimTasks(domain, { ...claim, statuses: ['UNCERTAIN'] }),
    mostAtOnce: MOST_AT_ONCE,
    // It may send the same once more.
    onStop: 'WAIT',
    run: (task, signal) => recover(domain, providers, { identity, limits }, task, signal),
  });
}

async function recover(
  domain: Domain,
  providers: Providers,
  { identity, limits }: { identity: Identity; limits: Pick<Limits, 'takeTurn'> },
  task: Task,
  signal: AbortSignal,
): Promise<void> {
  try {
    const provider = findProvider(providers, task);
    if (!provider) return await delayTask(domain, task, UNCONFIGURED);
    const submission = task.submissionId && (await findSubmission(domain, task.submissionId));
    // The end of the hold is seen to by the reconciler; a callback or a late answer may come before.
    if (!provider.recover || !submission) {
      const delayMs = Math.max(domain.timing.uncertainHoldMs, AFTER_A_FAILURE.delayMs);
      return await delayTask(domain, task, { delayMs });
    }
    const waitMs = await limits.takeTurn(provider);
    if (waitMs > 0) return await delayTask(domain, task, { delayMs: waitMs, blameless: true });
    const may = async () => identity.isAlive() && (await maySendAgain(domain, task)) && identity.isAlive();
    const { report, exchange } = await provider.recover(submission, may, signal);
    domain.reach?.('recover:answered');
    if (report.kind !== 'UNKNOWN') {
      return await recordRecovery(domain, task, submission.id, report, exchange);
    }
    await recordExchanges(domain, [{ workspaceId: task.workspaceId, taskId: task.id, exchange }]);
    await delayTask(domain, task, { delayMs: resubmitDelayMs(task.tries, report.retryAfterMs) });
  } catch (error) {
    domain.log.error({ err: error, task: task.id }, 'what became of a submission could not be found out yet');
    await delayTask(domain, task, AFTER_A_FAILURE).catch(() => {});
  }
}
