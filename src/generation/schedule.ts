import type { PollSchedule } from './provider.ts';

const JITTER = 0.1;
const LONGEST_BACKOFF_MS = 60_000;

export interface PollAge {
  ageMs: number;
  silences: number;
  retryAfterMs: number | null;
  awaitsCallback: boolean;
}

/**
 * Milliseconds from now to the next poll of a task (seed 000: every 2 to 3 s for the first 20 s, then every 5 to 10 s).
 * `silences` counts the answers in a row that said nothing; `retryAfterMs` is what the provider asked for. Of what
 * `awaitsCallback` its provider tells us; after the first poll it is asked about slowly, in case the callback is lost.
 */
export function pollDelayMs(
  schedule: PollSchedule,
  { ageMs, silences, retryAfterMs, awaitsCallback }: PollAge,
  random = Math.random,
): number {
  const usual = ageMs < schedule.fastForMs && !awaitsCallback ? schedule.fastMs : schedule.slowMs;
  const slowed = silences === 0 ? usual : backoffMs(usual, silences);
  return Math.max(spread(slowed, random), retryAfterMs ?? 0);
}

/**
 * Milliseconds until a task that was not accepted is sent again, or until the next question about a submission whose
 * answer was lost: 1, 2, 4 … 60 s, or later where the provider says so.
 */
export function resubmitDelayMs(tries: number, retryAfterMs: number | null, random = Math.random): number {
  return Math.max(spread(backoffMs(1000, tries - 1), random), retryAfterMs ?? 0);
}

const LONGEST_SETTLING_MS = 600_000;

/** Milliseconds until the next question about a task that was over before its provider: `slowMs`, twice that … 10 minutes. */
export function settleDelayMs({ slowMs }: PollSchedule, tries: number, random = Math.random): number {
  return spread(Math.min(slowMs * 2 ** Math.min(Math.max(tries - 1, 0), 20), LONGEST_SETTLING_MS), random);
}

/** Milliseconds until the download of an image is tried again: 0.5, 1, 2 … 60 s. */
export function downloadDelayMs(tries: number, random = Math.random): number {
  return spread(backoffMs(500, tries - 1), random);
}

const LONGEST_SETTING_ASIDE_MS = 600_000;

/**
 * Milliseconds for which a task is set aside whose worker died, or failed in a way that nobody foresaw: none the first
 * two times, which may be chance, then 2, 4, 8 s … 10 minutes, so that a task that kills is not what all workers do.
 */
export function setAsideMs(tries: number): number {
  return tries <= 2 ? 0 : Math.min(1000 * 2 ** (tries - 2), LONGEST_SETTING_ASIDE_MS);
}

/** Twice as long each time, from `baseMs` on. */
function backoffMs(baseMs: number, doublings: number): number {
  return Math.min(baseMs * 2 ** Math.min(Math.max(doublings, 0), 10), LONGEST_BACKOFF_MS);
}

function spread(ms: number, random: () => number): number {
  return Math.round(ms * (1 + JITTER * (2 * random() - 1)));
}
