import { newAssets } from './collecting.ts';
import { costAfter, type Draft, fail, type Moment, released } from './draft.ts';
import type { PollReport, SubmitReport } from './provider.ts';
import { bill, isSettling, over, settleFrom } from './settling.ts';
import { resolvedBilled, resolvedUnbilled } from './troubles.ts';

/** The answer to a submission whose task is over: too late to change the end, in time to find the pictures and the bill. */
export function answeredLate(draft: Draft, report: SubmitReport, moment: Moment): Draft {
  const { task } = draft;
  if (report.kind === 'ACCEPTED') {
    const { providerTaskId, credits: providerCredits } = report;
    // Whoever had said that it was not billed did not know of this.
    const failure = task.failure?.billed === 'NO' ? { ...task.failure, billed: 'UNKNOWN' as const } : task.failure;
    const cost = failure ? costAfter({ ...task.cost, providerCredits }, failure) : { ...task.cost, providerCredits };
    const found = { providerTaskId, acceptedAt: moment.at, failure, cost };
    return { ...draft, task: { ...task, ...found, ...settleFrom(moment), nextAt: moment.at } };
  }
  return report.kind === 'AMBIGUOUS' ? draft : bill(draft, 'NO');
}

/** What a provider says of a task that had ended without it: pictures are added, and the bill is settled. */
export function settled(draft: Draft, report: PollReport, resultTtlSeconds: number, moment: Moment): Draft {
  if (!isSettling(draft.task)) return draft;
  if (report.kind === 'FAILED') return over(bill(draft, report.failure.billed));
  if (report.kind !== 'FINISHED' || draft.assets.some(({ taskId }) => taskId === draft.task.id)) return draft;
  if (report.images.length === 0) return over(draft);
  const { task } = draft;
  const made = newAssets(draft, report.images, resultTtlSeconds, moment);
  const cost = { ...task.cost, providerCredits: report.credits ?? task.cost.providerCredits };
  return {
    ...draft,
    task: { ...released(task), nextAt: moment.at, tries: 0, cost },
    assets: [...draft.assets, ...made].sort((a, b) => a.index - b.index),
  };
}

/** An operator says whether a task was billed that no program could find out about. */
export function resolved(draft: Draft, billed: boolean, moment: Moment): Draft {
  if (draft.task.status === 'UNCERTAIN') return fail(draft, billed ? resolvedBilled : resolvedUnbilled, moment);
  return bill(draft, billed ? 'YES' : 'NO');
}
