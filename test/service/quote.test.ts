import { afterAll, beforeAll, expect, test } from 'vitest';
import { PROVIDER_SLUGS } from '../../src/config/provider-slugs.ts';
import { bearer, LIVE_KEY, query } from './client.ts';
import { type Service, startService } from './service.ts';

let service: Service;
beforeAll(async () => {
  // Without a worker: what is bought here is never sent, and no standing changes.
  service = await startService({ ROLE: 'api', SANDBOX_URL: 'http://127.0.0.1:9' }, { testProviders: PROVIDER_SLUGS });
});
afterAll(() => service?.stop());

interface Refusal {
  provider: { slug: string };
  path: string[];
  message: string;
}

interface Route {
  provider: { slug: string };
  eligible: boolean;
  chosen: boolean;
  reason: string | null;
  price: { amount: string; currency: string } | null;
  p50Seconds: number | null;
  p95Seconds: number | null;
  adjustments: { path: string[]; asked: string | null; sent: string | null }[];
  refusals: Refusal[];
}

interface Fault {
  code: string;
  path: string[];
  message: string;
  allowed?: string[];
  refusals?: Refusal[];
}

const FAULT = `code path message
  ... on InvalidInputError { allowed }
  ... on UnsupportedError { refusals { provider { slug } path message } }`;
const QUOTE = `query Quote($input: CreateGenerationInput!) {
  quote(input: $input) {
    routes {
      provider { slug } eligible chosen reason price { amount currency } p50Seconds p95Seconds
      adjustments { path asked sent }
      refusals { provider { slug } path message }
    }
    errors { ${FAULT} }
  }
}`;
const CREATE = `mutation Create($input: CreateGenerationInput!) {
  createGeneration(input: $input) {
    generation {
      id
      adjustments { path asked sent }
      cost { reserved { amount currency } }
      tasks { routeReason imageCount provider { slug } cost { reserved { amount currency } } }
    }
    errors { ${FAULT} }
  }
}`;

async function quote(input: object): Promise<{ routes: Route[]; errors: Fault[] }> {
  const variables = { input: { prompt: 'A lighthouse', ...input } };
  const { data, text } = await query<{ quote: { routes: Route[]; errors: Fault[] } }>(service.url, QUOTE, variables);
  expect(data?.quote, text).toBeTruthy();
  return data.quote;
}

interface Bought {
  generation: {
    id: string;
    adjustments: Route['adjustments'];
    cost: { reserved: Route['price'] };
    tasks: {
      routeReason: string;
      imageCount: number;
      provider: { slug: string };
      cost: { reserved: Route['price'] };
    }[];
  } | null;
  errors: Fault[];
}

async function buy(input: object): Promise<Bought> {
  const variables = { input: { prompt: 'A lighthouse', ...input } };
  const { data, text } = await query<{ createGeneration: Bought }>(service.url, CREATE, variables);
  expect(data?.createGeneration, text).toBeTruthy();
  return data.createGeneration;
}

const at = (aspectRatio: string, resolution?: string) => ({ size: { ratio: { aspectRatio, resolution } } });
const usd = (amount: string) => ({ amount });

test('a quote says of every provider whether it can, why not, what it would change and what it would cost', async () => {
  const { routes, errors } = await quote({ ...at('16:9', 'R3K'), images: 3, seed: 7, fit: 'NEAREST' });
  expect(errors).toEqual([]);
  const dropped = { path: ['seed'], asked: '7', sent: null };
  const tier = (sent: string | null) => ({ path: ['size', 'ratio', 'resolution'], asked: 'R3K', sent });
  const told = routes.map(({ provider, eligible, chosen, price, adjustments, refusals }) => ({
    ...{ slug: provider.slug, eligible, chosen, price: price && `${price.amount} ${price.currency}` },
    ...{ adjustments, refusals },
  }));
  const can = { eligible: true, chosen: false, price: null, refusals: [] };
  expect(told).toEqual([
    { ...can, slug: 'gptimage2', adjustments: [tier('R2K'), dropped] },
    { ...can, slug: 'modelark', adjustments: [dropped] },
    { ...can, slug: 'runware', chosen: true, price: '0.105 USD', adjustments: [dropped] },
    { ...can, slug: 'reapi', adjustments: [dropped] },
    { ...can, slug: 'threedaistudio', adjustments: [tier(null)] },
    { ...can, slug: 'seedance', price: '0.21 USD', adjustments: [tier('R1K'), dropped] },
  ]);
});

test('under STRICT the reasons stand in the place of the changes, each with the argument it is about', async () => {
  const { routes } = await quote({ ...at('21:9'), thinking: 'DEEP' });
  expect(routes.map(({ eligible }) => eligible)).toEqual(Array(6).fill(false));
  expect(routes.map(({ refusals }) => refusals.map(({ path }) => path.join('.')))).toEqual([
    ...Array(4).fill(['input.thinking']),
    ['input.size.ratio.aspectRatio', 'input.thinking'],
    ['input.size.ratio.aspectRatio'],
  ]);
});

