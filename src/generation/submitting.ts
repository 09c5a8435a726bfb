import { newId } from '../db/id.ts';
import { collectAll, completed, delivered } from './collecting.ts';
import { after, type Draft, fail, failed, type Moment, move, type Recovery } from './draft.ts';
import type { Trouble } from './failure-code.ts';
import { answeredLate } from './late.ts';
import { isFinal } from './moves.ts';
import type { SubmitReport } from './provider-report.ts';
import { resubmitDelayMs } from './schedule.ts';
import { settleFrom } from './settling.ts';
import { outcomeUnknown } from './troubles.ts';
import type { OnUncertain, Task } from './types.ts';

/** However often a caller would pay: a provider that loses every answer is not asked a fourth time. */
const MOST_ATTEMPTS = 3;

/** The answer to one submission, whenever it comes. */
export function submitted(draft: Draft, report: SubmitReport, moment: Moment, alone = false): Draft {
  const { task } = draft;
  // By now somebody may have sent it once more under its reference: only who asks can say that it was not taken.
  const isOutdated = report.kind !== 'ACCEPTED' && task.status !== 'SUBMITTING' && moment.recoveryOf(task) === 'ASK';
  if (isOutdated) return draft;
  return alone && report.kind === 'NOT_NOW' && isSent(task)
    ? sendAlone(draft, report, moment)
    : found(draft, report, moment);
}

/** What became of one submission. */
export function found(draft: Draft, report: SubmitReport, moment: Moment): Draft {
  const { task } = draft;
  if (task.providerTaskId !== null) return creditsOf(draft, report);
  if (isFinal(task.status)) return answeredLate(draft, report, moment);
  if (task.status === 'COLLECTING' && report.kind === 'FINISHED') return completed(draft, report, moment);
  if (!isSent(task)) return draft;
  switch (report.kind) {
    case 'ACCEPTED':
      return move(draft, 'ACCEPTED', moment, {
        providerTaskId: report.providerTaskId,
        acceptedAt: moment.at,
        etaSeconds: report.etaSeconds,
        failure: null,
        tries: 0,
        cost: { ...task.cost, providerCredits: report.credits },
      });
    case 'FINISHED':
      return delivered(draft, report, moment);
    case 'REFUSED':
      return goElsewhere(draft, report.failure, moment) ?? fail(draft, report.failure, moment);
    case 'NOT_NOW':
      return notNow(draft, report, moment);
    case 'AMBIGUOUS':
      return uncertain(draft, report.failure, moment);
  }
}

type NotNow = Extract<SubmitReport, { kind: 'NOT_NOW' }>;

function notNow(draft: Draft, report: NotNow, moment: Moment): Draft {
  const elsewhere = isLasting(draft.task, report) ? goElsewhere(draft, report.failure, moment) : null;
  return elsewhere ?? sendAgain(draft, report, moment);
}

function sendAgain(draft: Draft, { failure, retryAfterMs }: NotNow, moment: Moment, more: Partial<Task> = {}): Draft {
  return move(draft, 'QUEUED', moment, {
    ...more,
    submissionId: null,
    place: null,
    awaitsCallback: false,
    failure: failed(failure, moment),
    nextAt: after(moment, resubmitDelayMs(draft.task.tries, retryAfterMs)),
  });
}

/** The batch it was in was refused, perhaps for another task: by itself it gets its own answer. */
function sendAlone(draft: Draft, report: NotNow, moment: Moment): Draft {
  return sendAgain(draft, report, moment, { batchKey: null });
}

function isSent({ status }: Task): boolean {
  return status === 'SUBMITTING' || status === 'UNCERTAIN';
}

/** A wait that is worth another provider, in milliseconds. */
const LONG_WAIT_MS = 10_000;

/** Whether it would be turned away for longer: an operator has to mend it, or it was so before. */
function isLasting({ tries }: Task, { failure, retryAfterMs }: NotNow): boolean {
  if (failure.code === 'PROVIDER_CREDITS_EXHAUSTED' || failure.code === 'PROVIDER_REJECTED') return true;
  if (failure.code !== 'RATE_LIMITED' && failure.code !== 'PROVIDER_UNREACHABLE') return false;
  return tries >= 2 || (retryAfterMs ?? 0) >= LONG_WAIT_MS;
}

