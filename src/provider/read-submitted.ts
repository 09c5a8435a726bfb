import type { SubmitReport } from '../generation/provider-report.ts';
import { bodyOf } from './access.ts';
import type { Called } from './call.ts';
import { note } from './note.ts';
import type { Answer } from './provider.ts';
import { NOTHING_SAID, type Said } from './trouble.ts';
import { reportUnaccepted } from './unaccepted.ts';

/** The task that a submission was answered with. */
export type Accepted = Omit<Extract<SubmitReport, { kind: 'ACCEPTED' }>, 'kind'>;

/** How one provider answers a submission. */
interface Words {
  provider: string;
  /** Null where the body names no task. */
  parseAccepted(body: unknown): Accepted | null;
  parseSaid(body: unknown): Said;
  isModeration(said: Said): boolean;
}

/** The report of a submission to a provider that answers with a task. */
export function readSubmitted({ outcome, exchange }: Called, words: Words): Answer<SubmitReport> {
  const success = bodyOf(outcome);
  const accepted = success && words.parseAccepted(success.body);
  if (accepted) return { report: { kind: 'ACCEPTED', ...accepted }, exchange };

  const said = outcome.kind === 'ANSWERED' ? words.parseSaid(outcome.body) : NOTHING_SAID;
  const report = reportUnaccepted(words.provider, outcome, said, words.isModeration(said));
  return { report, exchange: note(exchange, success && 'the answer names no task') };
}
