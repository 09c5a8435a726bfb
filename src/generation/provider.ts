/**
 * The domain declares the words in which it and the providers speak: here those of an account, beside it those of models,
 * requests and reports. None of them knows a wire format.
 */

export type { Mode } from '../workspace/caller.ts';

/** When to ask a provider about a task it accepted, in milliseconds. */
export interface PollSchedule {
  /** From acceptance to the first question. */
  firstMs: number;
  /** Between questions while the task is younger than `fastForMs`. */
  fastMs: number;
  fastForMs: number;
  /** Between questions after that. */
  slowMs: number;
}

/** What may be sent to one account, for all workers together; null where no limit is documented. */
export interface ProviderLimits {
  /** Submissions that the provider works on at one time, batches too. */
  concurrency: number | null;
  /** Of these, batches. */
  batches?: number | null;
  /** Of all kinds together. */
  requestsPerMinute: number | null;
  /** A submission counts as many of them as it asks for images. */
  countsImages?: boolean;
  /** Orders in one submission; null: no more than the model says. */
  batch: number | null;
}

/** What is left at a provider, where it tells. */
export interface Account {
  creditsRemaining: string | null;
  tier: string | null;
}
