import type { Resolution, SizeOffer } from '../generation/provider-model.ts';

/** Every ratio without a tier and with each of these, where the provider documents no pixels. */
export function offerSizes(aspectRatios: readonly string[], resolutions: readonly Resolution[]): SizeOffer[] {
  return aspectRatios.flatMap((aspectRatio) =>
    [null, ...resolutions].map((resolution) => ({ aspectRatio, resolution, pixels: null })),
  );
}
