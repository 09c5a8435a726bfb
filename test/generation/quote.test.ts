import { expect, test } from 'vitest';
import type { FailureCode } from '../../src/generation/failure-code.ts';
import type { CreateInput } from '../../src/generation/input.ts';
import type { ProviderModel } from '../../src/generation/provider-model.ts';
import { type Offer, quoteRoutes } from '../../src/generation/quote.ts';
import { type Standing, UNKNOWN_STANDING } from '../../src/generation/standing.ts';
import type { Routing } from '../../src/generation/types.ts';
import { sampleInput, sampleModel } from './samples.ts';

const AT = new Date('2026-11-21T12:00:00Z');
const LATER = new Date('2026-11-21T12:00:01Z');

/** What is known of a provider: its price in USD, its standing, its limits. */
interface Known extends Partial<Standing> {
  price?: string | [amount: string, currency: string];
  limits?: Partial<ProviderModel>;
}

function offersOf(known: Record<string, Known>): Offer[] {
  return Object.entries(known).map(([slug, { price, limits, ...standing }]): Offer => {
    const [amount, currency] = Array.isArray(price) ? price : [price, 'USD'];
    const prices = amount === undefined ? [] : [{ from: '2026-01-01', amount, currency }];
    const model = sampleModel({ prices, ...limits });
    const nothing = { concurrency: null, requestsPerMinute: null, batch: null };
    const provider = {
      slug,
      name: slug,
      mode: 'TEST',
      models: [model],
      limits: nothing,
      isSynchronous: false,
      resultsLag: false,
    } as const;
    return { provider, model, standing: { ...UNKNOWN_STANDING, ...standing } };
  });
}

const routed = (routing: Partial<Routing>, changes: Partial<CreateInput> = {}) =>
  sampleInput({ ...changes, routing: { onUncertain: 'WAIT', ...routing } });

/** Who is chosen, and why. */
function choiceOf(known: Record<string, Known>, routing: Partial<Routing> = {}) {
  const chosen = quoteRoutes(offersOf(known), routed(routing), AT).filter(({ reason }) => reason !== null);
  return chosen.map(({ provider, reason }) => `${provider.slug}: ${reason}`);
}

const down = (openCode: FailureCode): Known => ({ openUntil: LATER, openCode, openReason: 'It is down.' });

test.each<[string, Routing['prefer'], Record<string, Known>, string]>([
  [
    'CHEAPEST takes the lowest price, as a number and not as text',
    'CHEAPEST',
    { a: { price: '0.10' }, b: { price: '0.035' }, c: { price: '0.0351' } },
    'b: cheapest that fits',
  ],
  [
    'CHEAPEST takes a known price before an unknown one',
    'CHEAPEST',
    { a: {}, b: { price: '9' } },
    'b: cheapest that fits',
  ],
  [
    'CHEAPEST takes the first of equal prices, and does not compare currencies',
    'CHEAPEST',
    { a: {}, b: { price: '0.2' }, c: { price: ['0.1', 'EUR'] }, d: { price: '0.20' } },
    'b: cheapest that fits',
  ],
  ['CHEAPEST without any price takes the first', 'CHEAPEST', { a: {}, b: {} }, 'a: first that fits, no price is known'],
  [
    'FASTEST takes the shortest time, and a known one before an unknown',
    'FASTEST',
    { a: {}, b: { p50Seconds: 20 }, c: { p50Seconds: 8, price: '9' } },
    'c: fastest that fits',
  ],
  [
    'FASTEST without any time takes the first',
    'FASTEST',
    { a: { price: '9' }, b: {} },
    'a: first that fits, no time is known',
  ],
  [
    // 1 + 4 against 2 + 1.
    'BALANCED takes twice the price before four times the time',
    'BALANCED',
    { a: { price: '0.01', p50Seconds: 40 }, b: { price: '0.02', p50Seconds: 10 } },
    'b: best balance of price, time and success that fits',
  ],
  [
    // 2 / 0.5 against 3 / 1.
    'BALANCED counts what failed',
    'BALANCED',
    { a: { price: '1', p50Seconds: 1, successRate: 0.5 }, b: { price: '2', p50Seconds: 1, successRate: 1 } },
    'b: best balance of price, time and success that fits',
  ],
  [
    'BALANCED takes an unknown price for the highest that is known',
    'BALANCED',
    { a: {}, b: { price: '1' }, c: { price: '2' } },
    'b: best balance of price, time and success that fits',
  ],
  [
    'BALANCED goes by the default where nothing is asked for',
    undefined,
    { a: { price: '2' }, b: { price: '0' } },
    'b: best balance of price, time and success that fits',
  ],
  [
    'BALANCED never gives one that always failed for lost',
    'BALANCED',
    { a: { price: '1', successRate: 0 }, b: { price: '1000', successRate: 1 } },
    'a: best balance of price, time and success that fits',
  ],
  [
    'BALANCED knowing nothing takes the first',
    'BALANCED',
    { a: {}, b: {} },
    'a: first that fits, no price or time is known',
  ],
])('%s', (_what, prefer, known, choice) => {
  expect(choiceOf(known, prefer && { prefer })).toEqual([choice]);
});

