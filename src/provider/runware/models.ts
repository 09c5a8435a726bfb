import type { ProviderModel } from '../../generation/provider-model.ts';
import { offerSeedreamSizes } from '../seedream-sizes.ts';

const SIZES = offerSeedreamSizes(['R2K', 'R3K']);

/** What Runware accepts, from seed 001 and providers.md §3.1. What no source documents is not offered. */
export const RUNWARE_MODELS: readonly ProviderModel[] = [
  {
    model: 'seedream-5.0-lite',
    providerModelId: 'bytedance:seedream@5.0-lite',
    // Seed 001: `positivePrompt` 1 to 2000; the general page's 3000 is not of this model.
    promptLimit: 2000,
    promptLimitUnit: 'CHARACTERS',
    // Seed 001: `numberResults` 1 to 20, `inputs.referenceImages` 1 to 14.
    maxImages: 20,
    maxReferences: 14,
    // Seed 001 names a sum for sequential images only.
    maxReferencesPlusImages: null,
    // Seed 001 has `width` and `height` and no list of them; third parties print ModelArk's tables of 2K and 3K.
    sizes: SIZES,
    // Width and height are required: where nothing is asked for, the model's own default is sent (providers.md §2.1).
    defaultPixels: { width: 2048, height: 2048 },
    // UNKNOWN here: the range of the model itself is kept to (providers.md §2.1).
    pixelArea: { min: 3_686_400, max: 16_777_216 },
    pixelRatio: { min: 1 / 16, max: 16 },
    outputFormats: ['JPEG', 'PNG', 'WEBP'],
    // Bytes are taken too, as data URIs or base64; an address is shorter.
    features: [
      'SAFETY_SWITCH',
      'OUTPUT_QUALITY',
      'REFERENCE_URL',
      'REFERENCE_BYTES',
      'WEBHOOK',
      'SERIES',
      'EXACT_PIXELS',
      'RECOVERABLE_SUBMIT',
    ],
    // `progress` is optional, and image inference does not report it (providers.md §3.3).
    progress: 'ESTIMATED',
    // UNKNOWN without `ttl`: as long as most others keep results.
    resultTtlSeconds: 86_400,
    // Seen in third-party tables (providers.md §3.8), undated; what it cost comes with each result.
    prices: [{ from: '2026-01-01', amount: '0.035', currency: 'USD' }],
    // Seed 001: `maxSequentialImages` 1 to 15, and at most 15 together with references.
    series: { maxImages: 15, maxReferencesPlusImages: 15 },
    // 10 MB and at least 14 pixels are third parties' words, the rest is the model's own rule (providers.md §2.1, §8).
    references: {
      form: 'URL',
      schemes: ['http', 'https'],
      formats: ['jpeg', 'png', 'webp', 'bmp', 'tiff', 'gif'],
      maxBytes: 10_000_000,
      maxTotalBytes: null,
      ratio: { min: 1 / 16, max: 16 },
      maxPixels: 36_000_000,
      minSide: 15,
    },
    // Seed 001: `outputQuality` 20 to 99.
    qualities: { min: 20, max: 99 },
    maxBatch: 1,
  },
];
