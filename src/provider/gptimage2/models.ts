import type { ProviderModel } from '../../generation/provider-model.ts';
import { offerSizes } from '../size-offers.ts';

const ASPECT_RATIOS = ['auto', '1:1', '2:3', '3:2', '3:4', '4:3', '4:5', '5:4', '9:16', '16:9', '21:9'];
const RESOLUTIONS = ['R2K', 'R4K'] as const;

/** What GPTImage2 accepts, from seed 000 §3.3 and providers.md §1.1. What no source documents is not offered. */
export const GPTIMAGE2_MODELS: readonly ProviderModel[] = [
  {
    model: 'seedream-5.0-lite',
    providerModelId: 'doubao-seedream-5.0-lite',
    // Seed 000 says 2000 tokens, the vendor's own package 2000 characters: the second satisfies both.
    promptLimit: 2000,
    promptLimitUnit: 'CHARACTERS',
    // Seed 000: `n` 1 to 15, up to 14 `image_urls`, and both together at most 15.
    maxImages: 15,
    maxReferences: 14,
    maxReferencesPlusImages: 15,
    sizes: offerSizes(ASPECT_RATIOS, RESOLUTIONS),
    // Seed 000: the default of `size`.
    defaultPixels: { width: 2048, height: 2048 },
    // Seed 000: 2560x1440 to 4096x4096, read as areas, and a ratio of 1/16 to 16.
    pixelArea: { min: 3_686_400, max: 16_777_216 },
    pixelRatio: { min: 1 / 16, max: 16 },
    // No source offers a choice of format (providers.md §8).
    outputFormats: [],
    features: ['REFERENCE_URL', 'WEBHOOK', 'EXACT_PIXELS'],
    // `progress` 0 to 100 in each poll (providers.md §1.2).
    progress: 'REPORTED',
    // Seed 000 §3.2, step 3: links are valid for 24 hours.
    resultTtlSeconds: 86_400,
    // Credits only; what a credit costs is documented nowhere.
    prices: [],
    series: null,
    // Seed 000 §3.3: fetched by the provider, at most 10 MB, 1/16 to 16, 6000x6000 pixels.
    references: {
      form: 'URL',
      schemes: ['http', 'https'],
      formats: ['jpeg', 'png', 'webp', 'bmp', 'tiff', 'gif'],
      maxBytes: 10_000_000,
      maxTotalBytes: null,
      ratio: { min: 1 / 16, max: 16 },
      maxPixels: 36_000_000,
      minSide: 1,
    },
    qualities: null,
    maxBatch: 1,
  },
];
