import type { Bill, Dialect } from './dialect.ts';
import { getYield, lookAt, type Moment, type Task } from './task.ts';

/** What one accepted task was charged. */
export interface Charge extends Bill {
  provider: string;
  taskId: string;
  prompt: string;
  /** What `credits` counts. */
  unit: 'credits' | NonNullable<Dialect['unit']>;
  chargedAt: string;
  /** SHA-256 of the request body: two equal ones may be one order, paid twice. The tasks of a batch share one. */
  requestHash: string;
}

/** One entry per accepted task, whether or not its answer ever arrived. */
export function listCharges(
  tasks: readonly Task[],
  now: number,
  dialectOf: (slug: string) => Dialect | undefined,
): Charge[] {
  return tasks.map((task) => {
    const dialect = dialectOf(task.provider);
    const moment = lookAt(task, now);
    return {
      provider: task.provider,
      taskId: task.id,
      prompt: task.prompt,
      ...(dialect?.charge?.(task, moment) ?? chargeWhatCame(task, moment)),
      unit: dialect?.unit ?? 'credits',
      chargedAt: new Date(task.acceptedAt).toISOString(),
      requestHash: task.requestHash,
    };
  });
}

/** SIM: seed 000 says the final bill follows the actual count; that a failed task is refunded is our guess. */
function chargeWhatCame(task: Task, { phase }: Moment): Bill {
  const images = phase === 'succeeded' ? getYield(task) : task.count;
  return { images, credits: (task.credits / task.count) * images, refunded: phase === 'failed' };
}
