import { claimCompanions, claimTasks } from '../generation/claim.ts';
import type { Domain } from '../generation/domain.ts';
import type { Task } from '../generation/types.ts';
import { createDispatcher, type DispatchParts } from './dispatch.ts';
import { findProvider } from './providers.ts';
import { createTaskLoop, type TaskLoop } from './task-loop.ts';

/** Some providers answer only when the images are made: many wait at once. */
const MOST_AT_ONCE = 256;
/** One that takes connections and says nothing is not to keep others from being sent to. */
const ENOUGH_AT_ONE_PROVIDER = 48;
const MOST_IN_A_CLAIM = 32;

/** Sends due tasks, those of a batch in one submission. A stop waits for the answers to what has left. */
export function createSubmitter(domain: Domain, parts: DispatchParts): TaskLoop {
  const { identity, providers } = parts;
  const dispatcher = createDispatcher(domain, parts);
  /** What leaves together with a task in hand, by the id of that task. */
  const companions = new Map<string, Task[]>();
  const leaving = new Set<Task>();

  async function claim(claim: Parameters<typeof claimTasks>[1]): Promise<Task[]> {
    const limit = Math.min(claim.limit, MOST_IN_A_CLAIM);
    const tasks = await claimTasks(domain, { ...claim, limit, notAt: [...dispatcher.busy(), ...listFull()] });
    const batches = await Promise.all(groupBatches(tasks, roomFor).map(gather));
    // Only now: what could not be gathered is in nobody's hands, and is given back by the reconciler.
    for (const [leader, ...others] of batches) companions.set(leader.id, others);
    return batches.map(([leader]) => leader);
  }

  /** With the rest of a batch that is not full. */
  async function gather(batch: Batch): Promise<Batch> {
    const [leader] = batch;
    return [...batch, ...(await claimCompanions(domain, leader, roomFor(leader) - batch.length))];
  }

  function listFull(): Pick<Task, 'provider' | 'mode'>[] {
    return providers.map(({ slug, mode }) => ({ provider: slug, mode })).filter(isFull);
  }

  function isFull(at: Pick<Task, 'provider' | 'mode'>): boolean {
    return [...leaving].filter((task) => isAt(task, at)).length >= ENOUGH_AT_ONE_PROVIDER;
  }

  function roomFor(task: Task): number {
    const provider = findProvider(providers, task);
    return provider?.batch && task.batchKey !== null ? dispatcher.roomFor(provider, task) : 1;
  }

  const loop = createTaskLoop(domain, identity, {
    name: 'submit',
    claim: (each) => claim({ ...each, statuses: ['QUEUED'] }),
    mostAtOnce: MOST_AT_ONCE,
    // What has left has its own deadline.
    onStop: 'WAIT',
    async run(task, signal) {
      const others = companions.get(task.id) ?? [];
      leaving.add(task);
      try {
        await dispatcher.dispatch([task, ...others], signal);
      } finally {
        companions.delete(task.id);
        const wasFull = isFull(task);
        leaving.delete(task);
        // What is due there was left out of the last claim.
        if (wasFull) loop.wake();
      }
    },
  });
  return {
    ...loop,
    async stop() {
      dispatcher.stop();
      await loop.stop();
    },
    holds: (id) => loop.holds(id) || [...companions.values()].some((others) => others.some((task) => task.id === id)),
  };
}

function isAt(task: Task, { provider, mode }: Pick<Task, 'provider' | 'mode'>): boolean {
  return task.provider === provider && task.mode === mode;
}

type Batch = [leader: Task, ...others: Task[]];

/** What was claimed together and may leave together, as many as there is room for. */
function groupBatches(tasks: readonly Task[], roomFor: (task: Task) => number): Batch[] {
  const batches: Batch[] = [];
  for (const task of tasks) {
    const open = batches.find((batch) => isOfBatch(task, batch[0]) && batch.length < roomFor(task));
    if (open) open.push(task);
    else batches.push([task]);
  }
  return batches;
}

function isOfBatch(task: Task, leader: Task): boolean {
  return leader.batchKey !== null && task.batchKey === leader.batchKey && isAt(task, leader);
}
