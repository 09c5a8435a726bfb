import type { Work } from '../events/hint.ts';
import type { Task } from './types.ts';

/** Which loops have something to do after a change that left these tasks; every change is in the log and wants its position. */
export function workOf(all: readonly Task[]): Work[] {
  const free = all.filter(({ workerId }) => workerId === null).map(({ status }) => status);
  const work: Work[] = ['sequence'];
  if (free.includes('QUEUED')) work.push('submit');
  if (free.includes('ACCEPTED') || free.includes('RUNNING')) work.push('poll');
  if (free.includes('COLLECTING')) work.push('collect');
  return work;
}
