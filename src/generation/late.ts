import { arrived } from './collecting.ts';
import { costAfter, type Draft, fail, type Moment, released } from './draft.ts';
import { isFinal } from './moves.ts';
import { progressAfter } from './news.ts';
import type { Finished, PollReport, ReportedImage, SubmitReport } from './provider-report.ts';
import { bill, isSettling, mayGrow, over, settleFrom } from './settling.ts';
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
  if (report.kind === 'FINISHED') return deliveredLate(draft, report, moment);
  return report.kind === 'AMBIGUOUS' ? draft : bill(draft, 'NO');
}

/** It was over before its provider answered with the images: they are kept all the same, and nothing more is asked. */
function deliveredLate(draft: Draft, report: Finished, moment: Moment): Draft {
  return kept(booked(arrived(draft, report.images, moment), report), moment);
}

/** What pictures that were found late cost, where their provider tells. */
function booked(draft: Draft, { cost: charged, credits }: Finished): Draft {
  const { task } = charged ? bill(draft, 'YES') : draft;
  const cost = { ...task.cost, providerCredits: credits ?? task.cost.providerCredits };
  return { ...draft, task: { ...task, cost: charged ? { ...cost, settled: charged, basis: 'SETTLED' } : cost } };
}

/** What has come so far of a submission that is answered with the images themselves. */
export function partly(draft: Draft, images: ReportedImage[], moment: Moment): Draft {
  const all = arrived(draft, images, moment);
  if (all === draft) return draft;
  const { task } = all;
  if (isFinal(task.status)) return kept(all, moment);
  const { percent, progressBasis } = progressAfter(task, (images.length / task.imageCount) * 100);
  return { ...all, task: { ...task, percent, progressBasis } };
}

/** Pictures of a task that is over are brought home like those that are found late. */
function kept(draft: Draft, moment: Moment): Draft {
  return hasPending(draft) ? toSettle(draft, moment) : over(draft);
}

/** However a task came to its end: what had come of it by then is brought home. */
export function keepPictures(draft: Draft, moment: Moment): Draft {
  const { status, settleUntil } = draft.task;
  return isFinal(status) && settleUntil === null && hasPending(draft) ? toSettle(draft, moment) : draft;
}

function hasPending({ task, assets }: Draft): boolean {
  return assets.some(({ taskId, state }) => taskId === task.id && state === 'PENDING');
}

function toSettle(draft: Draft, moment: Moment): Draft {
  return { ...draft, task: { ...released(draft.task), ...settleFrom(moment), nextAt: moment.at } };
}

/** Looks in a row, each after a longer pause, at a failure that tells of fewer images than were asked for. */
const LOOKS_AT_A_FAILURE = 4;

/**
 * What a provider says of a task that had ended without it: pictures are added, and the bill is settled. Where its list
 * may still grow that is not its last word.
 */
export function settled(draft: Draft, report: PollReport, moment: Moment): Draft {
  if (!isSettling(draft.task)) return draft;
  if (report.kind === 'FAILED') {
    const isEarly = mayGrow(draft, moment, [report]) && draft.task.tries < LOOKS_AT_A_FAILURE;
    return isEarly ? draft : over(bill(draft, report.failure.billed));
  }
  if (report.kind !== 'FINISHED' && report.kind !== 'RUNNING') return draft;
  const all = arrived(draft, report.images ?? [], moment);
  const told = report.kind === 'FINISHED' ? booked(all, report) : all;
  if (all !== draft) return { ...told, task: { ...released(told.task), nextAt: moment.at, tries: 0 } };
  return report.kind === 'FINISHED' && !mayGrow(told, moment, report.undelivered) ? over(told) : told;
}

/** An operator says whether a task was billed that no program could find out about. */
export function resolved(draft: Draft, billed: boolean, moment: Moment): Draft {
  if (draft.task.status === 'UNCERTAIN') return fail(draft, billed ? resolvedBilled : resolvedUnbilled, moment);
  return bill(draft, billed ? 'YES' : 'NO');
}
