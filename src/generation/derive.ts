import { isFinal } from './moves.ts';
import type { Failure, Generation, GenerationStatus, Slot, Task } from './types.ts';

/** The generation's own status, progress and times, as its tasks and assets have them. Progress never falls. */
export function deriveGeneration(generation: Generation, at: Date): Generation {
  const status = statusOf(generation);
  const finished = isFinished(status);
  const progressed = { ...generation, status, percent: percentOf(generation, status) };
  return {
    ...progressed,
    progressBasis: basisOf(generation),
    etaSeconds: finished ? null : etaOf(generation),
    failure: status === 'FAILED' || status === 'CANCELED' ? lastFailure(generation) : null,
    startedAt: generation.startedAt ?? (status === 'QUEUED' ? null : at),
    finishedAt: generation.finishedAt ?? (finished ? at : null),
  };
}

export function isFinished(status: GenerationStatus): boolean {
  return status !== 'QUEUED' && status !== 'RUNNING';
}

/** One entry for each image asked for, and one for each that came beyond those. */
export function slotsOf(generation: Generation): Slot[] {
  const last = Math.max(generation.request.images - 1, ...generation.assets.map(({ index }) => index));
  return Array.from({ length: last + 1 }, (_, index) => slotAt(generation, index));
}

function slotAt(generation: Generation, index: number): Slot {
  const asset = generation.assets.find((each) => each.index === index);
  if (asset && asset.state !== 'LOST') return { index, asset, failure: null };
  if (asset) return { index, asset: null, failure: asset.failure };
  const task = currentTasks(generation).find(
    ({ firstSlot, imageCount }) => index >= firstSlot && index < firstSlot + imageCount,
  );
  if (!task || !isFinal(task.status)) return { index, asset: null, failure: null };
  const why = task.failure ?? undeliveredAt(generation, task, index);
  return { index, asset: null, failure: why ?? notDelivered(task.finishedAt ?? generation.createdAt) };
}

/** Its provider does not say which images it did not make, only why: the reasons go to the empty slots, one each. */
function undeliveredAt({ assets }: Generation, { firstSlot, undelivered }: Task, index: number): Failure | undefined {
  const filled = new Set(assets.map((asset) => asset.index));
  const before = Array.from({ length: index - firstSlot }, (_, i) => firstSlot + i).filter((each) => !filled.has(each));
  return undelivered?.[before.length];
}

function notDelivered(at: Date): Failure {
  return {
    code: 'NOT_DELIVERED',
    message: 'The provider finished with fewer images than were asked for; it may bill only those it made.',
    billed: 'UNKNOWN',
    retryable: true,
    providerCode: null,
    providerMessage: null,
    at: at.toISOString(),
  };
}

function statusOf(generation: Generation): GenerationStatus {
  if (isFinished(generation.status)) return generation.status;
  const tasks = currentTasks(generation);
  if (!tasks.every(({ status }) => isFinal(status))) {
    return generation.status === 'QUEUED' && tasks.every(({ status }) => status === 'QUEUED') ? 'QUEUED' : 'RUNNING';
  }
  const own = new Set(tasks.map(({ id }) => id));
  const theirs = new Set(generation.assets.flatMap(({ index, taskId }) => (own.has(taskId) ? [] : [index])));
  // What an earlier attempt brought is beside what was asked for.
  const slots = slotsOf(generation);
  const owed = slots.filter(({ index }) => !theirs.has(index));
  if (owed.every(hasPicture)) return 'SUCCEEDED';
  if (slots.some(hasPicture)) return 'PARTIALLY_SUCCEEDED';
  return tasks.every(({ status }) => status === 'CANCELED') ? 'CANCELED' : 'FAILED';
}

/** One that was found late may still be on its way. */
function hasPicture({ asset }: Slot): boolean {
  return asset !== null && asset.state !== 'PENDING';
}

/** The mean over all images, weighted by how many each task makes; null while no task has any. */
function percentOf(generation: Generation, status: GenerationStatus): number | null {
  const { percent } = generation;
  const tasks = currentTasks(generation);
  if (status === 'SUCCEEDED' || status === 'PARTIALLY_SUCCEEDED') return 100;
  if (tasks.every((task) => task.percent === null)) return percent;
  const images = tasks.reduce((sum, { imageCount }) => sum + imageCount, 0);
  const made = tasks.reduce((sum, task) => sum + (task.percent ?? 0) * task.imageCount, 0);
  return Math.max(percent ?? 0, Math.min(Math.floor(made / images), 99));
}

/** As weak as that of any task that has progress. */
function basisOf(generation: Generation): Generation['progressBasis'] {
  const known = currentTasks(generation).filter(({ percent }) => percent !== null);
  if (known.length === 0) return generation.progressBasis;
  return known.some(({ progressBasis }) => progressBasis === 'ESTIMATED') ? 'ESTIMATED' : 'REPORTED';
}

function currentTasks(generation: Generation): Task[] {
  return generation.tasks.filter((task) => !isSupersededIn(generation, task));
}

/** Whether later attempts have taken its place: one, or several where another provider carries fewer images a call. */
export function isSupersededIn({ tasks }: Generation, { firstSlot, imageCount, attempt }: Task): boolean {
  return tasks.some(
    (other) =>
      other.attempt > attempt &&
      other.firstSlot < firstSlot + imageCount &&
      firstSlot < other.firstSlot + other.imageCount,
  );
}

function etaOf({ tasks }: Generation): number | null {
  const known = tasks.flatMap(({ etaSeconds, status }) => (isFinal(status) || etaSeconds === null ? [] : [etaSeconds]));
  return known.length === 0 ? null : Math.max(...known);
}

function lastFailure(generation: Generation): Failure | null {
  return currentTasks(generation).findLast(({ failure }) => failure !== null)?.failure ?? null;
}
