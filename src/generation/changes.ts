import { costOf } from './cost.ts';
import { isFinished } from './derive.ts';
import { isFinal } from './moves.ts';
import type { Asset, Cost, EventType, Failure, Generation, GenerationStatus, Task, TaskStatus } from './types.ts';

/** One row of the log: what was true right after one change. */
export interface Change {
  type: EventType;
  status: GenerationStatus;
  percent: number | null;
  taskId: string | null;
  taskStatus: TaskStatus | null;
  assetId: string | null;
  failure: Failure | null;
  cost: Cost;
}

/** What a client can see that differs between two states of a generation, in the order in which it is told. */
export function changesBetween(before: Generation, after: Generation): Change[] {
  const seen = { status: after.status, percent: after.percent, cost: costOf(after.tasks) };
  const quiet = { ...seen, taskId: null, taskStatus: null, assetId: null, failure: null };
  const changes: Change[] = [];
  for (const asset of after.assets) {
    const type = assetChange(before.assets.find(({ id }) => id === asset.id)?.state, asset);
    if (type) changes.push({ ...quiet, type, taskId: asset.taskId, assetId: asset.id, failure: asset.failure });
  }
  for (const task of after.tasks) {
    const old = before.tasks.find(({ id }) => id === task.id);
    const found = after.assets.some(({ taskId, id }) => taskId === task.id && !before.assets.some((a) => a.id === id));
    const type = taskChange(old, task, found);
    if (!type) continue;
    const { id: taskId, status: taskStatus, failure } = task;
    changes.push({ ...quiet, type, taskId, taskStatus, failure });
  }
  if (isFinished(after.status) && !isFinished(before.status)) {
    changes.push({ ...quiet, type: 'GENERATION_FINISHED', failure: after.failure });
  } else if (changes.length === 0 && hasProgressed(before, after)) {
    changes.push({ ...quiet, type: 'GENERATION_PROGRESSED' });
  }
  return changes;
}

/** The first row of every generation's log. */
export function creation(generation: Generation): Change {
  return {
    type: 'GENERATION_CREATED',
    status: generation.status,
    percent: generation.percent,
    cost: costOf(generation.tasks),
    taskId: null,
    taskStatus: null,
    assetId: null,
    failure: null,
  };
}

function assetChange(before: Asset['state'] | undefined, { state }: Asset): EventType | null {
  if (before === state) return null;
  if (state === 'STORED') return 'ASSET_STORED';
  if (state === 'LOST') return 'ASSET_LOST';
  return state === 'DELETED' ? 'ASSET_DELETED' : null;
}

function hasProgressed(before: Generation, after: Generation): boolean {
  const seen = ({ percent, tasks, assets }: Generation) =>
    [
      percent,
      ...tasks.flatMap((task) => [task.percent, task.cost.providerCredits]),
      ...assets.map(({ providerUrl }) => providerUrl),
    ].join();
  return seen(before) !== seen(after);
}

function taskChange(before: Task | undefined, after: Task, foundImages: boolean): EventType | null {
  if (!before || isMoved(before, after)) return 'TASK_CHANGED';
  if (!isFinal(after.status)) return null;
  if (before.failure?.billed !== after.failure?.billed || !isSameCost(before.cost, after.cost)) return 'COST_SETTLED';
  return foundImages ? 'TASK_CHANGED' : null;
}

function isMoved(before: Task, after: Task): boolean {
  return (
    before.status !== after.status ||
    before.providerTaskId !== after.providerTaskId ||
    before.failure?.code !== after.failure?.code
  );
}

function isSameCost(one: Cost, other: Cost): boolean {
  const facts = ({ basis, settled, providerCredits }: Cost) => [basis, settled?.amount, providerCredits].join();
  return facts(one) === facts(other);
}
