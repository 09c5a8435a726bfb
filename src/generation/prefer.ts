import type { RouteQuote } from './quote.ts';
import type { Standing } from './standing.ts';
import type { Preference } from './types.ts';

/** Nothing is sent to it for now. */
export function isOpen({ openUntil }: Standing, at: Date): boolean {
  return openUntil !== null && openUntil > at;
}

/** The best of the eligible that are well, of all of them where none is; where they are equal the first. Null: of none. */
export function choose(
  eligible: readonly RouteQuote[],
  prefer: Preference,
  at: Date,
): { quote: RouteQuote; reason: string } | null {
  const well = eligible.filter(({ standing }) => !isOpen(standing, at));
  const candidates = well.length > 0 ? well : eligible;
  const ranks = rank(candidates, prefer);
  const least = Math.min(...ranks);
  const quote = candidates[ranks.indexOf(least)];
  if (!quote) return null;
  const passedOver = eligible.filter((each) => !candidates.includes(each));
  return { quote, reason: [why(candidates, ranks, prefer), ...troubles(passedOver, well.length)].join('; ') };
}

/** The lower the better. What is not known comes behind all that is. */
function rank(quotes: readonly RouteQuote[], prefer: Preference): number[] {
  const prices = pricesOf(quotes);
  const times = quotes.map(({ standing }) => standing.p50Seconds);
  if (prefer === 'CHEAPEST') return prices.map((price) => price ?? Number.POSITIVE_INFINITY);
  if (prefer === 'FASTEST') return times.map((time) => time ?? Number.POSITIVE_INFINITY);
  if ([...prices, ...times].every((each) => each === null)) return quotes.map(() => Number.POSITIVE_INFINITY);
  const [dearness, slowness] = [ratiosToLeast(prices), ratiosToLeast(times)];
  return quotes.map(({ standing }, i) => {
    const success = Math.max(standing.successRate ?? 1, LEAST_SUCCESS);
    return ((dearness[i] ?? 1) + (slowness[i] ?? 1)) / success;
  });
}

/** Else a provider that failed a few times in a row would never be tried again. */
const LEAST_SUCCESS = 0.05;

/** Of those in the currency of the first that has a price; amounts in another cannot be compared with it. */
function pricesOf(quotes: readonly RouteQuote[]): (number | null)[] {
  const currency = quotes.find(({ price }) => price !== null)?.price?.currency;
  return quotes.map(({ price }) => (price && price.currency === currency ? Number(price.amount) : null));
}

/** How many times the least each is; what is not known counts as the most that is, and as nothing where nothing is. */
function ratiosToLeast(values: readonly (number | null)[]): number[] {
  const known = values.filter((value) => value !== null);
  const [least, most] = [Math.min(...known), Math.max(...known)];
  return values.map((value) => {
    const counted = value ?? most;
    return known.length === 0 || counted === least ? 1 : counted / least;
  });
}

const BEST: Record<Preference, string> = {
  CHEAPEST: 'cheapest that fits',
  FASTEST: 'fastest that fits',
  BALANCED: 'best balance of price, time and success that fits',
};

const UNKNOWN: Record<Preference, string> = {
  CHEAPEST: 'first that fits, no price is known',
  FASTEST: 'first that fits, no time is known',
  BALANCED: 'first that fits, no price or time is known',
};

function why(candidates: readonly RouteQuote[], ranks: readonly number[], prefer: Preference): string {
  if (candidates.length === 1) return 'the only one that fits';
  if (ranks.every((each) => each === Number.POSITIVE_INFINITY)) return UNKNOWN[prefer];
  return BEST[prefer];
}

function troubles(passedOver: readonly RouteQuote[], well: number): string[] {
  if (well === 0) return ['none that fits is well, so it waits'];
  if (passedOver.length === 0) return [];
  const names = passedOver.map(({ provider, standing }) => `${provider.slug} (${standing.openCode ?? 'out of order'})`);
  return [`passed over until well: ${names.join(', ')}`];
}
