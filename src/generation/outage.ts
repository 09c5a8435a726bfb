import { isUnavailable } from '../db/unavailable.ts';

/** Whether work on a task failed because the database cannot serve now: nothing is said about the task by that. */
export function isOutage(error: unknown): boolean {
  return isUnavailable(error);
}
