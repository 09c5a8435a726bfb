import type { FailureCode } from './failure-code.ts';

/** How a provider is doing, as every process sees it: what it may be chosen by. */
export interface Standing {
  /** Until then nothing is sent to it; null: it is well. */
  openUntil: Date | null;
  /** Why, for the operator; null while it is well. */
  openCode: FailureCode | null;
  openReason: string | null;
  /** Of the tasks that ended of late, the share that succeeded; null where there were none. */
  successRate: number | null;
  /** From its submission to its last image kept, in seconds, of the tasks that succeeded of late; null where there were none. */
  p50Seconds: number | null;
  p95Seconds: number | null;
  creditsRemaining: string | null;
  tier: string | null;
  /** When the account was last told. */
  accountAt: Date | null;
}

/** Of a provider nobody knows anything about. */
export const UNKNOWN_STANDING: Standing = {
  openUntil: null,
  openCode: null,
  openReason: null,
  successRate: null,
  p50Seconds: null,
  p95Seconds: null,
  creditsRemaining: null,
  tier: null,
  accountAt: null,
};
