import type { ListedPrice } from '../config/prices-file.ts';
import type { ProviderLimits } from '../generation/provider.ts';
import type { ProviderModel } from '../generation/provider-model.ts';
import type { Provider } from './provider.ts';

/** What the configuration says of one provider instead of its code; null where it says nothing. */
export interface Overrides {
  concurrency: number | null;
  requestsPerMinute: number | null;
  prices: readonly ListedPrice[];
}

/** The same provider with other limits, whatever the tier of its account, and other prices. */
export function overridden(provider: Provider, { concurrency, requestsPerMinute, prices }: Overrides): Provider {
  const { limits, limitsOf, models } = provider;
  const limited = (own: ProviderLimits): ProviderLimits => ({
    ...own,
    concurrency: concurrency ?? own.concurrency,
    requestsPerMinute: requestsPerMinute ?? own.requestsPerMinute,
  });
  return {
    ...provider,
    limits: limited(limits),
    limitsOf:
      limitsOf &&
      ((tier) => {
        const own = limitsOf(tier);
        return own && limited(own);
      }),
    models: models.map((model) => priced(model, prices)),
  };
}

function priced(model: ProviderModel, prices: readonly ListedPrice[]): ProviderModel {
  const own = prices.filter((price) => price.model === model.model);
  if (own.length === 0) return model;
  return {
    ...model,
    prices: own
      .map(({ from, amount, currency }) => ({ from, amount, currency }))
      .sort((one, other) => (one.from < other.from ? -1 : 1)),
  };
}
