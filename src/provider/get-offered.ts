import type { ProviderModel } from '../generation/provider-model.ts';

// A request is held against the limits long before; what is not offered is an error here, never a silent default.

/** The limits of a model, by our slug of it. */
export function getModel(provider: string, models: readonly ProviderModel[], slug: string): ProviderModel {
  const known = models.find(({ model }) => model === slug);
  if (!known) throw new Error(`${provider} does not offer the model ${slug}.`);
  return known;
}

/** The provider's word for one of ours. */
export function getWord<Ours extends string>(
  provider: string,
  words: Partial<Record<Ours, string>>,
  ours: Ours,
): string {
  const known = words[ours];
  if (!known) throw new Error(`${provider} does not offer ${ours}.`);
  return known;
}
