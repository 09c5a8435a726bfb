import { setMaxListeners } from 'node:events';
import type { Claim } from '../generation/claim.ts';
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
  /** Takes the leases of due tasks. */
  claim: (claim: Claim) => Promise<Task[]>;
  mostAtOnce: number;
  /** What a stop does with the work in hand: it waits for it in any case, and may break off its requests before. */
  onStop: 'WAIT' | 'BREAK_OFF';
  /** The work on one claimed task. Of what goes wrong it takes care itself; a task with which it throws is set aside. */
  run: (task: Task, signal: AbortSignal) => Promise<void>;
}

/** Claims due tasks and works on several at once. A stop claims no more and waits for those in hand. */
export function createTaskLoop(
  domain: Domain,
  identity: Identity,
  { name, claim, mostAtOnce, onStop, run }: TaskLoopOptions,
): TaskLoop {
  const inHand = new Map<string, Promise<void>>();
  const works = new Map<Promise<void>, Task>();
  let stopped = false;
  const stopping = new AbortController();
  // One for each request under way.
  setMaxListeners(0, stopping.signal);
  let backlog = false;

  async function tick(): Promise<number> {
    if (!identity.isAlive()) return UNTIL_THE_NEXT_HEARTBEAT_MS;
    backlog = true;
    // A claim that is not full is no end: it took the share of each workspace.
    while (works.size < mostAtOnce && backlog && !stopped && identity.isAlive()) {
      const limit = mostAtOnce - works.size;
      const tasks = await claim({ workerId: identity.id, limit, inHand: countByWorkspace(works.values()) });
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
    works.set(work, task);
    inHand.set(task.id, work);
  }

  async function workOn(task: Task): Promise<void> {
    try {
      await run(task, stopping.signal);
    } catch (error) {
      domain.log.error({ err: error, task: task.id, loop: name }, 'the work on a task failed; it is set aside');
      // Without a database it is given back by the reconciler later.
      await setTaskAside(domain, task).catch(() => {});
    }
  }

  const loop = createLoop({ name, tick, log: domain.log, observer: domain.observer });
  return {
    ...loop,
    holds: (taskId) => inHand.has(taskId),
    countInHand: () => works.size,
    async stop() {
      stopped = true;
      if (onStop === 'BREAK_OFF') stopping.abort();
      await loop.stop();
      await Promise.all(works.keys());
    },
  };
}

function countByWorkspace(tasks: Iterable<Task>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { workspaceId } of tasks) counts.set(workspaceId, (counts.get(workspaceId) ?? 0) + 1);
  return counts;
}
