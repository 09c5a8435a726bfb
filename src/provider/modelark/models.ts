import type { ProviderModel, Resolution, SizeOffer } from '../../generation/provider-model.ts';
import { offerSeedreamSizes } from '../seedream-sizes.ts';

const RESOLUTIONS = ['R2K', 'R3K', 'R4K'] as const;

/** With a label the model chooses the ratio from the prompt: its pixels are not known beforehand. */
const AUTO: readonly SizeOffer[] = [null, ...RESOLUTIONS].map((resolution: Resolution | null) => ({
  aspectRatio: 'auto',
  resolution,
  pixels: null,
}));

/** What BytePlus ModelArk accepts, from providers.md §2. What no source documents is not offered. */
export const MODELARK_MODELS: readonly ProviderModel[] = [
  {
    model: 'seedream-5.0-lite',
    providerModelId: 'seedream-5-0-260128',
    // No limit is documented; 600 words are recommended, which is about as many characters as this.
    promptLimit: 4000,
    promptLimitUnit: 'CHARACTERS',
    // There is no `n`: several images are a series.
    maxImages: 1,
    maxReferences: 14,
    maxReferencesPlusImages: 15,
    sizes: [...AUTO, ...offerSeedreamSizes(RESOLUTIONS)],
    // The default of `size`.
    defaultPixels: { width: 2048, height: 2048 },
    pixelArea: { min: 3_686_400, max: 16_777_216 },
    pixelRatio: { min: 1 / 16, max: 16 },
    outputFormats: ['JPEG', 'PNG'],
    features: ['WATERMARK_SWITCH', 'REFERENCE_URL', 'REFERENCE_BYTES', 'SERIES', 'EXACT_PIXELS'],
    // Each image of a series is told of, and nothing on the way to one.
    progress: 'ESTIMATED',
    resultTtlSeconds: 86_400,
    // `max_images` 1 to 15, references and images at most 15.
    series: { maxImages: 15, maxReferencesPlusImages: 15 },
    // Sources disagree on 10 or 30 MB, and on HEIC: the narrower of each satisfies both. Each side over 14 pixels.
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
    qualities: null,
    maxBatch: 1,
    // The price of BytePlus is documented nowhere.
    prices: [],
  },
];