test.each<[string, Record<string, Known>, string]>([
  [
    'one that is down is passed over while another is well',
    { a: { price: '1', ...down('RATE_LIMITED') }, b: { price: '3' }, c: { price: '2' } },
    'c: cheapest that fits; passed over until well: a (RATE_LIMITED)',
  ],
  [
    'where all are down the best of them is chosen',
    { a: { price: '2', ...down('RATE_LIMITED') }, b: { price: '1', ...down('PROVIDER_CREDITS_EXHAUSTED') } },
    'b: cheapest that fits; none that fits is well, so it waits',
  ],
  [
    'one that was down until now is well',
    { a: { price: '1', openUntil: AT, openCode: 'PROVIDER_ERROR' }, b: { price: '2' } },
    'a: cheapest that fits',
  ],
  [
    'one that is well and does not fit helps nobody',
    { a: { price: '2', ...down('PROVIDER_ERROR') }, b: { price: '1', limits: { promptLimit: 3 } } },
    'a: the only one that fits; none that fits is well, so it waits',
  ],
])('%s', (_what, known, choice) => {
  expect(choiceOf(known, { prefer: 'CHEAPEST' })).toEqual([choice]);
});

test('only those named are asked, and the others say that they are not named', () => {
  const quotes = quoteRoutes(offersOf({ a: { price: '1' }, b: { price: '2' } }), routed({ providers: ['b'] }), AT);
  expect(quotes.map(({ barrier, refusals, reason }) => ({ barrier, refusals, reason }))).toEqual([
    {
      barrier: 'EXCLUDED',
      refusals: [
        {
          provider: 'a',
          path: ['routing', 'providers'],
          message: 'routing.providers does not name it.',
          allowed: null,
        },
      ],
      reason: null,
    },
    { barrier: null, refusals: [], reason: 'the only one that fits' },
  ]);
});

test('maxCost is for all images, exactly; what has no price in its currency is not held to be within it', () => {
  const offers = offersOf({ a: {}, b: { price: '0.11' }, c: { price: ['0.01', 'EUR'] }, d: { price: '0.1' } });
  const quotes = quoteRoutes(offers, routed({ maxCost: { amount: '0.3', currency: 'USD' } }, { images: 3 }), AT);
  expect(
    quotes.map(({ price, refusals, reason }) => [price?.amount ?? null, refusals[0]?.message ?? null, reason]),
  ).toEqual([
    [null, 'No price of it is known, so it cannot be held to maxCost, 0.3 USD.', null],
    ['0.33', 'It costs 0.33 USD, more than maxCost, 0.3 USD.', null],
    ['0.03', 'It costs 0.03 EUR; maxCost, 0.3 USD, is another currency.', null],
    ['0.3', null, 'the only one that fits'],
  ]);
});

test('the price is the one of the day, and an order that does not fit has one too', () => {
  const prices = [
    { from: '2026-11-01', amount: '0.1', currency: 'USD' },
    { from: '2026-11-22', amount: '0.2', currency: 'USD' },
  ];
  const offers = offersOf({ a: { limits: { prices } }, b: { limits: { prices, promptLimit: 3 } } });
  const pricesAt = (at: string) =>
    quoteRoutes(offers, sampleInput({ images: 2 }), new Date(at)).map(({ price }) => price?.amount);
  expect(pricesAt('2026-10-31T23:59:59Z')).toEqual([undefined, undefined]);
  expect(pricesAt('2026-11-21T23:59:59Z')).toEqual(['0.2', '0.2']);
  expect(pricesAt('2026-11-22T00:00:00Z')).toEqual(['0.4', '0.4']);
});
