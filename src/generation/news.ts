import type { ProgressBasis } from './provider-model.ts';
import type { PollReport } from './provider-report.ts';
import type { Task } from './types.ts';

/** A task is at 100 percent only when its images are home. */
const MOST_WHILE_RUNNING = 99;

/** Whether a poll says anything that is not stored yet. One that does not writes no row. */
export function isNews(task: Pick<Task, 'status'> & Progress, report: PollReport): boolean {
  switch (report.kind) {
    case 'FINISHED':
    case 'FAILED':
      return true;
    case 'RUNNING':
      return task.status === 'ACCEPTED' || progressAfter(task, report.percent, report.basis) !== task;
    case 'PENDING':
      return progressAfter(task, report.percent ?? null, 'ESTIMATED') !== task;
    case 'MISSING':
    case 'SILENT':
      return false;
  }
}

type Progress = Pick<Task, 'percent' | 'progressBasis'>;

/**
 * The progress of a task once there is another word on it; the very same object where that changes nothing. It never
 * falls, and an estimate moves nothing that the provider itself has told.
 */
export function progressAfter(
  known: Progress,
  said: number | null,
  basis: Exclude<ProgressBasis, 'NONE'> = 'REPORTED',
): Progress {
  if (basis === 'ESTIMATED' && known.progressBasis === 'REPORTED') return known;
  const percent = percentAfter(known.percent, said);
  return percent === known.percent ? known : { percent, progressBasis: basis };
}

/** The percent of a running task once the provider has said another: it never falls. */
function percentAfter(known: number | null, reported: number | null): number | null {
  if (reported === null) return known;
  return Math.max(known ?? 0, Math.min(reported, MOST_WHILE_RUNNING));
}
