import type { TaskStatus } from './types.ts';

/** The moves a task may make; a report that would need another one changes nothing. */
export const TASK_MOVES: Record<TaskStatus, readonly TaskStatus[]> = {
  QUEUED: ['SUBMITTING', 'FAILED', 'CANCELED'],
  SUBMITTING: ['QUEUED', 'UNCERTAIN', 'ACCEPTED', 'COLLECTING', 'FAILED', 'CANCELED'],
  UNCERTAIN: ['QUEUED', 'ACCEPTED', 'COLLECTING', 'FAILED', 'CANCELED'],
  ACCEPTED: ['RUNNING', 'COLLECTING', 'FAILED', 'CANCELED'],
  RUNNING: ['COLLECTING', 'FAILED', 'CANCELED'],
  COLLECTING: ['SUCCEEDED', 'PARTIALLY_SUCCEEDED', 'FAILED'],
  SUCCEEDED: [],
  PARTIALLY_SUCCEEDED: [],
  FAILED: [],
  CANCELED: [],
};

export function isFinal(status: TaskStatus): boolean {
  return TASK_MOVES[status].length === 0;
}
