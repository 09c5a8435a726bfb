import type { Domain } from '../generation/domain.ts';
import { setTaskAside } from '../generation/lease.ts';
import type { Task } from '../generation/types.ts';
import type { Holder, Identity } from './identity.ts';
import { createLoop, type Loop } from './loop.ts';

const IDLE_MS = 1_000;
const UNTIL_THE_NEXT_HEARTBEAT_MS = 100;

export interface TaskLoop extends Loop, Holder {
  countInHand(): number;
}

export interface TaskLoopOptions {
  name: string;
  /** Takes the leases of due tasks, at most so many. */
  claim: (workerId: string, limit: number) => Promise<Task[]>;
  mostAtOnce: number;
  /** The work on one claimed task. Of what goes wrong it takes care itself; a task with which it throws is set aside. */
  run: (task: Task) => Promise<void>;
}

/** Claims due tasks and works on several at once. A stop claims no more and waits for those in hand. */
export function createTaskLoop(
  domain: Domain,
  identity: Identity,
  { name, claim, mostAtOnce, run }: TaskLoopOptions,
): TaskLoop {
  const inHand = new Map<string, Promise<void>>();
  const works = new Set<Promise<void>>();
  let backlog = false;

  async function tick(): Promise<number> {
    if (!identity.isAlive()) return UNTIL_THE_NEXT_HEARTBEAT_MS;
    backlog = true;
    // A claim that is not full is no end: it took the share of each workspace.
    while (works.size < mostAtOnce && backlog) {
      const tasks = await claim(identity.id, mostAtOnce - works.size);
      backlog = tasks.length > 0;
      for (const task of tasks) start(task);
    }
    return IDLE_MS;
  }

  function start(task: Task): void {
    const work = workOn(task).finally(() => {
      works.delete(work);
      // After a lost lease the same task may be in hand once more.
      if (inHand.get(task.id) === work) inHand.delete(task.id);
      if (backlog) loop.wake();
    });
    works.add(work);
    inHand.set(task.id, work);
  }

  async function workOn(task: Task): Promise<void> {
    try {
      await run(task);
    } catch (error) {
      domain.log.error({ err: error, task: task.id, loop: name }, 'the work on a task failed; it is set aside');
      // Without a database it is given back by the reconciler later.
      await setTaskAside(domain, identity.id, task.id).catch(() => {});
    }
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
