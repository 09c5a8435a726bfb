import { bodyOf } from './access.ts';
import type { Outcome } from './call.ts';
import { plain, type Reading } from './reading.ts';
import { reportSilence } from './silence.ts';
import { NOTHING_SAID, type Said, toTrouble } from './trouble.ts';

/** How one provider answers a question about a task. */
interface Words {
  provider: string;
  parseSaid(body: unknown): Said;
  /** Null where the body states no status. */
  readTask(body: unknown, said: Said): Reading | null;
  /** Where it says in another way than by 404 that it does not know the task. */
  isUnknownTask?(status: number, said: Said): boolean;
}

/** What the answer to a question about one task says of it. */
export function readAsked(outcome: Outcome, { provider, parseSaid, readTask, isUnknownTask }: Words): Reading {
  if (outcome.kind !== 'ANSWERED') return plain(reportSilence(provider, outcome, NOTHING_SAID));

  const said = parseSaid(outcome.body);
  if (isNotFound(outcome.status, said) || isUnknownTask?.(outcome.status, said)) {
    const message = `${provider} does not know this task, or no longer.`;
    return plain({ kind: 'MISSING', failure: toTrouble('PROVIDER_LOST', 'UNKNOWN', true, message, said) });
  }
  const success = bodyOf(outcome);
  const reading = success && readTask(success.body, said);
  if (reading) return reading;
  return { report: reportSilence(provider, outcome, said), oddity: success && 'the answer states no status' };
}

/** In the provider's own words: the page of a proxy in front of it says nothing about the task. */
function isNotFound(status: number, { code, message }: Said): boolean {
  return status === 404 && (code !== null || message !== null);
}
