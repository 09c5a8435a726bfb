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

/** A width and a height, in pixels. */
export interface Pixels {
  width: number;
  height: number;
}

/** A ratio and a tier that may be asked for together. */
export interface SizeOffer {
  /** `16:9`, or `auto`. */
  aspectRatio: string;
  /** Null: the ratio without a tier. */
  resolution: Resolution | null;
  /** What the provider documents that it makes of them; null where no source says. */
  pixels: Pixels | null;
  /** It goes with reference images only. */
  needsReferences?: true;
}

/** What a provider takes as a reference image. */
export interface ReferenceRules {
  /** URL: it fetches the address itself. DATA_URI: a worker fetches it, and sends the bytes. */
  form: 'URL' | 'DATA_URI';
  schemes: readonly ('http' | 'https')[];
  /** As libvips names them: `jpeg`, `png`, `webp`, `tiff`, `gif`, `heif`, and `bmp`. */
  formats: readonly string[];
  maxBytes: number;
  /** Width divided by height; null where no such rule is known. */
  ratio: { min: number; max: number } | null;
  /** Width times height; null where no such rule is known. */
  maxPixels: number | null;
  /** The least of width and height, in pixels. */
  minSide: number;
}

/** What one image costs from a day on. */
export interface DatedPrice extends Money {
  /** `YYYY-MM-DD`, UTC. */
  from: string;
}

/** What may be sent to one account, for all workers together; null where no limit is documented. */
export interface ProviderLimits {
  /** Submissions that the provider works on at one time. */
  concurrency: number | null;
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
  /** Every ratio with every tier it may go with. */
  sizes: readonly SizeOffer[];
  /** What it makes where no size is asked for; null where no source says. */
  defaultPixels: Pixels | null;
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
  /** Of a request for a series; null where there is none. */
  series: { maxImages: number; maxReferencesPlusImages: number | null } | null;
  /** Null where it takes no references. */
  references: ReferenceRules | null;
  /** Of `outputQuality`; null where it cannot be chosen. */
  qualities: { min: number; max: number } | null;
  /** Orders that one submission may carry, each a task of its own; 1 where there are no batches. */
  maxBatch: number;
  /** Oldest first; empty where no price is documented: unknown is never zero. */
  prices: readonly DatedPrice[];
}

/** A size as one provider will be asked for it. */
export type RequestedSize = Pixels | { aspectRatio: string; resolution: Resolution | null };

/** Typed extras of one provider: asking for one makes the others ineligible. */
export interface ProviderOptions {
  runware: { optimizePrompt: 'STANDARD' | 'FAST' | null; ttlSeconds: number | null } | null;
  modelark: { webSearch: boolean | null } | null;
}

/** One call's worth of work, already fitted to the provider's limits. */
export interface ProviderRequest {
  model: string;
  prompt: string;
  images: number;
  series: boolean;
  /** Null: the provider's own default. */
  size: RequestedSize | null;
  /** http or https; for a provider that takes bytes, data URIs by the time it is composed. */
  references: { uri: string }[];
  seed: number | null;
  style: string | null;
  colors: string[] | null;
  thinking: Thinking;
  outputFormat: ImageFormat | null;
  outputQuality: number | null;
  watermark: boolean | null;
  safety: Safety;
  /** Absent in tasks of earlier releases. */
  options?: ProviderOptions;
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
  /** By a provider that answers with the images themselves. */
  | Finished
  /** Provably not accepted, and asking again would not help. */
  | { kind: 'REFUSED'; failure: Trouble }
  /** Provably not accepted (never sent, or refused for now): the same task may be sent again later. */
  | { kind: 'NOT_NOW'; failure: Trouble; retryAfterMs: number | null }
  /** It left, and what came back does not say whether it was accepted. */
  | { kind: 'AMBIGUOUS'; failure: Trouble };

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
