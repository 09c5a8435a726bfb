import { randomUUID } from 'node:crypto';
import { claimTasks } from '../generation/claim.ts';
import type { Domain } from '../generation/domain.ts';
import type { SentSubmission } from '../generation/provider.ts';
import { markSending, newSubmissionId, recordSubmission, takeBack } from '../generation/send.ts';
import type { Task } from '../generation/types.ts';
import type { CallbackUrl } from './callback-url.ts';
import { AFTER_A_FAILURE, delayTask, UNCONFIGURED } from './delay.ts';
import type { Identity } from './identity.ts';
import { findProvider, type Providers } from './providers.ts';
import { createTaskLoop, type TaskLoop } from './task-loop.ts';

const MOST_AT_ONCE = 16;
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
    claim: (claim) => claimTasks(domain, { ...claim, statuses: ['QUEUED'] }),
    mostAtOnce: MOST_AT_ONCE,
    // What has left has its own deadline.
    onStop: 'WAIT',
    run: (task, signal) => submit(domain, providers, identity, task, callbackUrl, signal),
  });
}

async function submit(
  domain: Domain,
  providers: Providers,
  identity: Identity,
  task: Task,
  callbackUrl: CallbackUrl,
  signal: AbortSignal,
): Promise<void> {
  try {
    const provider = findProvider(providers, task);
    if (!provider) return await delayTask(domain, task, UNCONFIGURED);
    const [id, reference] = [newSubmissionId(), randomUUID()];
    const sending = { submissionId: id, reference, callbackUrl: callbackUrl(provider, id) };
    const body = provider.compose(task.request, sending);
    const awaitsCallback = sending.callbackUrl !== null;
    if (!(await mark(domain, task, { id, reference, body }, { awaitsCallback }))) return;
    // Frozen for longer than the lease: others have the task by now, and it must not leave so late.
    if (!identity.isAlive()) return await takeBack(domain, task, id, UNMARKED_MS);
    const { report, exchange } = await provider.submit(body, signal);
    domain.reach?.('submit:answered');
    await recordSubmission(domain, task, id, report, exchange);
    if (report.kind === 'ACCEPTED' || report.kind === 'FINISHED') return;
    const { code, message } = report.failure;
    domain.log.warn({ task: task.id, provider: task.provider, outcome: report.kind, code }, message);
  } catch (error) {
    domain.log.error({ err: error, task: task.id }, 'a task could not be submitted');
    await delayTask(domain, task, AFTER_A_FAILURE).catch(() => {});
  }
}

/** Whether it may leave. If what became of the mark is unknown, it stays. */
async function mark(
  domain: Domain,
  task: Task,
  submission: SentSubmission,
  callback: { awaitsCallback: boolean },
): Promise<boolean> {
  try {
    return await markSending(domain, task, submission, callback);
  } catch (error) {
    domain.log.error({ err: error, task: task.id }, 'a task could not be marked as leaving, so it stays');
    await takeBack(domain, task, submission.id, UNMARKED_MS);
    return false;
  }
}
