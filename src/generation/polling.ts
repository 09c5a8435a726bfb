import { arrived, collectAll } from './collecting.ts';
import { type Draft, fail, type Moment, move } from './draft.ts';
import { cancel } from './ending.ts';
import { isNews, progressAfter } from './news.ts';
import type { PollReport } from './provider-report.ts';
import { mayGrow, settleFrom } from './settling.ts';

/** What a provider says of a task it works on. */
export function polled(
  draft: Draft,
  report: PollReport,
  { pollCount, resultTtlSeconds }: { pollCount: number; resultTtlSeconds: number },
  moment: Moment,
): Draft {
  const { task } = draft;
  if (task.status !== 'ACCEPTED' && task.status !== 'RUNNING') return draft;
  switch (report.kind) {
    case 'RUNNING': {
      if (!isNews(task, report)) return draft;
      const { percent, progressBasis } = progressAfter(task, report.percent, report.basis);
      const seen = { percent, progressBasis, etaSeconds: report.etaSeconds, pollCount };
      if (task.status === 'RUNNING') return { ...draft, task: { ...task, ...seen } };
      return move(draft, 'RUNNING', moment, seen);
    }
    case 'FINISHED':
      return collectAll(arrived(draft, report.images, moment, resultTtlSeconds), report, moment, { pollCount });
    case 'FAILED': {
      if (report.failure.code === 'CANCELED') return cancel(draft, moment, report.failure);
      // That it knows nothing of the task is not its word on it, and that of one image may not be that of all.
      const isOpen = report.failure.code === 'PROVIDER_LOST' || mayGrow(draft, moment, [report]);
      return fail(draft, report.failure, moment, { pollCount, ...(isOpen && settleFrom(moment)) });
    }
    case 'PENDING': {
      if (!isNews(task, report)) return draft;
      const { percent, progressBasis } = progressAfter(task, report.percent ?? null, 'ESTIMATED');
      return { ...draft, task: { ...task, percent, progressBasis, etaSeconds: report.etaSeconds, pollCount } };
    }
    case 'MISSING':
    case 'SILENT':
      return draft;
  }
}

/** How far a task should be by all experience; what the provider itself has told counts more. */
export function estimated(draft: Draft, estimate: number): Draft {
  const { task } = draft;
  const progress = progressAfter(task, estimate, 'ESTIMATED');
  if (task.status !== 'SUBMITTING' || progress === task) return draft;
  return { ...draft, task: { ...task, ...progress } };
}
