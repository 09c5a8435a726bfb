import { bodyOf } from '../access.ts';
import type { Outcome } from '../call.ts';
import { classify } from '../failure-classes.ts';
import { NOTHING_SAID, type Said } from '../trouble.ts';
import { kindOf } from './failures.ts';
import { parseAnswer, toSaid, type WireAnswer, type WireError } from './wire.ts';

/**
 * What an answer says of tasks; null where its status says that it can say nothing. Which status comes with the errors of
 * tasks is UNKNOWN, so those of a refused request are read too (providers.md §3.5).
 */
export function readOutcome(outcome: Outcome): WireAnswer | null {
  if (outcome.kind !== 'ANSWERED') return null;
  const isOpen = bodyOf(outcome) !== null || classify(outcome).next === 'GIVE_UP';
  return isOpen ? parseAnswer(outcome.body) : null;
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
