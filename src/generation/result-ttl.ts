import type { ProviderModel } from './provider-model.ts';
import type { ProviderRequest } from './provider-request.ts';

/** What most of them grant; for a model that its provider no longer offers. */
const USUAL_TTL_SECONDS = 86_400;

/** How long the result URLs of a request live, in seconds: as its provider says, or as the caller asked. */
export function resultTtlOf(models: readonly ProviderModel[], { model, options }: ProviderRequest): number {
  const usual = models.find((each) => each.model === model)?.resultTtlSeconds ?? USUAL_TTL_SECONDS;
  return Math.min(usual, options?.runware?.ttlSeconds ?? usual);
}
