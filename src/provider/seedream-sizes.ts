import type { Pixels, SizeOffer } from '../generation/provider-model.ts';
import type { RequestedSize } from '../generation/provider-request.ts';

/** The tiers for which pixels are recommended. */
export type SeedreamTier = 'R2K' | 'R3K' | 'R4K';

/** Landscape; its transpose is recommended too. */
type Recommended = readonly [aspectRatio: string, width: number, height: number];

/** The pixels that ModelArk recommends for the model (providers.md §2.1); those of 4K are of the table of Seedream 4.5. */
const RECOMMENDED: Readonly<Record<SeedreamTier, readonly Recommended[]>> = {
  R2K: [
    ['1:1', 2048, 2048],
    ['4:3', 2304, 1728],
    ['16:9', 2848, 1600],
    ['3:2', 2496, 1664],
    ['21:9', 3136, 1344],
  ],
  R3K: [
    ['1:1', 3072, 3072],
    ['4:3', 3456, 2592],
    ['16:9', 4096, 2304],
    ['3:2', 3744, 2496],
    ['21:9', 4704, 2016],
  ],
  R4K: [
    ['1:1', 4096, 4096],
    ['4:3', 4704, 3520],
    ['16:9', 5504, 3040],
    ['3:2', 4992, 3328],
    ['21:9', 6240, 2656],
  ],
};

/** What providers of the model are sent for a ratio and a tier, by tier: nine ratios each. */
export const SEEDREAM_SIZES: Readonly<Record<SeedreamTier, readonly SizeOffer[]>> = {
  R2K: toOffers('R2K'),
  R3K: toOffers('R3K'),
  R4K: toOffers('R4K'),
};

/** Every ratio with each of these tiers, and without a tier, which is 2K: the default of the model is 2048x2048. */
export function offerSeedreamSizes(tiers: readonly SeedreamTier[]): SizeOffer[] {
  const withoutTier = SEEDREAM_SIZES.R2K.map((offer) => ({ ...offer, resolution: null }));
  return [...withoutTier, ...tiers.flatMap((tier) => SEEDREAM_SIZES[tier])];
}

/** The pixels of a size: its own, or those of the offer it names; null where no such offer has any. */
export function findPixels(sizes: readonly SizeOffer[], size: RequestedSize): Pixels | null {
  if ('width' in size) return size;
  const { aspectRatio, resolution } = size;
  const offer = sizes.find((each) => each.aspectRatio === aspectRatio && each.resolution === resolution);
  return offer?.pixels ?? null;
}

function toOffers(resolution: SeedreamTier): SizeOffer[] {
  return RECOMMENDED[resolution].flatMap(([aspectRatio, width, height]) => {
    const [across, down] = aspectRatio.split(':');
    const offer = { aspectRatio, resolution, pixels: { width, height } };
    const transposed = { aspectRatio: `${down}:${across}`, resolution, pixels: { width: height, height: width } };
    return width === height ? [offer] : [offer, transposed];
  });
}
