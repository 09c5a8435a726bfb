import { randomUUID } from 'node:crypto';
import type { Domain } from '../generation/domain.ts';
import { recordReports } from '../generation/record.ts';
import { markSending, newSubmissionId, recordSubmission } from '../generation/send.ts';
import type { Task } from '../generation/types.ts';
import type { Identity } from './identity.ts';
import { findProvider, type Providers } from './providers.ts';
import { createTaskLoop, type TaskLoop } from './task-loop.ts';

const MOST_AT_ONCE = 16;
const UNCONFIGURED_MS = 30_000;
const AFTER_A_FAILURE_MS = 5_000;

/** Sends due tasks. A stop waits for the answers to what has left. */
export function createSubmitter(domain: Domain, providers: Providers, identity: Identity): TaskLoop {
  return createTaskLoop(domain, identity, {
    name: 'submit',
    status: 'QUEUED',
    mostAtOnce: MOST_AT_ONCE,
    run: (task) => submit(domain, providers, task),
  });
}

async function submit(domain: Domain, providers: Providers, task: Task): Promise<void> {
  try {
    const provider = findProvider(providers, task);
    if (!provider) return await delay(domain, task, UNCONFIGURED_MS);
    const [id, reference] = [newSubmissionId(), randomUUID()];
    const body = provider.compose(task.request, { submissionId: id, reference, callbackUrl: null });
    if (!(await markSending(domain, task, { id, reference, body }))) return;
    // What has left is waited for, whoever wants to stop: it has its own deadline.
    const { report, exchange } = await provider.submit(body, new AbortController().signal);
    domain.reach?.('submit:answered');
    await recordSubmission(domain, task, id, report, exchange);
    if (report.kind === 'ACCEPTED') return;
    const { code, message } = report.failure;
    domain.log.warn({ task: task.id, provider: task.provider, outcome: report.kind, code }, message);
  } catch (error) {
    domain.log.error({ err: error, task: task.id }, 'a task could not be submitted');
    await delay(domain, task, AFTER_A_FAILURE_MS).catch(() => {});
  }
}

/** Gives the task back for later. If it had been marked as leaving, nobody knows whether it did: it becomes UNCERTAIN. */
async function delay(domain: Domain, { id, generationId, leaseToken }: Task, delayMs: number): Promise<void> {
  const report = { kind: 'DELAYED' as const, taskId: id, token: leaseToken, delayMs };
  await recordReports(domain, [{ generationId, report }]);
}
