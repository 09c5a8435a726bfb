import { bodyOf } from '../access.ts';
import type { Outcome } from '../call.ts';
import { classify } from '../failure-classes.ts';
import { NOTHING_SAID, type Said } from '../trouble.ts';
import { kindOf } from './failures.ts';
import { parseAnswer, toSaid, type WireAnswer, type WireError } from './wire.ts';

/** What an answer says of tasks; null where its status says that it can say nothing. */
export function readOutcome(outcome: Outcome): WireAnswer | null {
  return outcome.kind === 'ANSWERED' && isOpen(outcome) ? parseAnswer(outcome.body) : null;
}

/**
 * Whether the status leaves it to the body what has become of tasks. Which status comes with their errors is UNKNOWN, so
 * the body of a refused request counts too (providers.md §3.5).
 */
export function isOpen(outcome: Outcome): boolean {
  return bodyOf(outcome) !== null || classify(outcome).next === 'GIVE_UP';
}

/** The provider's words in an answer that says nothing of tasks. */
export function readSaid(outcome: Outcome): Said {
  const error = outcome.kind === 'ANSWERED' ? parseAnswer(outcome.body)?.errors[0] : undefined;
  return error ? toSaid(error) : NOTHING_SAID;
}

/** What is said of one task: its images, and its errors from either place. */
export function findIn({ items, errors }: WireAnswer, id: string): WireAnswer {
  return {
    items: items.filter(({ taskUUID }) => taskUUID === id),
    errors: errors.filter((error) => error.taskUUID === id && isOfTask(error)),
  };
}

/** A question is named as the task is, so an error with that name may be about the question. */
function isOfTask(error: WireError): boolean {
  const { taskType, code } = error;
  // The refusal of a second sending says nothing of the first.
  if (/taskUUID/i.test(code ?? '')) return false;
  if (taskType !== null) return taskType !== 'getResponse' && taskType !== 'authentication';
  return !['KEY', 'CREDITS', 'RATE'].includes(kindOf(error));
}
