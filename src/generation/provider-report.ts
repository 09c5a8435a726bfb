import type { Trouble } from './failure-code.ts';
import type { Money } from './money.ts';

/** What became of one submission. */
export type SubmitReport =
  | { kind: 'ACCEPTED'; providerTaskId: string; credits: string | null; etaSeconds: number | null }
  /** By a provider that answers with the images themselves. */
  | Finished
  /** Provably not accepted, and asking again would not help. */
  | { kind: 'REFUSED'; failure: Trouble }
  /** Provably not accepted (never sent, or refused for now): the same task may be sent again later. */
  | { kind: 'NOT_NOW'; failure: Trouble; retryAfterMs: number | null }
  /** It left, and what came back does not say whether it was accepted. */
  | { kind: 'AMBIGUOUS'; failure: Trouble };

/** What a provider says of a submission whose answer was lost. */
export type RecoverReport =
  | Extract<SubmitReport, { kind: 'ACCEPTED' | 'REFUSED' }>
  /** Not found out yet; `retryAfterMs` is what the provider asked for. */
  | { kind: 'UNKNOWN'; failure: Trouble; retryAfterMs: number | null };

/** What a provider says about a task it accepted. */
export type PollReport =
  /** `percent` is an estimate, of one that has waited for long. */
  | { kind: 'PENDING'; etaSeconds: number | null; percent?: number }
  /**
   * `percent` is 0 to 100, null where the provider gave none; `basis` is there where it is an estimate of ours. `images`
   * are there already, before the others: at the deadline they are what came.
   */
  | {
      kind: 'RUNNING';
      percent: number | null;
      etaSeconds: number | null;
      basis?: 'ESTIMATED';
      images?: ReportedImage[];
    }
  | Finished
  | { kind: 'FAILED'; failure: Trouble }
  /** The provider does not know the id, at least not now. */
  | { kind: 'MISSING'; failure: Trouble }
  /** The answer says nothing about the task: no connection, 401, 429, 5xx, or a body that cannot be read. */
  | { kind: 'SILENT'; failure: Trouble; retryAfterMs: number | null };

/** What came of a task: its images, and why each of those that are missing is missing, where the provider says. */
export interface Finished {
  kind: 'FINISHED';
  images: ReportedImage[];
  /** One for each image that was not made; shorter or absent where nothing more is known. */
  undelivered?: readonly Trouble[];
  credits: string | null;
  /** What it cost, where the provider says so in money. */
  cost?: Money | null;
}

/** One finished image at the provider. */
export interface ReportedImage {
  /** What the provider calls it, in every list and for good; null or absent where it gives no name. */
  name?: string | null;
  url: string;
  seed: string | null;
}

/** One HTTP request to a provider and its answer, redacted: no key, bodies clipped. */
export interface Exchange {
  at: Date;
  method: string;
  url: string;
  /** Null when no answer came. */
  status: number | null;
  durationMs: number;
  requestBody: unknown;
  responseBody: unknown;
  /** What was wrong or odd about it: a transport error, an unreadable body, a word nobody documented. */
  error: string | null;
}
