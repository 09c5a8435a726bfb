import type { ProviderModel } from '../../generation/provider-model.ts';
import { PRESETS } from './presets.ts';

/** What 3D AI Studio accepts, from seed 003 and providers.md §5. What no source documents is not offered. */
export const THREEDAISTUDIO_MODELS: readonly ProviderModel[] = [
  {
    model: 'seedream-5.0-lite',
    // The path is the name: there is no field for it.
    providerModelId: 'seedream/v5/lite',
    // UNKNOWN: what GPTImage2 and Runware take for the same model.
    promptLimit: 2000,
    promptLimitUnit: 'CHARACTERS',
    // Seed 003: `num_images` 1 to 6, and 1 to 10 `image_urls` to edit; no sum is named.
    maxImages: 6,
    maxReferences: 10,
    maxReferencesPlusImages: null,
    // The pixels of the presets are UNKNOWN.
    sizes: PRESETS.map(({ aspectRatio, resolution }) => ({ aspectRatio, resolution, pixels: null })),
    defaultPixels: null,
    pixelArea: null,
    pixelRatio: null,
    outputFormats: [],
    features: ['SEED', 'SAFETY_SWITCH', 'REFERENCE_BYTES'],
    // `progress` 0 to 100 in each poll (seed 003).
    progress: 'REPORTED',
    // Seed 003: results expire after 24 hours.
    resultTtlSeconds: 86_400,
    // 10 credits an image; what a credit costs is documented nowhere.
    prices: [],
    series: null,
    // Seed 003: base64 data URIs of images, and no more; the rest is the model's own rule (providers.md §2.1).
    references: {
      form: 'DATA_URI',
      schemes: ['http', 'https'],
      formats: ['jpeg', 'png', 'webp'],
      maxBytes: 10_000_000,
      // UNKNOWN, and our own care: they go in one body, 64 MB of it as base64, and ten of the largest would be 133 MB.
      maxTotalBytes: 48_000_000,
      ratio: { min: 1 / 16, max: 16 },
      maxPixels: 36_000_000,
      minSide: 15,
    },
    qualities: null,
    maxBatch: 1,
  },
];
