import type { PollSchedule } from './provider.ts';

const JITTER = 0.1;
const MOST_BETWEEN_SUBMITS_MS = 60_000;
const MOST_BETWEEN_TROUBLED_POLLS_MS = 60_000;

/**
 * Milliseconds from now to the next poll of a task (seed 000: every 2 to 3 s for the first 20 s, then every 5 to 10 s).
 * `troubles` counts the answers in a row that said nothing; `retryAfterMs` is what the provider asked for.
 */
export function pollDelayMs(
  schedule: PollSchedule,
  { ageMs, troubles, retryAfterMs }: { ageMs: number; troubles: number; retryAfterMs: number | null },
  random = Math.random,
): number {
  const usual = ageMs < schedule.fastForMs ? schedule.fastMs : schedule.slowMs;
  const slowed = troubles === 0 ? usual : Math.min(usual * 2 ** Math.min(troubles, 10), MOST_BETWEEN_TROUBLED_POLLS_MS);
  return Math.max(spread(slowed, random), retryAfterMs ?? 0);
}

/** Milliseconds until a task that was not accepted is sent again: 1, 2, 4 … 60 s, or later where the provider says so. */
export function resubmitDelayMs(tries: number, retryAfterMs: number | null, random = Math.random): number {
  const backoff = Math.min(1000 * 2 ** Math.min(Math.max(tries - 1, 0), 10), MOST_BETWEEN_SUBMITS_MS);
  return Math.max(spread(backoff, random), retryAfterMs ?? 0);
}

/** Milliseconds until the download of an image is tried again: 0.5, 1, 2 … 60 s. */
export function downloadDelayMs(tries: number, random = Math.random): number {
  return spread(Math.min(500 * 2 ** Math.min(Math.max(tries - 1, 0), 10), 60_000), random);
}

function spread(ms: number, random: () => number): number {
  return Math.round(ms * (1 + JITTER * (2 * random() - 1)));
}
