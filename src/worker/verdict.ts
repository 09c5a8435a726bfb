import type { PollReport, SubmitReport } from '../generation/provider-report.ts';
import type { Provider } from '../provider/provider.ts';

/** What an answer says about the provider itself. */
export type Verdict =
  /** It does its work. */
  | 'WELL'
  /** Nobody there, an error of its own, or nothing that can be read. */
  | 'FAILS'
  /** It has too much to do. */
  | 'BUSY'
  /** It takes nothing from this account: an operator has to do something. */
  | 'REFUSES_US'
  /** Nothing. */
  | null;

export function judgeSubmit(report: SubmitReport): Verdict {
  if (report.kind === 'ACCEPTED' || report.kind === 'FINISHED') return 'WELL';
  const { code } = report.failure;
  if (code === 'PROVIDER_CREDITS_EXHAUSTED') return 'REFUSES_US';
  if (code === 'RATE_LIMITED') return 'BUSY';
  if (report.kind === 'AMBIGUOUS') return 'FAILS';
  if (report.kind === 'REFUSED') return 'WELL';
  // It is our key that is turned away for now, never a request.
  if (code === 'PROVIDER_REJECTED') return 'REFUSES_US';
  return code === 'INTERNAL' ? null : 'FAILS';
}

/** A task that it does not know, and what a poll says of the account, are no outage: submissions tell of the latter. */
export function judgePoll(report: PollReport): Verdict {
  if (report.kind === 'MISSING') return null;
  if (report.kind !== 'SILENT') return 'WELL';
  const { code } = report.failure;
  return code === 'PROVIDER_UNREACHABLE' || code === 'PROVIDER_ERROR' ? 'FAILS' : null;
}

/** Polls have answers of other kinds than submissions, but for the one of a provider that answers with the images. */
export function isSubmit(
  { isSynchronous }: Pick<Provider, 'isSynchronous'>,
  report: SubmitReport | PollReport,
): report is SubmitReport {
  if (report.kind === 'FINISHED') return isSynchronous;
  return (
    report.kind === 'ACCEPTED' || report.kind === 'AMBIGUOUS' || report.kind === 'NOT_NOW' || report.kind === 'REFUSED'
  );
}
