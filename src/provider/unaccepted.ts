import type { SubmitReport } from '../generation/provider-report.ts';
import type { Outcome } from './call.ts';
import { classify } from './failure-classes.ts';
import { findHindrance } from './hindrance.ts';
import { type Said, toTrouble } from './trouble.ts';

/**
 * The report of a submission that brought no id. Only what proves that nothing was accepted may lead to another
 * submission; all else is AMBIGUOUS, because the provider may be making, and billing, the images.
 */
export function reportUnaccepted(provider: string, outcome: Outcome, said: Said, moderated: boolean): SubmitReport {
  const found = classify(outcome);
  if (found.class === 'REFUSED' && moderated) {
    const message = `${provider} refused the prompt or a reference for its content.`;
    return { kind: 'REFUSED', failure: toTrouble('MODERATED_PROMPT', 'NO', false, message, said) };
  }

  const hindrance = findHindrance(provider, outcome, said, 'NO');
  if (hindrance) return { kind: 'NOT_NOW', ...hindrance };

  const message = found.say(provider, outcome.kind === 'ANSWERED' ? outcome.status : null);
  if (found.next === 'GIVE_UP') {
    return { kind: 'REFUSED', failure: toTrouble(found.code, 'NO', false, message, said) };
  }
  return { kind: 'AMBIGUOUS', failure: toTrouble(found.code, 'UNKNOWN', false, message, said) };
}
