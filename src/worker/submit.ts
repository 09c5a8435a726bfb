import { claimTasks } from '../generation/claim.ts';
import type { Domain } from '../generation/domain.ts';
import type { SubmitReport } from '../generation/provider.ts';
import { recordReports } from '../generation/record.ts';
import { markSending, recordSubmission } from '../generation/send.ts';
import type { Task } from '../generation/types.ts';
import type { Answer } from '../provider/provider.ts';
import type { Holder, Identity } from './identity.ts';
import { createLoop, type Loop } from './loop.ts';
import { findProvider, type Providers } from './providers.ts';

const MOST_AT_ONCE = 16;
const IDLE_MS = 1_000;
const UNCONFIGURED_MS = 30_000;
const AFTER_A_FAILURE_MS = 5_000;

export interface Submitter extends Loop, Holder {
  /** Submissions that have left and are not answered yet. */
  countInFlight(): number;
}

/** Sends due tasks. A stop claims nothing more and waits for the answers to what has left. */
export function createSubmitter(domain: Domain, providers: Providers, identity: Identity): Submitter {
  const sending = new Map<string, Promise<void>>();
  let backlog = false;

  async function tick(): Promise<number> {
    const limit = MOST_AT_ONCE - sending.size;
    const tasks = await claimTasks(domain, { workerId: identity.id, statuses: ['QUEUED'], limit });
    backlog = tasks.length === limit;
    for (const task of tasks) {
      const run = submit(domain, providers, task).finally(() => {
        sending.delete(task.id);
        if (backlog) loop.wake();
      });
      sending.set(task.id, run);
    }
    return IDLE_MS;
  }

  const loop = createLoop({ name: 'submit', tick, log: domain.log });
  return {
    ...loop,
    holds: (taskId) => sending.has(taskId),
    countInFlight: () => sending.size,
    async stop() {
      await loop.stop();
      await Promise.all(sending.values());
    },
  };
}

async function submit(domain: Domain, providers: Providers, task: Task): Promise<void> {
  try {
    const provider = findProvider(providers, task);
    if (!provider) return await delay(domain, task, UNCONFIGURED_MS);
    const body = provider.compose(task.request);
    const submissionId = await markSending(domain, task, body);
    if (!submissionId) return;
    const answer = await provider.submit(body, new AbortController().signal);
    await recordUntilStored(domain, task, submissionId, answer);
  } catch (error) {
    domain.log.error({ err: error, task: task.id }, 'a task could not be submitted; trying again');
    await delay(domain, task, AFTER_A_FAILURE_MS).catch(() => {});
  }
}

/** The answer exists only here until it is written: a database that is away is waited for. Writing it twice is harmless. */
async function recordUntilStored(
  domain: Domain,
  task: Task,
  submissionId: string,
  { report, exchange }: Answer<SubmitReport>,
): Promise<void> {
  for (let wait = 100; ; wait = Math.min(wait * 2, 5_000)) {
    try {
      await recordSubmission(domain, task, submissionId, report, exchange);
      if (report.kind !== 'ACCEPTED') {
        const { code, message } = report.failure;
        domain.log.warn({ task: task.id, provider: task.provider, outcome: report.kind, code }, message);
      }
      return;
    } catch (error) {
      domain.log.error({ err: error, task: task.id }, 'the answer to a submission is not stored yet; trying again');
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }
}

async function delay(domain: Domain, { id, generationId, leaseToken }: Task, delayMs: number): Promise<void> {
  const report = { kind: 'DELAYED' as const, taskId: id, token: leaseToken, delayMs };
  await recordReports(domain, [{ generationId, report }]);
}
