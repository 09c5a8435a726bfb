import { after, costAfter, type Draft, type Moment } from './draft.ts';
import type { Billed } from './failure-code.ts';
import { isFinal } from './moves.ts';
import type { Task } from './types.ts';

/** As long as most providers keep results; from the end of the task on. */
const SETTLE_MS = 24 * 3_600_000;

/** Of a final task whose end at the provider nobody knows: ask on, slowly. Its status stays; what is found is added. */
export function settleFrom(moment: Moment): Pick<Task, 'settleUntil' | 'tries'> {
  return { settleUntil: after(moment, SETTLE_MS), tries: 0 };
}

export function isSettling({ status, settleUntil }: Task): boolean {
  return isFinal(status) && settleUntil !== null;
}

/**
 * Whether its provider, whose lists grow, may list more of it yet: it has told of neither a picture nor a reason for each
 * image that was asked for. How many a series has is up to the provider. `undelivered` is what it says now.
 */
export function mayGrow({ task, assets }: Draft, moment: Moment, undelivered: readonly unknown[] = []): boolean {
  if (task.providerTaskId === null || task.request.series || !moment.resultsLagOf(task)) return false;
  const made = assets.filter(({ taskId }) => taskId === task.id).length;
  return made + Math.max(task.undelivered?.length ?? 0, undelivered.length) < task.imageCount;
}

/** All that can be known of the task is known. */
export function over(draft: Draft): Draft {
  return { ...draft, task: { ...draft.task, settleUntil: null, workerId: null } };
}

/** Books what became known of the bill of a failed task; what was known before stays. */
export function bill(draft: Draft, billed: Billed): Draft {
  const { task } = draft;
  if (!isFinal(task.status) || task.failure?.billed !== 'UNKNOWN' || billed === 'UNKNOWN') return draft;
  const failure = { ...task.failure, billed };
  return { ...draft, task: { ...task, failure, cost: costAfter(task.cost, failure) } };
}
