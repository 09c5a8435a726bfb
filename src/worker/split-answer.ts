import type { SubmitReport } from '../generation/provider-report.ts';
import type { TaskAnswer } from '../generation/record-submission.ts';
import type { Task } from '../generation/types.ts';
import type { Provider } from '../provider/provider.ts';

/** What the answer to one submission says of each task in it; those of a batch are in the order of their places. */
export function splitAnswer({ batch }: Provider, tasks: readonly Task[], report: SubmitReport): TaskAnswer[] {
  if (tasks.length === 1 || !batch) return tasks.map((task) => ({ task, report }));
  switch (report.kind) {
    case 'ACCEPTED':
      return tasks.map((task, place) => {
        return { task, report: { ...report, providerTaskId: batch.idOf(report.providerTaskId, place) } };
      });
    case 'REFUSED':
      // One of them may be what it was refused for: each gets an answer of its own.
      return tasks.map((task) => {
        return { task, report: { kind: 'NOT_NOW', failure: report.failure, retryAfterMs: 0 }, alone: true };
      });
    default:
      return tasks.map((task) => ({ task, report }));
  }
}
