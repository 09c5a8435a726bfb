import type { Billed, Trouble } from '../generation/failure-code.ts';
import type { Outcome } from './call.ts';
import { classify } from './failure-classes.ts';
import { getRetryAfterMs } from './retry-after.ts';
import { type Said, toTrouble } from './trouble.ts';

/** What keeps a provider from doing anything for us just now, and when to come back. */
export interface Hindrance {
  failure: Trouble;
  retryAfterMs: number | null;
}

/** Finds what proves that the provider did not take up what it was asked, though it may later. */
export function findHindrance(provider: string, outcome: Outcome, said: Said, billed: Billed): Hindrance | null {
  const { next, code, pauseMs, say } = classify(outcome);
  if (next !== 'SEND_AGAIN') return null;
  const answered = outcome.kind === 'ANSWERED' ? outcome : null;
  const asked = answered && getRetryAfterMs(answered.headers, said.hint);
  const failure = toTrouble(code, billed, true, say(provider, answered?.status ?? null), said);
  return { failure, retryAfterMs: asked ?? pauseMs };
}
