import { CircuitState, ConsecutiveBreaker, SamplingBreaker } from 'cockatiel';
import { closeProvider, openProvider, returnTrial, takeTrial } from '../generation/breaker-state.ts';
import type { Domain } from '../generation/domain.ts';
import type { PollReport, SubmitReport, Trouble } from '../generation/provider.ts';
import type { Standings } from '../generation/standings.ts';
import type { Provider } from '../provider/provider.ts';
import { turnedAway, whyLeftAlone } from './left-alone.ts';
import { isSubmit, judgePoll, judgeSubmit, type Verdict } from './verdict.ts';

export type Permission = { ok: true } | { ok: false; failure: Trouble; delayMs: number };

/** Whether anything is sent to a provider, as all workers together decide. */
export interface Breaker {
  /** Whether a submission may leave. Once a provider has been open for a while, one may try it for all of them. */
  mayTry(provider: Provider): Promise<Permission>;
  /** Nothing was sent after all: what was to be the trial is for another. */
  notTried(provider: Provider): Promise<void>;
  /** What it answered to a submission or a poll. Never rejects: what came of the task matters more. */
  heard(provider: Provider, report: SubmitReport | PollReport): Promise<void>;
}

/** In a row. What is sent into an outage may be bought and lost, so few; who is only busy has lost nothing. */
const FAILED_SUBMITS = 5;
const BUSY_SUBMITS = 10;
/** Of the polls of half a minute, thirty at least: one task that its provider cannot bear is no outage. */
const FAILED_POLLS = { threshold: 0.9, duration: 30_000, minimumRps: 1 };

export const PAUSES = {
  LIVE: { firstMs: 30_000, longestMs: 600_000 },
  // A fault of the sandbox was asked for, by one prompt, and is over with it.
  TEST: { firstMs: 250, longestMs: 1_000 },
};

/** What this process has heard of a provider since it was last open. */
interface Tally {
  submits: ConsecutiveBreaker;
  busy: ConsecutiveBreaker;
  polls: SamplingBreaker;
}

/** When to open is decided by what this process hears; that it is open, and whose trial it is, is known to all. */
export function createBreaker(
  domain: Pick<Domain, 'db' | 'hints' | 'log'>,
  standings: Pick<Standings, 'of' | 'refresh'>,
  pauses = PAUSES,
): Breaker {
  const { db, log } = domain;
  const tallies = new Map<string, Tally>();
  /** Providers whose trial is a submission of this process. */
  const trials = new Set<string>();

  function tallyOf(name: string): Tally {
    const tally = tallies.get(name) ?? {
      submits: new ConsecutiveBreaker(FAILED_SUBMITS),
      busy: new ConsecutiveBreaker(BUSY_SUBMITS),
      polls: new SamplingBreaker(FAILED_POLLS),
    };
    tallies.set(name, tally);
    return tally;
  }

  async function hear(provider: Provider, report: SubmitReport | PollReport): Promise<void> {
    const name = nameOf(provider);
    if (isSubmit(provider, report)) {
      const verdict = judgeSubmit(report);
      if (trials.delete(name)) return endTrial(provider, report, verdict);
      if (!isClosed(provider)) return void tallies.delete(name);
      if (isEnough(tallyOf(name), verdict)) await open(provider, report, { isTrial: false });
    } else if (isClosed(provider) && isOutage(tallyOf(name).polls, judgePoll(report))) {
      await open(provider, report, { isTrial: false });
    }
  }

  function isClosed({ slug, mode }: Provider): boolean {
    return standings.of(slug, mode).openUntil === null;
  }

  async function endTrial(provider: Provider, report: SubmitReport, verdict: Verdict): Promise<void> {
    if (verdict === null) return returnTrial(db, keyOf(provider));
    if (verdict !== 'WELL') return open(provider, report, { isTrial: true });
    if (await closeProvider(domain, keyOf(provider))) log.info(keyOf(provider), 'a provider is well again');
    await standings.refresh();
  }

  async function open(
    provider: Provider,
    report: SubmitReport | PollReport,
    { isTrial }: { isTrial: boolean },
  ): Promise<void> {
    tallies.delete(nameOf(provider));
    const why = whyLeftAlone(provider, 'failure' in report ? report.failure.code : null);
    const leastMs = 'retryAfterMs' in report ? (report.retryAfterMs ?? 0) : 0;
    if (await openProvider(db, keyOf(provider), why, { ...pauses[provider.mode], leastMs }, { isTrial })) {
      // What only TEST keys can cause alarms nobody.
      log[provider.mode === 'LIVE' ? 'error' : 'warn']({ ...keyOf(provider), code: why.code }, why.reason);
    }
    await standings.refresh();
  }

  return {
    async mayTry(provider) {
      const name = nameOf(provider);
      if (isClosed(provider)) {
        trials.delete(name);
        return { ok: true };
      }
      const trial = await takeTrial(db, keyOf(provider));
      if (trial === 'MINE') trials.add(name);
      if (trial === 'MINE' || trial === 'NONE') return { ok: true };
      const delayMs = Math.min(trial.forMs, pauses[provider.mode].longestMs);
      return { ok: false, failure: turnedAway(provider, trial.code), delayMs };
    },
    async notTried(provider) {
      if (!trials.delete(nameOf(provider))) return;
      await returnTrial(db, keyOf(provider)).catch((error: unknown) =>
        log.warn(
          { err: error, ...keyOf(provider) },
          'a trial that was not made is not given back; it runs out by itself',
        ),
      );
    },
    async heard(provider, report) {
      await hear(provider, report).catch((error: unknown) =>
        log.error({ err: error, ...keyOf(provider) }, 'how a provider is doing could not be told to all'),
      );
    },
  };
}

function keyOf({ slug, mode }: Provider) {
  return { provider: slug, mode };
}

function nameOf({ slug, mode }: Provider): string {
  return `${slug} ${mode}`;
}

/** Whether this answer to a submission is one too many. */
function isEnough({ submits, busy }: Tally, verdict: Verdict): boolean {
  if (verdict === 'REFUSES_US') return true;
  if (verdict !== 'BUSY' && verdict !== null) busy.success();
  if (verdict === 'WELL') submits.success();
  return (verdict === 'FAILS' && submits.failure()) || (verdict === 'BUSY' && busy.failure());
}

function isOutage(polls: SamplingBreaker, verdict: Verdict): boolean {
  if (verdict === 'WELL') polls.success(CircuitState.Closed);
  return verdict === 'FAILS' && polls.failure(CircuitState.Closed);
}
