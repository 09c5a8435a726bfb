import type { PollSchedule } from './provider.ts';

const JITTER = 0.1;
const LONGEST_BACKOFF_MS = 60_000;

/**
 * Milliseconds from now to the next poll of a task (seed 000: every 2 to 3 s for the first 20 s, then every 5 to 10 s).
 * `silences` counts the answers in a row that said nothing; `retryAfterMs` is what the provider asked for.
 */
export function pollDelayMs(
  schedule: PollSchedule,
  { ageMs, silences, retryAfterMs }: { ageMs: number; silences: number; retryAfterMs: number | null },
  random = Math.random,
): number {
  const usual = ageMs < schedule.fastForMs ? schedule.fastMs : schedule.slowMs;
  const slowed = silences === 0 ? usual : backoffMs(usual, silences);
  return Math.max(spread(slowed, random), retryAfterMs ?? 0);
}

/** Milliseconds until a task that was not accepted is sent again: 1, 2, 4 … 60 s, or later where the provider says so. */
export function resubmitDelayMs(tries: number, retryAfterMs: number | null, random = Math.random): number {
  return Math.max(spread(backoffMs(1000, tries - 1), random), retryAfterMs ?? 0);
}

/** Milliseconds until the download of an image is tried again: 0.5, 1, 2 … 60 s. */
export function downloadDelayMs(tries: number, random = Math.random): number {
  return spread(backoffMs(500, tries - 1), random);
}

/** Twice as long each time, from `baseMs` on. */
function backoffMs(baseMs: number, doublings: number): number {
  return Math.min(baseMs * 2 ** Math.min(Math.max(doublings, 0), 10), LONGEST_BACKOFF_MS);
}

function spread(ms: number, random: () => number): number {
  return Math.round(ms * (1 + JITTER * (2 * random() - 1)));
}
