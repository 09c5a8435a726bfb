import type { ImageFormat, Pixels, Resolution } from './provider-model.ts';

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

/** A size as one provider will be asked for it. */
export type RequestedSize = Pixels | { aspectRatio: string; resolution: Resolution | null };

export type Thinking = 'DEFAULT' | 'FAST' | 'DEEP';
export type Safety = 'DEFAULT' | 'ON' | 'OFF';

/** Typed extras of one provider: asking for one makes the others ineligible. */
export interface ProviderOptions {
  runware: { optimizePrompt: 'STANDARD' | 'FAST' | null; ttlSeconds: number | null } | null;
  modelark: { webSearch: boolean | null } | null;
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
