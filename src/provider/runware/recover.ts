import type { RecoverReport, SubmitReport } from '../../generation/provider-report.ts';
import type { SentSubmission } from '../../generation/provider-request.ts';
import { type Access, askAbout, bodyOf } from '../access.ts';
import type { Outcome } from '../call.ts';
import { findHindrance } from '../hindrance.ts';
import type { Answer, MayGoOn } from '../provider.ts';
import { toTrouble } from '../trouble.ts';
import { findIn, readOutcome, readSaid } from './answer.ts';
import { kindOf, toHindrance } from './failures.ts';
import { submit } from './submit.ts';
import { parseDetails, type WireAnswer, type WireError } from './wire.ts';

/**
 * What became of a submission whose answer was lost (providers.md §9): first among the tasks under way, then in the
 * archive, and only then the very same once more, which Runware refuses while it has a task of that name.
 */
export async function recover(
  access: Access,
  { reference, body }: Pick<SentSubmission, 'reference' | 'body'>,
  may: MayGoOn,
  signal: AbortSignal,
): Promise<Answer<RecoverReport>> {
  const question = (taskType: string) => askAbout(access, '/v1', signal, [{ taskType, taskUUID: reference }]);

  const active = await question('getResponse');
  const underWay = read(active.outcome, (answer) => isUnderWay(answer, reference));
  if (underWay) return { report: toReport(underWay, reference), exchange: active.exchange };

  if (!(await may('ASK'))) return { report: unknown(active.outcome), exchange: active.exchange };
  const archived = await question('getTaskDetails');
  const known = read(archived.outcome, () => parseDetails(bodyOf(archived.outcome)?.body, reference) !== null);
  if (known) return { report: toReport(known, reference), exchange: archived.exchange };

  if (!(await may('SEND_AGAIN'))) return { report: unknown(archived.outcome), exchange: archived.exchange };
  const { report, exchange } = await submit(access, body, signal);
  return { report: readAgain(report), exchange };
}

type Unknown = Extract<RecoverReport, { kind: 'UNKNOWN' }>;

/** Null only where the provider says that it has nothing of that name: what cannot be read leads to no second sending. */
function read(outcome: Outcome, isThere: (answer: WireAnswer) => boolean): 'THERE' | Unknown | null {
  const answer = readOutcome(outcome);
  if (answer && isThere(answer)) return 'THERE';
  const isNowhere = answer?.errors.every((error) => kindOf(error) === 'UNKNOWN_TASK');
  const isSaid = bodyOf(outcome) !== null || (answer?.errors.length ?? 0) > 0;
  return isNowhere && isSaid ? null : unknown(outcome, answer?.errors[0]);
}

function isUnderWay(answer: WireAnswer, reference: string): boolean {
  const { items, errors } = findIn(answer, reference);
  return items.length > 0 || errors.some((error) => kindOf(error) !== 'UNKNOWN_TASK');
}

function toReport(found: 'THERE' | Unknown, reference: string): RecoverReport {
  if (found !== 'THERE') return found;
  return { kind: 'ACCEPTED', providerTaskId: reference, credits: null, etaSeconds: null };
}

/** Turned away, or lost once more: what became of the first is as unknown as before. */
function readAgain(report: SubmitReport): RecoverReport {
  if (report.kind === 'ACCEPTED' || report.kind === 'REFUSED') return report;
  if (report.kind === 'FINISHED') throw new Error('Runware answers no submission with images.');
  const retryAfterMs = report.kind === 'NOT_NOW' ? report.retryAfterMs : null;
  return { kind: 'UNKNOWN', failure: { ...report.failure, billed: 'UNKNOWN' }, retryAfterMs };
}

function unknown(outcome: Outcome, error?: WireError): Unknown {
  const said = readSaid(outcome);
  const turnedAway = error && toHindrance(error, outcome, 'UNKNOWN');
  const hindrance = turnedAway ?? findHindrance('Runware', outcome, said, 'UNKNOWN');
  if (hindrance) return { kind: 'UNKNOWN', ...hindrance };
  const message = 'Runware does not say yet what became of this submission.';
  const failure = toTrouble('OUTCOME_UNKNOWN', 'UNKNOWN', false, message, said);
  return { kind: 'UNKNOWN', failure, retryAfterMs: null };
}
