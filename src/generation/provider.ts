/**
 * The words in which the domain and the providers speak. The domain declares them; `src/provider` speaks them.
 * Nothing here knows a wire format.
 */

export const RESOLUTIONS = ['R1K', 'R2K', 'R3K', 'R4K'] as const;
export type Resolution = (typeof RESOLUTIONS)[number];

export type ImageFormat = 'JPEG' | 'PNG' | 'WEBP' | 'AVIF';

export type { Mode } from '../workspace/caller.ts';
export type Thinking = 'DEFAULT' | 'FAST' | 'DEEP';
export type Safety = 'DEFAULT' | 'ON' | 'OFF';
export type ProgressBasis = 'REPORTED' | 'ESTIMATED' | 'NONE';
export type Billed = 'YES' | 'NO' | 'PARTLY' | 'UNKNOWN';

export type ProviderFeature =
  | 'SEED'
  | 'SAFETY_SWITCH'
  | 'WATERMARK_SWITCH'
  | 'THINKING'
  | 'STYLE'
  | 'COLORS'
  | 'OUTPUT_QUALITY'
  | 'REFERENCE_URL'
  | 'REFERENCE_BYTES'
  | 'WEBHOOK'
  | 'BATCH'
  | 'SERIES'
  | 'EXACT_PIXELS'
  | 'RECOVERABLE_SUBMIT';

export type FailureCode =
  | 'MODERATED_PROMPT'
  | 'MODERATED_OUTPUT'
  | 'PROVIDER_REJECTED'
  | 'PROVIDER_ERROR'
  | 'PROVIDER_UNREACHABLE'
  | 'PROVIDER_LOST'
  | 'RATE_LIMITED'
  | 'PROVIDER_CREDITS_EXHAUSTED'
  | 'NOT_DELIVERED'
  | 'REFERENCE_UNREACHABLE'
  | 'RESULT_UNAVAILABLE'
  | 'RESULT_INVALID'
  | 'DEADLINE_EXCEEDED'
  | 'OUTCOME_UNKNOWN'
  | 'CANCELED'
  | 'INTERNAL';

/** A decimal amount, as a string so that no digit is lost, and its ISO 4217 currency. */
export interface Money {
  amount: string;
  currency: string;
}

/** What went wrong, before it is known when. `message` is ours; `providerMessage` is the provider's own text. */
export interface Trouble {
  code: FailureCode;
  message: string;
  billed: Billed;
  retryable: boolean;
  providerCode: string | null;
  providerMessage: string | null;
}

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

/** What one provider accepts for one model: its limits, as data. */
export interface ProviderModel {
  /** Our slug of the model: `seedream-5.0-lite`. */
  model: string;
  /** The provider's own name of it, as sent on the wire. */
  providerModelId: string;
  promptLimit: number;
  promptLimitUnit: 'CHARACTERS';
  /** Images one call may ask for. */
  maxImages: number;
  maxReferences: number;
  /** The most that references and images may add up to; null where no such rule is known. */
  maxReferencesPlusImages: number | null;
  aspectRatios: readonly string[];
  resolutions: readonly Resolution[];
  /** Width times height of an exact size, in pixels; null where exact pixels are not offered. */
  pixelArea: { min: number; max: number } | null;
  /** Width divided by height of an exact size. */
  pixelRatio: { min: number; max: number } | null;
  outputFormats: readonly ImageFormat[];
  features: readonly ProviderFeature[];
  /** What its progress is worth. */
  progress: ProgressBasis;
  /** How long its result URLs live, in seconds. */
  resultTtlSeconds: number;
  /** Null where no price is documented: unknown is never zero. */
  pricePerImage: Money | null;
}

/** A size as one provider will be asked for it. */
export type RequestedSize = { width: number; height: number } | { aspectRatio: string; resolution: Resolution | null };

/** One call's worth of work, already fitted to the provider's limits. */
export interface ProviderRequest {
  model: string;
  prompt: string;
  images: number;
  series: boolean;
  /** Null: the provider's own default. */
  size: RequestedSize | null;
  references: { uri: string }[];
  seed: number | null;
  style: string | null;
  colors: string[] | null;
  thinking: Thinking;
  outputFormat: ImageFormat | null;
  outputQuality: number | null;
  watermark: boolean | null;
  safety: Safety;
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

/** What became of one submission. */
export type SubmitReport =
  | { kind: 'ACCEPTED'; providerTaskId: string; credits: string | null; etaSeconds: number | null }
  /** Provably not accepted, and asking again would not help. */
  | { kind: 'REFUSED'; failure: Trouble }
  /** Provably not accepted (never sent, or refused for now): the same task may be sent again later. */
  | { kind: 'NOT_NOW'; failure: Trouble; retryAfterMs: number | null }
  /** It left, and what came back does not say whether it was accepted. */
  | { kind: 'AMBIGUOUS'; failure: Trouble };

/** What goes with one submission beside the request. */
export interface Sending {
  submissionId: string;
  /** A UUID v4 made for this submission, for a provider whose tasks are named by the caller. */
  reference: string;
  /** Where the provider may report the end; null where none can reach us. */
  callbackUrl: string | null;
}

/** A submission that left, whatever became of it. */
export interface SentSubmission {
  id: string;
  reference: string;
  body: Record<string, unknown>;
}

/** What a provider says of a submission whose answer was lost. */
export type RecoverReport =
  | Extract<SubmitReport, { kind: 'ACCEPTED' | 'REFUSED' }>
  /** Not found out yet; `retryAfterMs` is what the provider asked for. */
  | { kind: 'UNKNOWN'; failure: Trouble; retryAfterMs: number | null };

/** One finished image at the provider. */
export interface ReportedImage {
  url: string;
  seed: string | null;
}

/** What a provider says about a task it accepted. */
export type PollReport =
  | { kind: 'PENDING'; etaSeconds: number | null }
  /** `percent` is 0 to 100, null where the provider gave none. */
  | { kind: 'RUNNING'; percent: number | null; etaSeconds: number | null }
  | { kind: 'FINISHED'; images: ReportedImage[]; credits: string | null }
  | { kind: 'FAILED'; failure: Trouble }
  /** The provider does not know the id, at least not now. */
  | { kind: 'MISSING'; failure: Trouble }
  /** The answer says nothing about the task: no connection, 401, 429, 5xx, or a body that cannot be read. */
  | { kind: 'SILENT'; failure: Trouble; retryAfterMs: number | null };
