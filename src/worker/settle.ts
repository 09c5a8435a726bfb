import { claimUnsettled } from '../generation/claim.ts';
import type { Domain } from '../generation/domain.ts';
import { listPendingAssets } from '../generation/find.ts';
import type { Report } from '../generation/machine.ts';
import type { PollReport } from '../generation/provider.ts';
import { recordReports } from '../generation/record.ts';
import { settleDelayMs } from '../generation/schedule.ts';
import type { Task } from '../generation/types.ts';
import type { Provider } from '../provider/provider.ts';
import { collect, type TimedKeeper } from './collect.ts';
import type { Identity } from './identity.ts';
import { findProvider, type Providers, resultTtlOf } from './providers.ts';
import { createTaskLoop, type TaskLoop } from './task-loop.ts';

const MOST_AT_ONCE = 4;
const UNCONFIGURED_MS = 300_000;

/**
 * Goes on asking, slowly, about tasks that ended before their provider did: canceled, past their deadline, or found
 * too late. A late picture is kept and what is known of its cost is booked; the status stays as it is.
 */
export function createSettler(domain: Domain, providers: Providers, keeper: TimedKeeper, identity: Identity): TaskLoop {
  const stopping = new AbortController();
  const loop = createTaskLoop(domain, identity, {
    name: 'settle',
    claim: (workerId, limit) => claimUnsettled(domain, { workerId, limit }),
    mostAtOnce: MOST_AT_ONCE,
    run: (task) => settle(domain, providers, keeper, task, stopping.signal),
  });
  return {
    ...loop,
    async stop() {
      stopping.abort();
      await loop.stop();
    },
  };
}

async function settle(
  domain: Domain,
  providers: Providers,
  keeper: TimedKeeper,
  task: Task,
  signal: AbortSignal,
): Promise<void> {
  const { id: taskId, generationId, workspaceId } = task;
  const pending = await listPendingAssets(domain, taskId);
  if (pending.length > 0) return collect(domain, providers, keeper, task, signal);
  const provider = findProvider(providers, task);
  const [answer] = provider && task.providerTaskId !== null ? await provider.ask([task.providerTaskId], signal) : [];
  domain.reach?.('settle:answered');
  // Broken off by us, which says nothing about the provider: the lease goes back with all others.
  if (signal.aborted && answer?.report.kind === 'SILENT') return;
  const report = provider && answer ? reportOf(task, provider, answer.report) : delayed(task, UNCONFIGURED_MS);
  // What settles it is kept with the words of its provider.
  const exchanges = answer && report.kind === 'SETTLED' ? [{ workspaceId, taskId, exchange: answer.exchange }] : [];
  await recordReports(domain, [{ generationId, report }], { exchanges });
}

function reportOf(task: Task, provider: Provider, report: PollReport): Report {
  if (report.kind === 'FINISHED' || report.kind === 'FAILED') {
    const resultTtlSeconds = resultTtlOf(provider, task);
    return { kind: 'SETTLED', taskId: task.id, token: task.leaseToken, report, resultTtlSeconds };
  }
  const asked = report.kind === 'SILENT' ? (report.retryAfterMs ?? 0) : 0;
  return delayed(task, Math.max(settleDelayMs(provider.pollSchedule, task.tries), asked));
}

function delayed({ id: taskId, leaseToken: token }: Task, delayMs: number): Report {
  return { kind: 'DELAYED', taskId, token, delayMs };
}
