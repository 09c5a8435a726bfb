import type { ProviderLimits } from '../../generation/provider.ts';
import type { Pixels, ProviderModel, SizeOffer } from '../../generation/provider-model.ts';

/** Seed 004, "Aspect Ratios": what each of them is made as. */
const PIXELS: readonly (readonly [aspectRatio: string, pixels: Pixels])[] = [
  ['1:1', { width: 1024, height: 1024 }],
  ['16:9', { width: 1360, height: 768 }],
  ['9:16', { width: 768, height: 1360 }],
  ['4:3', { width: 1184, height: 888 }],
  ['3:4', { width: 888, height: 1184 }],
  ['3:2', { width: 1248, height: 832 }],
];

const SIZES: readonly SizeOffer[] = PIXELS.flatMap(([aspectRatio, pixels]) => [
  { aspectRatio, resolution: null, pixels },
  { aspectRatio, resolution: 'R1K', pixels },
]);

/** What Seedance accepts, from seed 004 and providers.md §6. What no source documents is not offered. */
export const SEEDANCE_MODELS: readonly ProviderModel[] = [
  {
    model: 'seedream-5.0-lite',
    providerModelId: 'seedream-5.0-lite',
    promptLimit: 1000,
    promptLimitUnit: 'CHARACTERS',
    // There is no `n`, and no field for a reference.
    maxImages: 1,
    maxReferences: 0,
    maxReferencesPlusImages: null,
    sizes: SIZES,
    // `aspect_ratio` is 1:1 unless asked for.
    defaultPixels: { width: 1024, height: 1024 },
    pixelArea: null,
    pixelRatio: null,
    // Each result comes as PNG and as WebP; the first is kept.
    outputFormats: [],
    features: ['THINKING', 'STYLE', 'COLORS', 'WEBHOOK', 'BATCH'],
    // `progress` 0 to 1 in each poll.
    progress: 'REPORTED',
    resultTtlSeconds: 86_400,
    series: null,
    references: null,
    qualities: null,
    // "Batch Limits"; a tier may allow fewer.
    maxBatch: 50,
    // Seed 004, of that day: $0.07 per image.
    prices: [{ from: '2026-04-10', amount: '0.07', currency: 'USD' }],
  },
];

/** Seed 004, "Batch Limits". */
const BATCHES = 5;

/** Seed 004, "Rate Limits by Tier". */
const LIMITS: ReadonlyMap<string, ProviderLimits> = new Map([
  ['free', { requestsPerMinute: 10, concurrency: 2, batches: BATCHES, batch: 5 }],
  ['starter', { requestsPerMinute: 30, concurrency: 5, batches: BATCHES, batch: 20 }],
  ['popular', { requestsPerMinute: 60, concurrency: 10, batches: BATCHES, batch: 30 }],
  ['pro', { requestsPerMinute: 120, concurrency: 20, batches: BATCHES, batch: 50 }],
  ['enterprise', { requestsPerMinute: 240, concurrency: 50, batches: BATCHES, batch: 50 }],
]);

/** Those of the lowest tier, until the account tells its own. */
export const LEAST_LIMITS: ProviderLimits = { requestsPerMinute: 10, concurrency: 2, batches: BATCHES, batch: 5 };

export function limitsOf(tier: string): ProviderLimits | null {
  return LIMITS.get(tier.toLowerCase()) ?? null;
}
