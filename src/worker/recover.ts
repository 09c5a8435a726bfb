import { claimTasks } from '../generation/claim.ts';
import type { Domain } from '../generation/domain.ts';
import { recordExchanges } from '../generation/exchanges.ts';
import { recordRecovery } from '../generation/record-submission.ts';
import { resubmitDelayMs } from '../generation/schedule.ts';
import { findSubmission, maySendAgain } from '../generation/send.ts';
import type { Task } from '../generation/types.ts';
import type { MayGoOn, Provider } from '../provider/provider.ts';
import { AFTER_A_FAILURE, delayTask, UNCONFIGURED } from './delay.ts';
import type { Identity } from './identity.ts';
import type { Limits } from './limits.ts';
import { findProvider, type Providers } from './providers.ts';
import { createTaskLoop, type TaskLoop } from './task-loop.ts';
import { waitForTurn } from './turn.ts';

const MOST_AT_ONCE = 8;
/** Given back between two requests, it would begin anew: it waits, even where there is one turn a minute. */
const PATIENCE_MS = 120_000;

interface RecoverParts {
  identity: Identity;
  limits: Pick<Limits, 'admit' | 'takeTurn'>;
  /** Aborted at a stop, after which no further request leaves. */
  stopping: AbortSignal;
}

/** Finds out what became of submissions whose answers were lost, where their provider can be asked. */
export function createRecoverer(
  domain: Domain,
  providers: Providers,
  identity: Identity,
  limits: RecoverParts['limits'],
): TaskLoop {
  const stopping = new AbortController();
  const parts = { identity, limits, stopping: stopping.signal };
  const loop = createTaskLoop(domain, identity, {
    name: 'recover',
    claim: (claim) => claimTasks(domain, { ...claim, statuses: ['UNCERTAIN'] }),
    mostAtOnce: MOST_AT_ONCE,
    // It may have sent the same once more.
    onStop: 'WAIT',
    run: (task, signal) => recover(domain, providers, parts, task, signal),
  });
  return {
    ...loop,
    async stop() {
      stopping.abort();
      await loop.stop();
    },
  };
}

async function recover(
  domain: Domain,
  providers: Providers,
  parts: RecoverParts,
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
    const waitMs = await parts.limits.takeTurn(provider);
    if (waitMs > 0) return await delayTask(domain, task, { delayMs: waitMs, blameless: true });
    const { report, exchange } = await provider.recover(submission, mayGoOn(domain, parts, provider, task), signal);
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

/** Each further request waits for a turn of its own; what is sent again is admitted like any submission. */
function mayGoOn(
  domain: Domain,
  { identity, limits, stopping: signal }: RecoverParts,
  provider: Provider,
  task: Task,
): MayGoOn {
  const { imageCount: images, submissionId } = task;
  const admitAgain = limits.admit(provider, { images, isBatch: task.place !== null, submissionId });
  const ask = () => limits.takeTurn(provider);
  const submit = async () => (await admitAgain(domain.db))?.waitMs ?? 0;

  return async (next) => {
    const isSent = next === 'SEND_AGAIN';
    const hasTurn = await waitForTurn({ ask: isSent ? submit : ask, log: domain.log, signal, patienceMs: PATIENCE_MS });
    if (!hasTurn || !identity.isAlive()) return false;
    return !isSent || ((await maySendAgain(domain, task)) && identity.isAlive());
  };
}
