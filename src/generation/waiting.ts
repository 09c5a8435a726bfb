import { after, type Draft, fail, failed, type Moment, released } from './draft.ts';
import type { Trouble } from './failure-code.ts';
import { isFinal } from './moves.ts';
import { isSettling } from './settling.ts';
import { goElsewhere } from './submitting.ts';

/** A worker gives it back for later. */
export function delayed(
  draft: Draft,
  { delayMs, blameless }: { delayMs: number; blameless?: boolean },
  moment: Moment,
): Draft {
  const { task, assets } = draft;
  // It went out of the worker's hand meanwhile: what a callback adopted is not put off.
  if (task.workerId === null) return draft;
  if (isFinal(task.status) && !isSettling(task)) return draft;
  const nextAt = after(moment, delayMs);
  const tries = blameless ? Math.max(task.tries - 1, 0) : task.tries;
  const waits = assets.some(({ taskId, state }) => taskId === task.id && state === 'PENDING');
  const given = task.settleUntil !== null && task.settleUntil <= nextAt && !waits;
  const rest = { nextAt, tries, settleUntil: given ? null : task.settleUntil, turnedAwayAt: null };
  return { ...draft, task: { ...released(task), ...rest } };
}

/** Another provider makes it, or it waits: the reason stands on it, should its deadline pass meanwhile. */
export function turnedAway(
  draft: Draft,
  { failure, seenAt, delayMs }: { failure: Trouble; seenAt: Date; delayMs: number },
  moment: Moment,
): Draft {
  if (draft.task.status !== 'QUEUED' || draft.task.workerId === null) return draft;
  const elsewhere = goElsewhere(draft, failure, moment);
  if (elsewhere) return elsewhere;
  const waiting = delayed(draft, { delayMs, blameless: true }, moment);
  return { ...waiting, task: { ...waiting.task, failure: failed(failure, moment), turnedAwayAt: seenAt } };
}

/** What one provider does not take another may; what cannot be fetched is no better there. */
export function unfit(draft: Draft, failure: Trouble, moment: Moment): Draft {
  if (draft.task.status !== 'QUEUED') return draft;
  const elsewhere = failure.retryable ? null : goElsewhere(draft, failure, moment);
  return elsewhere ?? fail(draft, failure, moment);
}
