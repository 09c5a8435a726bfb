import fc from 'fast-check';
import { PROVIDER_SLUGS } from '../../src/config/provider-slugs.ts';
import type { CreateInput } from '../../src/generation/input.ts';
import type { ProviderModel } from '../../src/generation/provider-model.ts';
import { RESOLUTIONS } from '../../src/generation/provider-model.ts';
import type { ProviderOptions } from '../../src/generation/provider-request.ts';
import type { Standing } from '../../src/generation/standing.ts';
import type { Preference } from '../../src/generation/types.ts';
import { validateInput } from '../../src/generation/validate.ts';
import { createProviders } from '../../src/provider/catalogue.ts';
import type { Provider } from '../../src/provider/provider.ts';
import { sampleInput } from './samples.ts';

const MODEL = 'seedream-5.0-lite';

/** Every provider in TEST mode; nothing is sent anywhere. */
export const PROVIDERS: readonly Provider[] = createProviders({
  sandboxUrl: 'http://127.0.0.1:9',
  testProviders: PROVIDER_SLUGS,
  live: {},
  seedanceWebhookSecret: null,
  pollSchedule: { firstMs: 1, fastMs: 1, fastForMs: 1, slowMs: 1 },
  submitTimeoutMs: null,
  concurrency: {},
  requestsPerMinute: {},
  prices: [],
}).providers;

export function modelOf({ models }: Provider): ProviderModel {
  const model = models.find((each) => each.model === MODEL);
  if (!model) throw new Error(`There is no ${MODEL}.`);
  return model;
}

/** Mostly nothing: an order that asks for one of everything fits nobody. */
const seldom = <T>(value: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 7, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: value });
const offered = PROVIDERS.flatMap((provider) => modelOf(provider).sizes);
const side = fc.oneof(fc.integer({ min: 1, max: 16_384 }), fc.integer({ min: 1800, max: 4200 }));
const size: fc.Arbitrary<CreateInput['size']> = fc.oneof(
  { weight: 3, arbitrary: fc.constant(null) },
  {
    weight: 4,
    arbitrary: fc.constantFrom(...offered).map(({ aspectRatio, resolution }) => ({ aspectRatio, resolution })),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      aspectRatio: fc.oneof(
        fc.constantFrom('auto', '5:4', '9:21', '1:1', '2:1'),
        fc.tuple(fc.integer({ min: 1, max: 9999 }), fc.integer({ min: 1, max: 9999 })).map(([a, b]) => `${a}:${b}`),
      ),
      resolution: fc.option(fc.constantFrom(...RESOLUTIONS)),
    }),
  },
  { weight: 2, arbitrary: fc.record({ width: side, height: side }) },
);
const uri = fc.oneof(
  { weight: 4, arbitrary: fc.webUrl({ withQueryParameters: true, validSchemes: ['https'] }) },
  { weight: 1, arbitrary: fc.webUrl({ withFragments: true, validSchemes: ['http'] }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      'HTTPS://EXAMPLE.COM/A.PNG',
      'https:example.com/a.png',
      'https:\\\\example.com\\a.png',
      'https://[2001:db8::1]/a.png',
      'https://bücher.example/ü.png',
      'http:/example.com',
    ),
  },
);
const prompt = fc
  .tuple(
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 }),
    fc.constantFrom(1, 1, 1, 1, 40, 70, 200),
    fc.constantFrom('', '', '', 'k', '🪁', '\n', '"\\'),
  )
  .map(([text, times, more]) => text.repeat(times) + more.repeat(900));
const options: fc.Arbitrary<ProviderOptions> = fc.record({
  runware: fc.option(
    fc.record({
      optimizePrompt: fc.option(fc.constantFrom('STANDARD', 'FAST')),
      ttlSeconds: fc.option(fc.integer({ min: 60, max: 2_147_483_647 })),
    }),
  ),
  modelark: fc.option(fc.record({ webSearch: fc.option(fc.boolean()) })),
});
const format = fc.constantFrom('JPEG' as const, 'PNG' as const, 'WEBP' as const, 'AVIF' as const);

/** Sound orders, of which each provider can take a good part. */
export const inputs: fc.Arbitrary<CreateInput> = fc
  .record({
    prompt,
    images: fc.oneof(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 20 })),
    series: seldom(fc.constant(true)).map((one) => one ?? false),
    size,
    references: fc.oneof(
      { weight: 2, arbitrary: fc.constant<CreateInput['references']>([]) },
      {
        weight: 1,
        arbitrary: fc.array(
          uri.map((each) => ({ uri: each })),
          { maxLength: 15, size: 'max' },
        ),
      },
      {
        weight: 1,
        arbitrary: fc.array(
          uri.map((each) => ({ uri: each })),
          { maxLength: 2 },
        ),
      },
    ),
    seed: seldom(fc.integer({ min: 0, max: 2_147_483_647 })),
    style: seldom(fc.string({ minLength: 1, maxLength: 200 })),
    colors: seldom(fc.array(fc.constantFrom('#1e90ff', '#FFFFFF'), { maxLength: 30 })),
    thinking: seldom(fc.constantFrom('FAST' as const, 'DEEP' as const)).map((one) => one ?? 'DEFAULT'),
    output: fc.record({
      format: seldom(format),
      quality: seldom(fc.integer({ min: 1, max: 100 })),
      watermark: seldom(fc.boolean()),
      safety: seldom(fc.constantFrom('ON' as const, 'OFF' as const)).map((one) => one ?? 'DEFAULT'),
    }),
    fit: fc.constantFrom('STRICT' as const, 'NEAREST' as const),
    options: seldom(options),
    prefer: fc.constantFrom<Preference>('CHEAPEST', 'FASTEST', 'BALANCED'),
    named: seldom(fc.subarray([...PROVIDER_SLUGS], { minLength: 1 })),
    most: seldom(fc.constantFrom('0.03', '0.035', '0.07', '0.7', '5')),
  })
  .map(({ prefer, named, most, ...changes }): CreateInput => {
    const maxCost = most && { amount: most, currency: 'USD' };
    const routing = { prefer, ...(named && { providers: named }), ...(maxCost && { maxCost }) };
    return { ...sampleInput(), ...changes, model: MODEL, routing: { onUncertain: 'WAIT', ...routing } };
  })
  .filter((input) => validateInput(input).length === 0);

const standing: fc.Arbitrary<Standing> = fc.record({
  openUntil: seldom(fc.constantFrom(new Date('2020-01-01'), new Date('2099-01-01'))),
  openCode: fc.constant('RATE_LIMITED' as const),
  openReason: fc.constant('It is down.'),
  successRate: fc.option(fc.constantFrom(0, 0.5, 1)),
  p50Seconds: fc.option(fc.constantFrom(0, 1, 10, 60)),
  p95Seconds: fc.constant(null),
  creditsRemaining: fc.constant(null),
  tier: fc.constant(null),
  accountAt: fc.constant(null),
});

export const standings = fc.array(standing, { minLength: PROVIDERS.length, maxLength: PROVIDERS.length });
export const callbackUrls = fc.constantFrom(null, 'https://darkroom.example/webhooks/x/y', 'http://127.0.0.1:4000/w');
