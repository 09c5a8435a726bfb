import type { Database, Transaction } from '../db/connect.ts';
import { readWithin, TooSlow } from '../db/time-limit.ts';
import { Fault } from '../fault.ts';
import { Busy, createTurns } from '../turns.ts';
import type { Caller } from '../workspace/caller.ts';

const SEARCH_MS = 2_000;
/** Of the ten connections that callers share. */
const takeTurn = createTurns(2, 5_000);

/**
 * For what no index serves and what may look at every generation there is: two at once in a process, each workspace in
 * its turn, two seconds each. Throws a Fault, QUERY_TOO_EXPENSIVE or RATE_LIMITED, that says so.
 */
export async function search<T>(db: Database, caller: Caller, read: (tx: Transaction) => Promise<T>): Promise<T> {
  try {
    return await takeTurn(() => readWithin(db, SEARCH_MS, read), caller.workspaceId);
  } catch (error) {
    if (error instanceof TooSlow) {
      const allowed = ['a shorter time by createdAfter and createdBefore, or one status'];
      const message = `filter: two seconds were not enough to find a page; narrow it to ${allowed[0]}.`;
      throw new Fault('QUERY_TOO_EXPENSIVE', message, 'filter', allowed);
    }
    if (error instanceof Busy) {
      throw new Fault('RATE_LIMITED', 'Too many searches run just now; try again in a few seconds.', 'filter');
    }
    throw error;
  }
}
