import type { Exchange, PollReport, RecoverReport, SubmitReport } from '../generation/provider-report.ts';
import type { ProviderRequestSeen } from '../metrics/work.ts';
import type { Provider } from './provider.ts';

/**
 * The same provider, whose every request is told of; of a recovery that takes two, the last, whose exchange it answers
 * with. What we break off ourselves says nothing about it.
 */
export function observed(provider: Provider, see: (request: ProviderRequestSeen) => void): Provider {
  const { slug, mode, recover } = provider;
  const tell = (operation: ProviderRequestSeen['operation'], report: Report, exchange: Exchange) =>
    see({ provider: slug, mode, operation, outcome: outcomeOf(report, exchange), ms: exchange.durationMs });
  return {
    ...provider,
    async submit(body, signal, onPartial) {
      const answer = await provider.submit(body, signal, onPartial);
      if (!signal.aborted) tell('submit', answer.report, answer.exchange);
      return answer;
    },
    recover:
      recover &&
      (async (submission, may, signal) => {
        const answer = await recover(submission, may, signal);
        if (!signal.aborted) tell('recover', answer.report, answer.exchange);
        return answer;
      }),
    async ask(ids, signal) {
      const answers = await provider.ask(ids, signal);
      if (signal.aborted) return answers;
      // One request may answer for many tasks.
      const requests = new Map(answers.map((answer) => [answer.exchange, answer.report]));
      for (const [exchange, report] of requests) tell('ask', report, exchange);
      return answers;
    },
  };
}

type Report = SubmitReport | RecoverReport | PollReport;

function outcomeOf(report: Report, { status }: Exchange): ProviderRequestSeen['outcome'] {
  const code = 'failure' in report ? report.failure.code : null;
  // Some say these with another status than 402 and 429.
  if (code === 'PROVIDER_CREDITS_EXHAUSTED') return 'NO_CREDITS';
  if (code === 'RATE_LIMITED') return 'RATE_LIMITED';
  if (status === null) return 'NO_ANSWER';
  if (status >= 500) return 'SERVER_ERROR';
  if ((status === 401 || status === 403) && !code?.startsWith('MODERATED')) return 'KEY_REFUSED';
  if (status >= 400) return 'REFUSED';
  return report.kind === 'AMBIGUOUS' || report.kind === 'UNKNOWN' || report.kind === 'SILENT' ? 'UNREADABLE' : 'OK';
}
