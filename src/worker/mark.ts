import type { Domain } from '../generation/domain.ts';
import { markSending, type Obstacle, takeBack } from '../generation/send.ts';
import type { Task } from '../generation/types.ts';
import type { Provider } from '../provider/provider.ts';
import type { Composed } from './compose.ts';
import type { Identity } from './identity.ts';
import type { Limits } from './limits.ts';
import { shortenBody } from './shorten-body.ts';

const UNMARKED_MS = 500;

/** Why a submission does not leave. TAKEN_BACK: its mark is gone again, and its tasks are due soon. */
export type Stop = Obstacle | { kind: 'TAKEN_BACK' };

/** Freezes a body and marks its tasks as leaving, while there is a turn for it. Null when it may leave, and must at once. */
export async function markLeaving(
  domain: Domain,
  { identity, limits }: { identity: Identity; limits: Limits },
  provider: Provider,
  tasks: readonly Task[],
  { awaitsCallback, ...submission }: Composed,
): Promise<Stop | null> {
  try {
    const stored = { ...submission, body: shortenBody(submission.body) };
    const images = tasks.reduce((sum, { imageCount }) => sum + imageCount, 0);
    const admit = limits.admit(provider, { images, isBatch: tasks.length > 1, submissionId: submission.id });
    const obstacle = await markSending(domain, tasks, stored, { awaitsCallback, admit });
    // Frozen for longer than the lease, others have the tasks by now: it must not leave so late.
    if (obstacle || identity.isAlive()) return obstacle;
  } catch (error) {
    domain.log.error({ err: error, submission: submission.id }, 'it could not be marked as leaving, so it stays');
  }
  await takeBack(domain, tasks, submission.id, UNMARKED_MS);
  return { kind: 'TAKEN_BACK' };
}
