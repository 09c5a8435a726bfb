import { claimTasks } from '../generation/claim.ts';
import type { Domain } from '../generation/domain.ts';
import { recordExchanges } from '../generation/exchanges.ts';
import { recordReports } from '../generation/record.ts';
import { resubmitDelayMs } from '../generation/schedule.ts';
import { findSubmission, recordSubmission } from '../generation/send.ts';
import type { Task } from '../generation/types.ts';
import type { Identity } from './identity.ts';
import { findProvider, type Providers } from './providers.ts';
import { createTaskLoop, type TaskLoop } from './task-loop.ts';

const MOST_AT_ONCE = 8;
const UNCONFIGURED_MS = 30_000;
const AFTER_A_FAILURE_MS = 5_000;

/** Finds out what became of submissions whose answers were lost, where their provider can be asked. */
export function createRecoverer(domain: Domain, providers: Providers, identity: Identity): TaskLoop {
  return createTaskLoop(domain, identity, {
    name: 'recover',
    claim: (workerId, limit) => claimTasks(domain, { workerId, statuses: ['UNCERTAIN'], limit }),
    mostAtOnce: MOST_AT_ONCE,
    run: (task) => recover(domain, providers, task),
  });
}

async function recover(domain: Domain, providers: Providers, task: Task): Promise<void> {
  try {
    const provider = findProvider(providers, task);
    if (!provider) return await delay(domain, task, UNCONFIGURED_MS);
    const submission = task.submissionId && (await findSubmission(domain, task.submissionId));
    // The end of the hold is seen to by the reconciler; a callback or a late answer may come before.
    if (!provider.recover || !submission) {
      return await delay(domain, task, Math.max(domain.timing.uncertainHoldMs, AFTER_A_FAILURE_MS));
    }
    // It may send the same once more, so that whoever wants to stop waits for it.
    const { report, exchange } = await provider.recover(submission, new AbortController().signal);
    domain.reach?.('recover:answered');
    if (report.kind !== 'UNKNOWN') {
      return await recordSubmission(domain, task, submission.id, report, exchange);
    }
    await recordExchanges(domain, [{ workspaceId: task.workspaceId, taskId: task.id, exchange }]);
    await delay(domain, task, resubmitDelayMs(task.tries, report.retryAfterMs));
  } catch (error) {
    domain.log.error({ err: error, task: task.id }, 'what became of a submission could not be found out yet');
    await delay(domain, task, AFTER_A_FAILURE_MS).catch(() => {});
  }
}

async function delay(domain: Domain, { id, generationId, leaseToken }: Task, delayMs: number): Promise<void> {
  const report = { kind: 'DELAYED' as const, taskId: id, token: leaseToken, delayMs };
  await recordReports(domain, [{ generationId, report }]);
}
