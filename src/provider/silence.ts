import type { Trouble } from '../generation/failure-code.ts';
import type { PollReport } from '../generation/provider-report.ts';
import type { Outcome } from './call.ts';
import { findHindrance } from './hindrance.ts';
import { getRetryAfterMs } from './retry-after.ts';
import { type Said, toTrouble } from './trouble.ts';

/** The report of a poll that says nothing about the task: the task stands as it stood. */
export function reportSilence(provider: string, outcome: Outcome, said: Said): PollReport {
  const hindrance = findHindrance(provider, outcome, said, 'UNKNOWN');
  if (hindrance) return { kind: 'SILENT', ...hindrance };
  const retryAfterMs = outcome.kind === 'ANSWERED' ? getRetryAfterMs(outcome.headers, said.hint) : null;
  return { kind: 'SILENT', failure: explain(provider, outcome, said), retryAfterMs };
}

function explain(provider: string, outcome: Outcome, said: Said): Trouble {
  if (outcome.kind !== 'ANSWERED') {
    return toTrouble('PROVIDER_UNREACHABLE', 'UNKNOWN', true, `${provider} gave no whole answer about this task.`);
  }
  const message = `${provider} answered HTTP ${outcome.status} with nothing readable about this task.`;
  return toTrouble('PROVIDER_ERROR', 'UNKNOWN', true, message, said);
}
