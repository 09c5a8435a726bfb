import type { Trouble } from './failure-code.ts';
import { isFinal, TASK_MOVES } from './moves.ts';
import type { Adjustment, Asset, Cost, Failure, Generation, OnUncertain, Task, TaskStatus } from './types.ts';

export interface Moment {
  at: Date;
  uncertainHoldMs: number;
  /** How it may still become known what became of a submission. */
  recoveryOf(task: Task): Recovery;
  /** How long the result URLs of its provider live, in seconds. */
  resultTtlOf(task: Task): number;
  /** Whether its provider may call a task over before it lists all its images. */
  resultsLagOf(task: Task): boolean;
  /** Another provider for what a task was to make, and what is changed to fit it; null where there is none. */
  fallbackOf(generation: Generation, task: Task, why: Failure): Fallback | null;
}

export interface Fallback {
  /** The attempts that take its place, for the same slots. */
  tasks: Task[];
  adjustments: Adjustment[];
}

/** The provider can be asked about a lost submission, or may call back about it, or nothing more will be heard. */
export type Recovery = 'ASK' | 'CALLBACK' | 'NONE';

/** One task and the assets of its generation: what a report may change. */
export interface Draft {
  task: Task;
  assets: Asset[];
  /** How many images the generation asked for: its slots before those of extra images. */
  asked: number;
  onUncertain: OnUncertain;
  /** A later attempt has its place. */
  isSuperseded: boolean;
  /** Who else might make it, because of this. */
  fallbackFor(why: Failure): Fallback | null;
  /** The attempts that take the place of this one. */
  successors: readonly Task[];
  /** What was changed to fit those. */
  adjustments: readonly Adjustment[];
}

/** Every change of status goes through here; a forbidden one changes nothing. */
export function move(draft: Draft, status: TaskStatus, moment: Moment, facts: Partial<Task>): Draft {
  if (!TASK_MOVES[draft.task.status].includes(status)) return draft;
  const working = status === 'SUBMITTING' || status === 'RUNNING';
  const unheld = { nextAt: moment.at, holdUntil: null, turnedAwayAt: null };
  const task = { ...(working ? draft.task : released(draft.task)), ...unheld, ...facts, status };
  if (isFinal(status)) task.finishedAt = moment.at;
  return { ...draft, task };
}

export function released(task: Task): Task {
  return { ...task, workerId: null };
}

/** What a failed task costs: nothing, what was reserved for it, or nobody knows. */
export function costAfter(cost: Cost, { billed }: Pick<Failure, 'billed'>): Cost {
  if (billed === 'NO') return { ...cost, basis: 'REFUNDED' };
  if (billed === 'YES' && cost.reserved) return { ...cost, basis: 'SETTLED', settled: cost.reserved };
  return { ...cost, basis: 'UNKNOWN' };
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
