import { groupBy } from './group.ts';
import type { KnownJob, Records, TaskRow } from './records.ts';

/** A job that a provider accepted, and the task it was made for; null where there is none left for it. */
export interface Match {
  job: KnownJob;
  generationId: string | null;
  task: TaskRow | null;
  /** The task knows the job's name, or its provider gives none. */
  isLinked: boolean;
}

/**
 * Each job with a task of its own: the one that knows its name, else one that was sent to its provider for the same
 * prompt, of several one that may have been accepted before one that was refused. Several tasks of a generation may share
 * the prompt, but never a job.
 */
export function matchJobs({ jobs, tasks, generations }: Pick<Records, 'jobs' | 'tasks' | 'generations'>): Match[] {
  const idOf = new Map(generations.map(({ prompt, id }) => [prompt, id]));
  const keyOf = (generationId: string | null, provider: string) => `${generationId} ${provider}`;
  const free = groupBy(
    tasks.filter(({ submitted }) => submitted),
    ({ generationId, provider }) => keyOf(generationId, provider),
  );

  function take(job: KnownJob, fits: (task: TaskRow) => boolean): TaskRow | null {
    const candidates = free.get(keyOf(idOf.get(job.prompt) ?? null, job.provider)) ?? [];
    const at = candidates.findIndex(fits);
    return candidates.splice(at, at < 0 ? 0 : 1)[0] ?? null;
  }

  const named = new Map(jobs.map((job) => [job, take(job, (task) => knows(task, job))]));
  const nameless = jobs.filter((job) => !named.get(job));
  // What was delivered was made by somebody: these first, before what may have been.
  const guessed = new Map(
    [...nameless]
      .sort((one, other) => Number(one.refunded) - Number(other.refunded))
      .map((job) => [
        job,
        take(job, (task) => isWithoutName(task) && isLikely(task, job)) ??
          take(job, (task) => isWithoutName(task) && task.billed !== 'NO') ??
          take(job, isWithoutName),
      ]),
  );
  return jobs.map((job) => {
    const task = named.get(job) ?? guessed.get(job) ?? null;
    const isLinked = Boolean(named.get(job)) || job.provider === 'modelark';
    return { job, generationId: idOf.get(job.prompt) ?? null, task, isLinked };
  });
}

function knows({ providerTaskId, reference }: TaskRow, { names }: KnownJob): boolean {
  return names.some((name) => name === providerTaskId || (providerTaskId === null && name === reference));
}

function isWithoutName({ providerTaskId }: TaskRow): boolean {
  return providerTaskId === null;
}

function isLikely({ status }: TaskRow, { refunded }: KnownJob): boolean {
  return (status === 'SUCCEEDED' || status === 'PARTIALLY_SUCCEEDED') !== refunded;
}
