import type { SubmitReport } from '../generation/provider.ts';
import type { Outcome } from './call.ts';
import { findHindrance } from './hindrance.ts';
import { type Said, toTrouble } from './trouble.ts';

// 408: it may have been read. 409: it may be there already. 499: a proxy's word for a connection that broke.
const UNSURE = [408, 409, 499];

/**
 * The report of a submission that brought no id (providers.md §9). Only what proves that nothing was accepted may lead
 * to another submission; all else is AMBIGUOUS, because the provider may be making, and billing, the images.
 */
export function reportUnaccepted(provider: string, outcome: Outcome, said: Said, moderated: boolean): SubmitReport {
  const refused = outcome.kind === 'ANSWERED' && isRefusal(outcome.status);
  if (refused && moderated) {
    const message = `${provider} refused the prompt or a reference for its content.`;
    return { kind: 'REFUSED', failure: toTrouble('MODERATED_PROMPT', 'NO', false, message, said) };
  }

  const hindrance = findHindrance(provider, outcome, said, 'NO');
  if (hindrance) return { kind: 'NOT_NOW', ...hindrance };

  if (refused) {
    const message = `${provider} refused the request (HTTP ${outcome.status}).`;
    return { kind: 'REFUSED', failure: toTrouble('PROVIDER_REJECTED', 'NO', false, message, said) };
  }
  return {
    kind: 'AMBIGUOUS',
    failure: toTrouble('OUTCOME_UNKNOWN', 'UNKNOWN', false, explain(provider, outcome), said),
  };
}

function isRefusal(status: number): boolean {
  return status >= 400 && status < 500 && !UNSURE.includes(status);
}

function explain(provider: string, outcome: Outcome): string {
  const answer = outcome.kind === 'ANSWERED' ? `answered HTTP ${outcome.status} without an id` : 'gave no whole answer';
  return `The request was sent, but ${provider} ${answer}, so it may have been accepted.`;
}
