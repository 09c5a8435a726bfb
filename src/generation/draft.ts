import { isFinal, TASK_MOVES } from './moves.ts';
import type { Trouble } from './provider.ts';
import type { Asset, Cost, Failure, Task, TaskStatus } from './types.ts';

export interface Moment {
  at: Date;
  uncertainHoldMs: number;
}

/** One task and the assets of its generation: what a report may change. */
export interface Draft {
  task: Task;
  assets: Asset[];
  /** How many images the generation asked for: its slots before those of extra images. */
  asked: number;
}

/** Every change of status goes through here; a forbidden one changes nothing. */
export function move(draft: Draft, status: TaskStatus, moment: Moment, facts: Partial<Task>): Draft {
  if (!TASK_MOVES[draft.task.status].includes(status)) return draft;
  const working = status === 'SUBMITTING' || status === 'RUNNING';
  const task = { ...(working ? draft.task : released(draft.task)), nextAt: moment.at, ...facts, status };
  if (isFinal(status)) task.finishedAt = moment.at;
  return { ...draft, task };
}

export function released(task: Task): Task {
  return { ...task, workerId: null };
}

export function costAfter(cost: Cost, failure: Failure): Cost {
  return { ...cost, basis: failure.billed === 'NO' ? 'REFUNDED' : 'UNKNOWN' };
}

export function failed(trouble: Trouble, moment: Moment): Failure {
  const { code, message, billed, retryable, providerCode, providerMessage } = trouble;
  return { code, message, billed, retryable, providerCode, providerMessage, at: moment.at.toISOString() };
}

export function after(moment: Moment, ms: number): Date {
  return new Date(moment.at.getTime() + ms);
}

/** Ends the task without a picture. */
export function fail(draft: Draft, trouble: Trouble, moment: Moment, more: Partial<Task> = {}): Draft {
  const failure = failed(trouble, moment);
  return move(draft, 'FAILED', moment, { ...more, failure, cost: costAfter(draft.task.cost, failure) });
}
