import type { Pixels, ProviderModel, SizeOffer } from '../../generation/provider-model.ts';

const RATIOS = ['1:1', '4:3', '3:4', '16:9', '9:16', '3:2', '2:3', '21:9'];
const TIERS = ['R2K', 'R3K'] as const;

/** The examples of seed 002; it prints no others. */
const PIXELS: Record<(typeof TIERS)[number], Record<string, Pixels>> = {
  R2K: { '1:1': { width: 2048, height: 2048 }, '16:9': { width: 2848, height: 1600 } },
  R3K: { '1:1': { width: 3072, height: 3072 }, '16:9': { width: 4096, height: 2304 } },
};

/** What reAPI accepts, from seed 002 and providers.md §4. What no source documents is not offered. */
export const REAPI_MODELS: readonly ProviderModel[] = [
  {
    model: 'seedream-5.0-lite',
    // Dotted and capitalised names are refused.
    providerModelId: 'doubao-seedream-5-0-lite',
    promptLimit: 4000,
    promptLimitUnit: 'CHARACTERS',
    maxImages: 4,
    // UNKNOWN in seed 002. The site's own form takes 20; the model behind it refuses the 15th (providers.md §2.1, §4.1).
    maxReferences: 14,
    // UNKNOWN here too; several images are a sequence of that model, where both add up to at most 15.
    maxReferencesPlusImages: 15,
    sizes: [...RATIOS.flatMap(offer), ...offer('auto').map((each) => ({ ...each, needsReferences: true as const }))],
    // The defaults of `size` and `resolution` are 1:1 and 2K.
    defaultPixels: { width: 2048, height: 2048 },
    pixelArea: null,
    pixelRatio: null,
    outputFormats: ['JPEG', 'PNG'],
    features: ['WATERMARK_SWITCH', 'REFERENCE_URL', 'SERIES'],
    // There is no progress field (providers.md §4.2).
    progress: 'ESTIMATED',
    // Seed 002: URLs are valid for 72 hours.
    resultTtlSeconds: 259_200,
    // Flat credits for each image, of which no document says how many.
    prices: [],
    // `max_images` is of the same sequence; its range is UNKNOWN, so it stays within that of `n`.
    series: { maxImages: 4, maxReferencesPlusImages: 15 },
    // Seed 002: public HTTPS only, jpeg or png, 1/3 to 3, 10 MB, 6000x6000 pixels.
    references: {
      form: 'URL',
      schemes: ['https'],
      formats: ['jpeg', 'png'],
      maxBytes: 10_000_000,
      maxTotalBytes: null,
      ratio: { min: 1 / 3, max: 3 },
      maxPixels: 36_000_000,
      minSide: 1,
    },
    qualities: null,
    maxBatch: 1,
  },
];

/** A ratio without a tier is 2K. */
function offer(aspectRatio: string): SizeOffer[] {
  return [null, ...TIERS].map((resolution) => ({
    aspectRatio,
    resolution,
    pixels: PIXELS[resolution ?? 'R2K'][aspectRatio] ?? null,
  }));
}
