import { newId } from '../db/id.ts';
import { submissions } from '../db/schema.ts';
import type { Domain } from './domain.ts';
import type { Exchange, SubmitReport } from './provider.ts';
import { recordReports } from './record.ts';
import type { Generation, Task } from './types.ts';

/**
 * The second transaction of a submit, just before its own bytes leave: freezes the body and marks the task SUBMITTING.
 * Null when the task may not be sent any more (canceled, or taken over); then nothing must leave.
 */
export async function markSending(domain: Domain, task: Task, body: Record<string, unknown>): Promise<string | null> {
  const submissionId = newId('sub');
  const { workspaceId, provider, mode } = task;
  const isSending = (generations: Generation[]) =>
    generations.some(({ tasks }) => tasks.some((each) => each.submissionId === submissionId));
  const after = await recordReports(
    domain,
    [
      {
        generationId: task.generationId,
        report: { kind: 'SENDING', taskId: task.id, token: task.leaseToken, submissionId },
      },
    ],
    {
      also: async (tx, after) => {
        if (!isSending(after)) return;
        await tx.insert(submissions).values({ id: submissionId, workspaceId, provider, mode, body });
      },
    },
  );
  return isSending(after) ? submissionId : null;
}

/**
 * The third transaction: what the provider answered. It is fenced by the submission, not by the lease: an answer to
 * this very request is true whoever brings it, also when the task has meanwhile become UNCERTAIN.
 */
export async function recordSubmission(
  domain: Domain,
  task: Task,
  submissionId: string,
  report: SubmitReport,
  exchange: Exchange,
): Promise<void> {
  const { workspaceId, id: taskId, generationId } = task;
  await recordReports(domain, [{ generationId, report: { kind: 'SUBMITTED', taskId, submissionId, report } }], {
    exchanges: [{ workspaceId, taskId, exchange }],
  });
}
