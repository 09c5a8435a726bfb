import type { PollReport } from './provider.ts';
import type { Task } from './types.ts';

/** Whether a poll says anything that is not stored yet. One that does not writes no row. */
export function isNews({ status, percent }: Pick<Task, 'status' | 'percent'>, report: PollReport): boolean {
  switch (report.kind) {
    case 'FINISHED':
    case 'FAILED':
      return true;
    case 'RUNNING':
      return status === 'ACCEPTED' || (report.percent !== null && Math.min(report.percent, 99) > (percent ?? -1));
    case 'PENDING':
    case 'MISSING':
    case 'SILENT':
      return false;
  }
}
