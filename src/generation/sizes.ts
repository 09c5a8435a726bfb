import { RESOLUTIONS, type Resolution, type SizeOffer } from './provider-model.ts';

/** The ratios on offer, each once. */
export function ratiosOf(sizes: readonly SizeOffer[]): string[] {
  return [...new Set(sizes.map(({ aspectRatio }) => aspectRatio))];
}

/** The tiers that some ratio goes with, from the smallest. */
export function tiersOf(sizes: readonly SizeOffer[]): Resolution[] {
  return RESOLUTIONS.filter((tier) => sizes.some(({ resolution }) => resolution === tier));
}
