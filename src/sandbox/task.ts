import { type Directives, getNumber, readPrompt } from './directives.ts';
import type { Format } from './picture/picture.ts';

/** What a dialect accepted, in the sandbox's own words. */
export interface Order {
  id: string;
  prompt: string;
  /** Pictures asked for. */
  count: number;
  width: number;
  height: number;
  format: Format;
  /** What accepting it reserves, in what the provider counts in. */
  credits: number;
  callbackUrl: string | null;
  /** Formats beside `format` in which its pictures can be fetched. */
  otherFormats?: Format[];
  /** Written on its pictures after the prompt. */
  watermark?: string;
  /** Its pictures come one by one over the run, and not all at its end. */
  oneByOne?: boolean;
  /** An id it shares with the other tasks of one request. */
  group?: string;
  /** What else of the request its dialect needs later: ids, flags, what is echoed. */
  facts?: Record<string, unknown>;
}

/** An accepted order as the journal keeps it: everything that happens to it follows from this and the time. */
export interface Accepted extends Order {
  provider: string;
  /** Milliseconds since 1970. */
  acceptedAt: number;
  requestHash: string;
}

export interface Task extends Accepted {
  /** The prompt without its directives. */
  text: string;
  directives: Directives;
}

/** How a task stands at one moment. `pictures` counts those that can be seen. */
export interface Moment {
  phase: 'pending' | 'running' | 'odd' | 'succeeded' | 'failed';
  /** Whole percent, 0 to 100. */
  progress: number;
  pictures: number;
}

export const TASK_LIFE_MS = 24 * 60 * 60 * 1000;

const PLAIN_RUN_MS = 3000;
const LONGEST_RUN_S = 24 * 60 * 60;
const LEAST_ODD_RUN_MS = 1000;
const LATE_ASSET_MS = 1500;
const STUCK_AT = 42;

export function toTask(accepted: Accepted): Task {
  return { ...accepted, ...readPrompt(accepted.prompt) };
}

/** Milliseconds since 1970 that never run backwards inside a process and still mean something to the next one. */
export function getNow(): number {
  return performance.timeOrigin + performance.now();
}

/** When it ends, with its pictures there to see, or null when it never does. */
export function getEnd({ acceptedAt, directives }: Task): number | null {
  return directives.has('stuck') ? null : acceptedAt + getPace(directives) + getDelay(directives);
}

/** When the slot of one picture is done with, whether or not it holds a picture; null when that is never. */
export function getSlotEnd({ acceptedAt, count, directives }: Task, index: number): number | null {
  return directives.has('stuck') ? null : acceptedAt + (getPace(directives) * (index + 1)) / count;
}

/** How many of its slots are done with. */
export function countEnded(task: Task, now: number): number {
  let ended = 0;
  while (ended < task.count && (getSlotEnd(task, ended) ?? Number.POSITIVE_INFINITY) <= now) ended++;
  return ended;
}

/** No task has a timer: where it stands follows from when it was accepted. */
export function lookAt(task: Task, now: number): Moment {
  const { directives } = task;
  const pace = getPace(directives);
  const elapsed = Math.max(0, now - task.acceptedAt);
  const share = pace === 0 ? 1 : Math.min(1, elapsed / pace);
  if (directives.has('stuck'))
    return { phase: 'running', progress: Math.min(STUCK_AT, Math.floor(share * 100)), pictures: 0 };
  if (share === 1 && isDoomed(directives)) return { phase: 'failed', progress: 0, pictures: 0 };
  const isComplete = elapsed >= pace + getDelay(directives);
  const pictures = isComplete ? getYield(task) : countEarly(task, now);
  if (share === 1) return { phase: 'succeeded', progress: 100, pictures };
  const progress = Math.floor(share * 100);
  if (directives.has('odd-status') && share < 0.5) return { phase: 'odd', progress, pictures };
  if (share < 0.1) return { phase: 'pending', progress: 0, pictures };
  return { phase: 'running', progress, pictures };
}

/** How many pictures come of a task that succeeds. */
export function getYield({ count, directives }: Task): number {
  return Math.min(count, Math.floor(getNumber(directives, 'partial', count)));
}

/** The pictures that can be seen before the end. */
function countEarly(task: Task, now: number): number {
  if (!task.oneByOne || isDoomed(task.directives)) return 0;
  return Math.min(getYield(task), countEnded(task, now - getDelay(task.directives)));
}

function getPace(directives: Directives): number {
  const seconds = Math.min(LONGEST_RUN_S, getNumber(directives, 'slow', PLAIN_RUN_MS / 1000));
  return Math.max(seconds * 1000, directives.has('odd-status') ? LEAST_ODD_RUN_MS : 0);
}

function getDelay(directives: Directives): number {
  return directives.has('late-asset') ? LATE_ASSET_MS : 0;
}

function isDoomed(directives: Directives): boolean {
  return directives.has('fail') || directives.has('moderated');
}
