import { getNow, lookAt, type Task } from '../task.ts';
import { STATUSES, toFailure, toUrl } from './answers.ts';
import { CREDITS_PER_IMAGE } from './order.ts';

/** The answer to a batch: the ids of its images are not told before they have ended. */
export function toAcceptedBatch(batchId: string, { length }: readonly Task[], creditsRemaining: number) {
  return {
    batch_id: batchId,
    status: 'processing',
    total_generations: length,
    total_credits_charged: length * CREDITS_PER_IMAGE,
    credits_remaining: creditsRemaining,
  };
}

/**
 * The answer to a poll of a batch. SIM: an image is among the results as soon as it has ended (or says an odd word), and
 * the batch is completed when all have, failed ones too. Its timeout of 5 minutes is not played: `stuck` never ends.
 */
export function toBatchReport(batchId: string, tasks: readonly Task[], origin: string) {
  const now = getNow();
  const looks = tasks.map((task) => ({ task, moment: lookAt(task, now) }));
  const isOver = looks.every(({ moment: { phase } }) => phase === 'succeeded' || phase === 'failed');
  const results = looks.flatMap(({ task, moment }) => {
    const status = STATUSES[moment.phase];
    if (status === 'processing') return [];
    const head = { index: task.facts?.index, status, task_id: task.id };
    if (moment.phase === 'failed') return [{ ...head, error: toFailure(task) }];
    return [moment.phase === 'succeeded' ? { ...head, image_url: toUrl(task, moment, origin) } : head];
  });
  return { batch_id: batchId, status: isOver ? 'completed' : 'processing', results };
}