test.each<[string, object]>([
  ['nothing but a prompt', {}],
  ['what only one can do', { seed: 7 }],
  ['the extras of one', { providerOptions: { modelark: { webSearch: true } } }],
  ['a series', { series: true, images: 4 }],
  ['a limit to its cost', { maxCost: usd('0.07'), images: 2 }],
  ['a preference', { routing: { prefer: 'CHEAPEST', providers: ['seedance', 'gptimage2'] }, images: 2 }],
  ['a change', { ...at('7:5', 'R4K'), fit: 'NEAREST', routing: { providers: ['reapi'] } }],
  ['more than one call carries', { images: 20, routing: { providers: ['gptimage2'] } }],
  ['what nobody can do', { style: 'ukiyo-e', seed: 7 }],
  ['a value nobody takes', at('7:5')],
  ['less than anybody costs', { maxCost: usd('0.01') }],
  ['a provider nobody has', { routing: { providers: ['runware', 'nobody'] } }],
  ['a fault of its own', { images: 0 }],
])(
  'createGeneration does with %s what the quote said: the same provider, reason, price and changes, or errors',
  async (_what, input) => {
    const { routes, errors } = await quote(input);
    const { generation, errors: refused } = await buy(input);
    expect(refused).toEqual(errors);
    const chosen = routes.filter((route) => route.chosen);
    expect(chosen).toHaveLength(generation === null ? 0 : 1);
    for (const { provider, reason, price, adjustments } of chosen) {
      const asked = new Set(generation?.tasks.map((task) => `${task.provider.slug}: ${task.routeReason}`));
      expect([...asked]).toEqual([`${provider.slug}: ${reason}`]);
      expect([generation?.cost.reserved, generation?.adjustments]).toEqual([price, adjustments]);
    }
  },
);

test.each<[string, object, Partial<Fault>]>([
  [
    'a provider that nobody has',
    { routing: { providers: ['nobody'] } },
    { code: 'INVALID_INPUT', path: ['input', 'routing', 'providers'], allowed: [...PROVIDER_SLUGS] },
  ],
  [
    'a routing to nobody',
    { routing: { providers: [] } },
    { code: 'INVALID_INPUT', path: ['input', 'routing', 'providers'], allowed: ['at least 1 provider'] },
  ],
  [
    'a currency that is none',
    { maxCost: { amount: '1', currency: 'dollars' } },
    { code: 'INVALID_INPUT', path: ['input', 'maxCost', 'currency'], allowed: ['a code like USD'] },
  ],
  ['a cost nobody is within', { maxCost: usd('0.034') }, { code: 'COST_ABOVE_MAX', path: ['input', 'maxCost'] }],
  [
    'a ttl that is too short',
    { providerOptions: { runware: { ttlSeconds: 59 } } },
    { code: 'INVALID_INPUT', path: ['input', 'providerOptions', 'runware', 'ttlSeconds'], allowed: ['at least 60'] },
  ],
  [
    'the extras of two',
    { providerOptions: { runware: { optimizePrompt: 'FAST' }, modelark: { webSearch: false } } },
    { code: 'UNSUPPORTED', path: ['input', 'providerOptions', 'runware'] },
  ],
])('%s is refused by its name', async (_what, input, fault) => {
  const { generation, errors } = await buy(input);
  expect([generation, errors]).toMatchObject([null, [fault]]);
});

test('extras without a wish in them, and preferences that are the default, are the same request as none', async () => {
  const idempotencyKey = 'the same';
  const written = [
    {},
    { providerOptions: { runware: {}, modelark: { webSearch: null } } },
    { routing: { prefer: 'BALANCED', onFailure: 'FALLBACK', onUncertain: 'WAIT' } },
  ];
  const ids = [];
  for (const input of written) ids.push((await buy({ ...input, idempotencyKey })).generation?.id);
  expect(ids).toEqual(Array(3).fill(ids[0]));
  const named = [
    { routing: { providers: ['reapi', 'runware'] }, maxCost: usd('1.50') },
    { routing: { providers: ['runware', 'reapi', 'runware'] }, maxCost: usd('1.5') },
  ];
  const others = [];
  for (const input of named) others.push((await buy({ ...input, idempotencyKey: 'named' })).generation?.id);
  expect(others).toEqual(Array(2).fill(others[0]));
  expect((await buy({ ...named[0], idempotencyKey })).errors).toMatchObject([{ code: 'IDEMPOTENCY_CONFLICT' }]);
});

test('a key of a mode without providers is told so, with no route', async () => {
  const variables = { input: { prompt: 'A lighthouse', routing: { providers: ['runware'] } } };
  const { data } = await query(service.url, QUOTE, variables, bearer(LIVE_KEY));
  expect(data.quote).toMatchObject({ routes: [], errors: [{ code: 'NO_PROVIDER_AVAILABLE' }] });
});
