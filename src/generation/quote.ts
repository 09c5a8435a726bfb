import Big from 'big.js';
import type { CatalogueEntry } from './domain.ts';
import { type Fitted, fitInput } from './fit.ts';
import type { CreateInput, Refusal } from './input.ts';
import type { Money } from './money.ts';
import { choose } from './prefer.ts';
import { priceOf } from './price.ts';
import type { ProviderModel } from './provider-model.ts';
import type { Standing } from './standing.ts';

/** A provider with what it offers of the model asked for, and how it is doing. */
export interface Offer {
  provider: CatalogueEntry;
  model: ProviderModel;
  standing: Standing;
}

/** What keeps a provider from being asked: it is not among those named, its limits, or what it would cost. */
type Barrier = 'EXCLUDED' | 'LIMITS' | 'COST';

/** What one provider would make of an order. */
export interface RouteQuote extends Offer {
  /** What it would be asked for; null where it is not eligible, and the refusals say why. */
  fitted: Fitted | null;
  barrier: Barrier | null;
  refusals: Refusal[];
  /** Of all images together; null where no price is known, which is not zero. */
  price: Money | null;
  /** Why it is the one to be asked; null for every other. */
  reason: string | null;
}

/**
 * What each provider would make of a sound input, in the order given; one that is eligible is chosen, if any is. Pure:
 * a quote, a purchase and a fallback come to the same choice from the same data.
 */
export function quoteRoutes(offers: readonly Offer[], input: CreateInput, at: Date): RouteQuote[] {
  const quotes = offers.map((offer) => quoteOne(offer, input, at));
  const eligible = quotes.filter(({ fitted }) => fitted !== null);
  const choice = choose(eligible, input.routing.prefer ?? 'BALANCED', at);
  return quotes.map((quote) => (quote === choice?.quote ? { ...quote, reason: choice.reason } : quote));
}

function quoteOne(offer: Offer, input: CreateInput, at: Date): RouteQuote {
  const { slug } = offer.provider;
  const { providers, maxCost } = input.routing;
  const price = priceOf(offer.model, input.images, at);
  const known = { ...offer, price, reason: null };
  if (providers && !providers.includes(slug)) return { ...known, ...stopped('EXCLUDED', [notNamed(slug)]) };
  const fitted = fitInput(input, slug, offer.model);
  if (!fitted.fits) return { ...known, ...stopped('LIMITS', fitted.refusals) };
  const tooDear = maxCost ? costMessage(price, maxCost) : null;
  if (tooDear === null) return { ...known, fitted, barrier: null, refusals: [] };
  return { ...known, ...stopped('COST', [{ provider: slug, path: ['maxCost'], message: tooDear, allowed: null }]) };
}

function stopped(barrier: Barrier, refusals: Refusal[]) {
  return { fitted: null, barrier, refusals };
}

function notNamed(provider: string): Refusal {
  return { provider, path: ['routing', 'providers'], message: 'routing.providers does not name it.', allowed: null };
}

/** What nobody knows the price of cannot be held to a limit. Null: it is within it. */
function costMessage(price: Money | null, maxCost: Money): string | null {
  const limit = `maxCost, ${maxCost.amount} ${maxCost.currency}`;
  if (price === null) return `No price of it is known, so it cannot be held to ${limit}.`;
  if (price.currency !== maxCost.currency)
    return `It costs ${price.amount} ${price.currency}; ${limit}, is another currency.`;
  if (new Big(price.amount).lte(maxCost.amount)) return null;
  return `It costs ${price.amount} ${price.currency}, more than ${limit}.`;
}
