import type { Money, ProviderModel } from './provider.ts';

/** What one image costs at that time; null where no price is known, which is not zero. */
export function priceAt({ prices }: Pick<ProviderModel, 'prices'>, at: Date): Money | null {
  const day = at.toISOString().slice(0, 10);
  const price = prices.findLast(({ from }) => from <= day);
  return price ? { amount: price.amount, currency: price.currency } : null;
}
