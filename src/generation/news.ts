import type { PollReport } from './provider.ts';
import type { Task } from './types.ts';

/** A task is at 100 percent only when its images are home. */
const MOST_WHILE_RUNNING = 99;

/** Whether a poll says anything that is not stored yet. One that does not writes no row. */
export function isNews({ status, percent }: Pick<Task, 'status' | 'percent'>, report: PollReport): boolean {
  switch (report.kind) {
    case 'FINISHED':
    case 'FAILED':
      return true;
    case 'RUNNING':
      return status === 'ACCEPTED' || percentAfter(percent, report.percent) !== percent;
    case 'PENDING':
    case 'MISSING':
    case 'SILENT':
      return false;
  }
}

/** The percent of a running task once the provider has said another: it never falls. */
export function percentAfter(known: number | null, reported: number | null): number | null {
  if (reported === null) return known;
  return Math.max(known ?? 0, Math.min(reported, MOST_WHILE_RUNNING));
}
