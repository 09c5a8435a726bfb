import { getYield, lookAt, type Task } from './task.ts';

/** What one accepted task was charged. */
export interface Charge {
  provider: string;
  taskId: string;
  prompt: string;
  /** Pictures paid for: as reserved while it runs, as delivered once it has ended. */
  images: number;
  credits: number;
  refunded: boolean;
  chargedAt: string;
  /** SHA-256 of the request body: two equal ones may be one order, paid twice. */
  requestHash: string;
}

/** One entry per accepted task, whether or not its answer ever arrived. */
export function listCharges(tasks: readonly Task[], now: number): Charge[] {
  return tasks.map((task) => {
    const { phase } = lookAt(task, now);
    // SIM: seed 000 says the final bill follows the actual count; that a failed task is refunded is our guess.
    const images = phase === 'succeeded' ? getYield(task) : task.count;
    return {
      provider: task.provider,
      taskId: task.id,
      prompt: task.prompt,
      images,
      credits: (task.credits / task.count) * images,
      refunded: phase === 'failed',
      chargedAt: new Date(task.acceptedAt).toISOString(),
      requestHash: task.requestHash,
    };
  });
}