/** Another provider takes its place, where its own provably has not taken it; null where nobody else is to be asked. */
export function goElsewhere(draft: Draft, trouble: Trouble, moment: Moment): Draft | null {
  // What one provider's rules forbid is not carried to the next.
  if (trouble.billed !== 'NO' || trouble.code.startsWith('MODERATED')) return null;
  const fallback = draft.fallbackFor(failed(trouble, moment));
  if (!fallback) return null;
  const { tasks: successors, adjustments } = fallback;
  return { ...fail(draft, trouble, moment), successors, adjustments };
}

/** From which a caller waits for what may still be learned before something else is done. */
const AWAITED: Record<OnUncertain, readonly Recovery[]> = {
  WAIT: ['ASK', 'CALLBACK', 'NONE'],
  // What a callback brings after the end is kept all the same.
  FAIL: ['ASK'],
  RESUBMIT: ['ASK', 'CALLBACK'],
};

/** It may have been accepted. Held for as long as something may still be learned, and never sent again by itself. */
export function uncertain(draft: Draft, trouble: Trouble, moment: Moment): Draft {
  const came = draft.assets.filter(({ taskId }) => taskId === draft.task.id).length;
  if (came > 0 && moment.recoveryOf(draft.task) === 'NONE') {
    const missing = Array.from({ length: Math.max(draft.task.imageCount - came, 0) }, () => outcomeUnknown);
    return collectAll(draft, { undelivered: missing, credits: null }, moment, { acceptedAt: moment.at });
  }
  const waits = AWAITED[draft.onUncertain].includes(moment.recoveryOf(draft.task));
  const holdUntil = waits ? after(moment, moment.uncertainHoldMs) : moment.at;
  // Due for whoever can ask; nobody else has anything to do before the hold is over.
  const nextAt = moment.recoveryOf(draft.task) === 'ASK' ? moment.at : holdUntil;
  return move(draft, 'UNCERTAIN', moment, { failure: failed(trouble, moment), holdUntil, nextAt, tries: 0 });
}

/** The hold is over and nothing was learned. Only a caller who accepts to pay twice gets another attempt. */
export function holdEnded(draft: Draft, moment: Moment): Draft {
  const ended = fail(draft, outcomeUnknown, moment, mayBeFound(draft, moment) ? settleFrom(moment) : {});
  const { task } = draft;
  const again = draft.onUncertain === 'RESUBMIT' && task.attempt < MOST_ATTEMPTS && task.deadlineAt > moment.at;
  return again ? { ...ended, successors: [nextAttempt(task, moment)] } : ended;
}

/** Whether its provider can still be asked by our reference what became of it. */
export function mayBeFound({ task }: Draft, moment: Moment): boolean {
  return task.submissionId !== null && task.providerTaskId === null && moment.recoveryOf(task) === 'ASK';
}

function nextAttempt(task: Task, moment: Moment): Task {
  return {
    ...task,
    id: newId('tsk'),
    attempt: task.attempt + 1,
    status: 'QUEUED',
    routeReason: `sent again: what became of attempt ${task.attempt} is unknown, and the caller accepts to pay twice`,
    submissionId: null,
    place: null,
    awaitsCallback: false,
    cost: { basis: 'RESERVED', reserved: task.cost.reserved, settled: null, providerCredits: null },
    failure: null,
    nextAt: moment.at,
    holdUntil: null,
    workerId: null,
    leaseToken: 0,
    tries: 0,
    createdAt: moment.at,
    submittedAt: null,
  };
}

/** The answer comes after a callback has told the id; it knows what was reserved. */
function creditsOf(draft: Draft, report: SubmitReport): Draft {
  const { task } = draft;
  if (report.kind !== 'ACCEPTED' || report.providerTaskId !== task.providerTaskId) return draft;
  if (report.credits === null || task.cost.providerCredits !== null) return draft;
  return { ...draft, task: { ...task, cost: { ...task.cost, providerCredits: report.credits } } };
}
