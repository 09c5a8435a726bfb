import { CircuitState, ConsecutiveBreaker, SamplingBreaker } from 'cockatiel';
import { askLeave, closeProvider, openProvider, retryRefusedKeys, returnTrial } from '../generation/breaker-state.ts';
import type { Domain } from '../generation/domain.ts';
import type { Trouble } from '../generation/failure-code.ts';
import type { PollReport, SubmitReport } from '../generation/provider-report.ts';
import type { Standings } from '../generation/standings.ts';
import type { Provider } from '../provider/provider.ts';
import { turnedAway, whyLeftAlone } from './left-alone.ts';
import { isSubmit, judgePoll, judgeSubmit, type Verdict } from './verdict.ts';

/** `trial`: of the one submission that tries, for all processes, whether a provider is well again; null of others. */
export type Permission =
  | { ok: true; trial: string | null }
  /** `seenAt`: as of when, by the clock of the database. */
  | { ok: false; failure: Trouble; seenAt: Date; delayMs: number };

/** Whether anything is sent to a provider, as all workers together decide. */
export interface Breaker {
  /** Whether a submission may leave. Once a provider has been open for a while, one may try it for all of them. */
  mayTry(provider: Provider): Promise<Permission>;
  /** Nothing was sent after all: what was to be the trial is for another. */
  notTried(provider: Provider, trial: string | null): Promise<void>;
  /**
   * What it answered to a submission, with what `mayTry` said of it, or to a poll. Never rejects: what came of the task
   * matters more.
   */
  heard(provider: Provider, report: SubmitReport | PollReport, trial?: string | null): Promise<void>;
  /** This process may have other keys than the last one: providers that refused those are tried at once. */
  start(): Promise<void>;
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

/** So long at most until its answer is there: its references, and the longest time that an adapter gives a submission. */
const TRIAL_MS = 120_000;
/** The same of a provider that answers with the images. A longer one, of a series, does no harm: another is made. */
const LONG_TRIAL_MS = 360_000;

/** What this process has heard of a provider since it was last open. */
interface Tally {
  submits: ConsecutiveBreaker;
  busy: ConsecutiveBreaker;
  polls: SamplingBreaker;
}

/** When to open is decided by what this process hears; that it is open, and whose trial it is, is known to all. */
export function createBreaker(
  domain: Pick<Domain, 'db' | 'log'>,
  standings: Pick<Standings, 'of' | 'refresh'>,
  pauses = PAUSES,
): Breaker {
  const { db, log } = domain;
  const tallies = new Map<string, Tally>();

  function tallyOf(provider: Provider): Tally {
    const name = nameOf(provider);
    // Those that are lost keep their places: of a provider with few, no more would come.
    const failed = Math.min(FAILED_SUBMITS, Math.max(atOnce(provider) ?? FAILED_SUBMITS, 2));
    const tally = tallies.get(name) ?? {
      submits: new ConsecutiveBreaker(failed),
      busy: new ConsecutiveBreaker(BUSY_SUBMITS),
      polls: new SamplingBreaker(FAILED_POLLS),
    };
    tallies.set(name, tally);
    return tally;
  }

  async function hear(provider: Provider, report: SubmitReport | PollReport, trial: string | null): Promise<void> {
    if (isSubmit(provider, report)) {
      const verdict = judgeSubmit(report);
      if (trial !== null) return endTrial(provider, report, verdict, trial);
      if (!isClosed(provider)) return void tallies.delete(nameOf(provider));
      if (isEnough(tallyOf(provider), verdict)) await open(provider, report, null);
    } else if (isClosed(provider) && isOutage(tallyOf(provider).polls, judgePoll(report))) {
      await open(provider, report, null);
    }
  }

  function atOnce({ slug, mode, limits, limitsOf }: Provider): number | null {
    const { tier } = standings.of(slug, mode);
    return ((tier !== null && limitsOf?.(tier)) || limits).concurrency;
  }

  function isClosed({ slug, mode }: Provider): boolean {
    return standings.of(slug, mode).openUntil === null;
  }

  /** Of one that took too long, another may have been made meanwhile: then this changes nothing. */
  async function endTrial(provider: Provider, report: SubmitReport, verdict: Verdict, trial: string): Promise<void> {
    if (verdict === null) return returnTrial(db, keyOf(provider), trial);
    if (verdict !== 'WELL') return open(provider, report, trial);
    if (await closeProvider(db, keyOf(provider), trial)) log.info(keyOf(provider), 'a provider is well again');
    await standings.refresh();
  }

  async function open(provider: Provider, report: SubmitReport | PollReport, trial: string | null): Promise<void> {
    tallies.delete(nameOf(provider));
    const why = whyLeftAlone(provider, 'failure' in report ? report.failure.code : null);
    const leastMs = 'retryAfterMs' in report ? (report.retryAfterMs ?? 0) : 0;
    if (await openProvider(db, keyOf(provider), why, { ...pauses[provider.mode], leastMs }, trial)) {
      // What only TEST keys can cause alarms nobody.
      log[provider.mode === 'LIVE' ? 'error' : 'warn']({ ...keyOf(provider), code: why.code }, why.reason);
    }
    await standings.refresh();
  }

  return {
    async mayTry(provider) {
      if (isClosed(provider)) return { ok: true, trial: null };
      const leave = await askLeave(db, keyOf(provider), provider.isSynchronous ? LONG_TRIAL_MS : TRIAL_MS);
      if (leave.kind !== 'OPEN') return { ok: true, trial: leave.kind === 'TRIAL' ? leave.trial : null };
      const { firstMs, longestMs } = pauses[provider.mode];
      // A trial may take long, and the pause after it be short.
      const delayMs = Math.min(leave.forMs, leave.isOnTrial ? firstMs : longestMs);
      return { ok: false, failure: turnedAway(provider, leave.code), seenAt: leave.seenAt, delayMs };
    },
    async notTried(provider, trial) {
      if (trial === null) return;
      await returnTrial(db, keyOf(provider), trial).catch((error: unknown) =>
        log.warn(
          { err: error, ...keyOf(provider) },
          'a trial that was not made is not given back; it runs out by itself',
        ),
      );
    },
    start: () => retryRefusedKeys(db),
    async heard(provider, report, trial = null) {
      await hear(provider, report, trial).catch((error: unknown) =>
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
