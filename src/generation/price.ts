import Big from 'big.js';
import type { Money } from './money.ts';
import type { ProviderModel } from './provider-model.ts';

/** What one image costs at that time; null where no price is known, which is not zero. */
export function priceAt({ prices }: Pick<ProviderModel, 'prices'>, at: Date): Money | null {
  const day = at.toISOString().slice(0, 10);
  const price = prices.findLast(({ from }) => from <= day);
  return price ? { amount: price.amount, currency: price.currency } : null;
}

/** What so many images cost at that time; null where no price is known. */
export function priceOf(model: Pick<ProviderModel, 'prices'>, images: number, at: Date): Money | null {
  const price = priceAt(model, at);
  return price && { ...price, amount: new Big(price.amount).times(images).toFixed() };
}
