import { randomUUID } from 'node:crypto';
import { claimTasks } from '../generation/claim.ts';
import type { Domain } from '../generation/domain.ts';
import type { SentSubmission } from '../generation/provider.ts';
import { recordReports } from '../generation/record.ts';
import { markSending, newSubmissionId, recordSubmission, takeBack } from '../generation/send.ts';
import type { Task } from '../generation/types.ts';
import type { CallbackUrl } from './callback-url.ts';
import type { Identity } from './identity.ts';
import { findProvider, type Providers } from './providers.ts';
import { createTaskLoop, type TaskLoop } from './task-loop.ts';

const MOST_AT_ONCE = 16;
const UNCONFIGURED_MS = 30_000;
const AFTER_A_FAILURE_MS = 5_000;
const UNMARKED_MS = 500;

/** Sends due tasks. A stop waits for the answers to what has left. */
export function createSubmitter(
  domain: Domain,
  providers: Providers,
  identity: Identity,
  callbackUrl: CallbackUrl,
): TaskLoop {
  return createTaskLoop(domain, identity, {
    name: 'submit',
    claim: (workerId, limit) => claimTasks(domain, { workerId, statuses: ['QUEUED'], limit }),
    mostAtOnce: MOST_AT_ONCE,
    run: (task) => submit(domain, providers, task, callbackUrl),
  });
}

async function submit(domain: Domain, providers: Providers, task: Task, callbackUrl: CallbackUrl): Promise<void> {
  try {
    const provider = findProvider(providers, task);
    if (!provider) return await delay(domain, task, UNCONFIGURED_MS);
    const [id, reference] = [newSubmissionId(), randomUUID()];
    const sending = { submissionId: id, reference, callbackUrl: callbackUrl(provider, id) };
    const body = provider.compose(task.request, sending);
    if (!(await mark(domain, task, { id, reference, body }))) return;
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

/** Whether it may leave. If what became of the mark is unknown, it stays. */
async function mark(domain: Domain, task: Task, submission: SentSubmission): Promise<boolean> {
  try {
    return await markSending(domain, task, submission);
  } catch (error) {
    domain.log.error({ err: error, task: task.id }, 'a task could not be marked as leaving, so it stays');
    await takeBack(domain, task, submission.id, UNMARKED_MS);
    return false;
  }
}

/** Gives the task back for later. If it had been marked as leaving, nobody knows whether it did: it becomes UNCERTAIN. */
async function delay(domain: Domain, { id, generationId, leaseToken }: Task, delayMs: number): Promise<void> {
  const report = { kind: 'DELAYED' as const, taskId: id, token: leaseToken, delayMs };
  await recordReports(domain, [{ generationId, report }]);
}
