import { claimTasks } from '../generation/claim.ts';
import type { Domain } from '../generation/domain.ts';
import type { Task, TaskStatus } from '../generation/types.ts';
import type { Holder, Identity } from './identity.ts';
import { createLoop, type Loop } from './loop.ts';

const IDLE_MS = 1_000;

export interface TaskLoop extends Loop, Holder {
  countInHand(): number;
}

export interface TaskLoopOptions {
  name: string;
  status: TaskStatus;
  mostAtOnce: number;
  /** The work on one claimed task; whatever goes wrong with it is its own affair. */
  run: (task: Task) => Promise<void>;
}

/** Claims due tasks of one status and works on several at once. A stop claims no more and waits for those in hand. */
export function createTaskLoop(
  domain: Domain,
  identity: Identity,
  { name, status, mostAtOnce, run }: TaskLoopOptions,
): TaskLoop {
  const inHand = new Map<string, Promise<void>>();
  const works = new Set<Promise<void>>();
  let backlog = false;

  async function tick(): Promise<number> {
    const limit = mostAtOnce - works.size;
    const tasks = await claimTasks(domain, { workerId: identity.id, statuses: [status], limit });
    backlog = tasks.length === limit;
    for (const task of tasks) {
      const work = run(task).finally(() => {
        works.delete(work);
        // After a lost lease the same task may be in hand once more.
        if (inHand.get(task.id) === work) inHand.delete(task.id);
        if (backlog) loop.wake();
      });
      works.add(work);
      inHand.set(task.id, work);
    }
    return IDLE_MS;
  }

  const loop = createLoop({ name, tick, log: domain.log, observer: domain.observer });
  return {
    ...loop,
    holds: (taskId) => inHand.has(taskId),
    countInHand: () => works.size,
    async stop() {
      await loop.stop();
      await Promise.all(works);
    },
  };
}
