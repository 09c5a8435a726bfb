import type { Money } from './money.ts';

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

/** A width and a height, in pixels. */
export interface Pixels {
  width: number;
  height: number;
}

export const RESOLUTIONS = ['R1K', 'R2K', 'R3K', 'R4K'] as const;
export type Resolution = (typeof RESOLUTIONS)[number];
export type ImageFormat = 'JPEG' | 'PNG' | 'WEBP' | 'AVIF';

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

export type ProgressBasis = 'REPORTED' | 'ESTIMATED' | 'NONE';

/** What a provider takes as a reference image. */
export interface ReferenceRules {
  /** URL: it fetches the address itself. DATA_URI: a worker fetches it, and sends the bytes. */
  form: 'URL' | 'DATA_URI';
  schemes: readonly ('http' | 'https')[];
  /** As libvips names them: `jpeg`, `png`, `webp`, `tiff`, `gif`, `heif`, and `bmp`. */
  formats: readonly string[];
  maxBytes: number;
  /** Of all references of one request together, as fetched; null where no such rule is known. */
  maxTotalBytes: number | null;
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
