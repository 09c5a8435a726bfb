import { pino } from 'pino';
import { expect, test } from 'vitest';
import type { CatalogueEntry, Domain } from '../../src/generation/domain.ts';
import type { FailureCode } from '../../src/generation/failure-code.ts';
import type { CreateInput } from '../../src/generation/input.ts';
import { inputOf } from '../../src/generation/input-of.ts';
import { newGeneration } from '../../src/generation/new-generation.ts';
import type { ProviderModel } from '../../src/generation/provider-model.ts';
import { chooseRoute, fallbackRoute, type Route } from '../../src/generation/route.ts';
import { UNKNOWN_STANDING } from '../../src/generation/standing.ts';
import type { Cost, Generation, Task } from '../../src/generation/types.ts';
import { sampleInput, sampleModel, sampleTrouble } from './samples.ts';

const AT = new Date('2026-11-21T12:00:00Z');
const caller = { workspaceId: 'wsp_1', mode: 'TEST', scopes: [], apiKeyId: null } as const;

function domainOf(providers: Record<string, Partial<ProviderModel>>, down: readonly string[] = []): Domain {
  const limits = { concurrency: null, requestsPerMinute: null, batch: null };
  const catalogue = Object.entries(providers).map(
    ([slug, model]): CatalogueEntry => ({
      slug,
      name: slug,
      mode: 'TEST',
      models: [sampleModel(model)],
      limits,
      isSynchronous: false,
      resultsLag: false,
    }),
  );
  const open = {
    openUntil: new Date(AT.getTime() + 1),
    openCode: 'PROVIDER_ERROR' as FailureCode,
    openReason: 'Down.',
  };
  const standingOf = (slug: string) => ({ ...UNKNOWN_STANDING, ...(down.includes(slug) ? open : {}) });
  const unused = null as unknown;
  return {
    ...(unused as Pick<Domain, 'db' | 'hints'>),
    catalogue,
    standingOf,
    log: pino({ level: 'silent' }),
    timing: never(),
  };
}

function never(): Domain['timing'] {
  return { leaseMs: 0, uncertainHoldMs: 0, deadlineMs: 0, eventRetentionMs: 0 };
}

const at = (amount: string): Partial<ProviderModel> => ({ prices: [{ from: '2026-01-01', amount, currency: 'USD' }] });
const USD = (amount: string) => ({ amount, currency: 'USD' });

function errorsOf(domain: Domain, changes: Partial<CreateInput>) {
  const route = chooseRoute(domain, caller, { input: sampleInput(changes), path: ['input'] }, AT);
  return 'errors' in route ? route.errors : [];
}

test('a slug that nobody has is INVALID_INPUT, also beside one that could be asked', () => {
  const routing = { onUncertain: 'WAIT' as const, providers: ['a', 'nobody', 'b\0'] };
  expect(errorsOf(domainOf({ a: {}, b: {} }), { routing })).toEqual([
    {
      kind: 'INVALID_INPUT',
      path: ['input', 'routing', 'providers'],
      message: 'No provider of this model is configured by the name "nobody" or "b\\u0000"; a, b can be asked.',
      allowed: ['a', 'b'],
    },
  ]);
});

test('where nothing is configured that is what is said, whoever is named', () => {
  const routing = { onUncertain: 'WAIT' as const, providers: ['a'] };
  expect(errorsOf(domainOf({}), { routing, model: 'kite-1' })).toMatchObject([{ path: ['input', 'model'] }]);
});

test('too dear for everyone who can do it is COST_ABOVE_MAX, with the reason of each; who cannot do it is not named', () => {
  const domain = domainOf({ a: at('0.2'), b: {}, c: { ...at('0.01'), promptLimit: 3 } });
  const routing = { onUncertain: 'WAIT' as const, maxCost: USD('0.3') };
  expect(errorsOf(domain, { routing, images: 2 })).toEqual([
    {
      kind: 'COST_ABOVE_MAX',
      path: ['input', 'maxCost'],
      message:
        'Nobody does this for 0.3 USD or less: raise maxCost or ask for less. a: It costs 0.4 USD, more than maxCost, 0.3 USD. b: No price of it is known, so it cannot be held to maxCost, 0.3 USD.',
    },
  ]);
});

test('a value that each refuses and for which each would take another is INVALID_INPUT with all that would do', () => {
  const domain = domainOf({ a: { promptLimit: 3 }, b: { promptLimit: 5, outputFormats: ['JPEG'] } });
  const output = { format: 'PNG', quality: null, watermark: null, safety: 'DEFAULT' } as const;
  expect(errorsOf(domain, { output })).toEqual([
    {
      kind: 'INVALID_INPUT',
      path: ['input', 'prompt'],
      message: 'a: prompt has 10 characters; at most 3 are taken. b: prompt has 10 characters; at most 5 are taken.',
      allowed: ['1 to 3 characters', '1 to 5 characters'],
    },
  ]);
});

test('where each refuses something else it is UNSUPPORTED, with the reasons of those that may be asked', () => {
  const domain = domainOf({ a: { promptLimit: 3 }, b: { outputFormats: ['JPEG'] }, c: { promptLimit: 1 } });
  const output = { format: 'PNG', quality: null, watermark: null, safety: 'DEFAULT' } as const;
  const routing = { onUncertain: 'WAIT' as const, providers: ['a', 'b'] };
  expect(errorsOf(domain, { output, routing })).toEqual([
    {
      kind: 'UNSUPPORTED',
      path: ['input', 'prompt'],
      message:
        'No configured provider can do this: a: prompt has 10 characters; at most 3 are taken. b: output.format PNG is not offered; JPEG is.',
      refusals: [
        {
          provider: 'a',
          path: ['input', 'prompt'],
          message: 'prompt has 10 characters; at most 3 are taken.',
          allowed: ['1 to 3 characters'],
        },
        {
          provider: 'b',
          path: ['input', 'output', 'format'],
          message: 'output.format PNG is not offered; JPEG is.',
          allowed: ['JPEG'],
        },
      ],
    },
  ]);
});

test('a generation is bought again with exactly what it was asked for with', () => {
  const domain = domainOf({ runware: { features: ['SEED', 'STYLE', 'COLORS'], ...at('0.01') } });
  const inputs = [
    sampleInput(),
    sampleInput({ size: { width: 2048, height: 2048 }, metadata: { a: [1] }, fit: 'NEAREST' }),
    sampleInput({
      images: 7,
      size: { aspectRatio: '16:9', resolution: 'R2K' },
      references: [{ uri: 'https://example.com/a.png' }],
      seed: 7,
      style: 'ukiyo-e',
      colors: ['#1e90ff'],
      output: { format: 'PNG', quality: null, watermark: null, safety: 'DEFAULT' },
      options: { runware: { optimizePrompt: 'FAST', ttlSeconds: 60 }, modelark: null },
      routing: { onUncertain: 'FAIL', providers: ['runware'], prefer: 'FASTEST', onFailure: 'FAIL', maxCost: USD('1') },
    }),
  ];
  expect(inputs.map((input) => inputOf(buy(domain, input)))).toEqual(inputs);
});

/** Why it looks for another: it may also wait. */
const NOT_NOW = { retryable: true };
const unfit = { ...sampleTrouble({ billed: 'NO', retryable: false }), at: AT.toISOString() };

test.each<[string, Partial<CreateInput>, (tasks: Task[]) => Task[], string | null]>([
  ['the best of those not tried', {}, (tasks) => tasks, 'c: best balance of price, time and success that fits'],
  ['nobody that was tried before', {}, (tasks) => [...tasks, tried(tasks, 'c')], 'b: the only one that fits'],
  ['nobody where all were tried', {}, (tasks) => [...tasks, tried(tasks, 'b'), tried(tasks, 'c')], null],
  [
    'one that was not asked before, but left alone',
    {},
    (tasks) => [...tasks, tried(tasks, 'b'), { ...tried(tasks, 'c'), submissionId: null }],
    'c: the only one that fits',
  ],
  [
    'nobody that has just turned it away',
    {},
    (tasks) => [...tasks, tried(tasks, 'b'), { ...tried(tasks, 'c'), submissionId: null, finishedAt: AT }],
    null,
  ],
  [
    'nobody who could not use it',
    {},
    (tasks) => [...tasks, tried(tasks, 'b'), { ...tried(tasks, 'c'), submissionId: null, failure: unfit }],
    null,
  ],
  ['nobody else where one is named', { routing: { onUncertain: 'WAIT', providers: ['a'] } }, (tasks) => tasks, null],
  [
    'as it is preferred',
    { routing: { onUncertain: 'WAIT', providers: ['a', 'b'], prefer: 'CHEAPEST' } },
    (tasks) => tasks,
    'b: the only one that fits',
  ],
  ['nobody who cannot do it', { prompt: 'k'.repeat(11) }, (tasks) => tasks, null],
])('a task falls back to %s', (_what, changes, change, choice) => {
  const domain = domainOf({
    a: at('0.01'),
    b: { ...at('0.03'), promptLimit: 10 },
    c: { ...at('0.02'), promptLimit: 10 },
  });
  const bought = buy(domain, sampleInput(changes));
  const generation = { ...bought, tasks: change(bought.tasks) };
  expect(choiceOf(fallbackRoute(domain, generation, firstOf(generation), NOT_NOW, AT))).toBe(choice);
});

test('what is refused for good goes back even to one that has just turned it away', () => {
  const domain = domainOf({ a: at('0.01'), b: at('0.03') });
  const bought = buy(domain, sampleInput());
  const turnedAway = { ...tried(bought.tasks, 'b'), submissionId: null, finishedAt: AT };
  const generation = { ...bought, tasks: [...bought.tasks, turnedAway] };
  const fallback = (retryable: boolean) =>
    fallbackRoute(domain, generation, firstOf(generation), { retryable }, AT)?.provider.slug;
  expect([fallback(true), fallback(false)]).toEqual([undefined, 'b']);
});

test('a fallback to one that is down is told, and one that is well goes first', () => {
  const providers = { a: at('0.01'), b: at('0.02'), c: at('0.03') };
  const generation = buy(domainOf(providers), sampleInput());
  const fallback = (...down: string[]) =>
    fallbackRoute(domainOf(providers, down), generation, firstOf(generation), NOT_NOW, AT);
  expect([fallback('b')?.provider.slug, fallback('b')?.isOpen]).toEqual(['c', false]);
  expect([fallback('b', 'c')?.provider.slug, fallback('b', 'c')?.isOpen]).toEqual(['b', true]);
});

test.each<[string, Partial<Cost>, string | null]>([
  ['is left of maxCost by what was reserved', { reserved: USD('0.06') }, 'b'],
  [
    'is left of maxCost by what was settled, though more was reserved',
    { reserved: USD('9'), settled: USD('0.06') },
    'b',
  ],
  ['is left when the others were refunded', { basis: 'REFUNDED', reserved: USD('9') }, 'b'],
  ['is too little', { reserved: USD('0.07') }, null],
  ['is unknown, because an amount is', { reserved: null }, null],
  ['is unknown, because a currency is another', { reserved: { amount: '0.01', currency: 'EUR' } }, null],
])('a fallback may cost what %s', (_what, cost, choice) => {
  const domain = domainOf({ a: { ...at('0.01'), maxImages: 4 }, b: at('0.01') });
  const routing = { onUncertain: 'WAIT' as const, maxCost: USD('0.1') };
  const bought = buy(domain, sampleInput({ images: 8, routing }));
  const [first, second] = bought.tasks as [Task, Task];
  const generation = { ...bought, tasks: [first, { ...second, cost: { ...second.cost, ...cost } }] };
  expect(fallbackRoute(domain, generation, first, NOT_NOW, AT)?.provider.slug ?? null).toBe(choice);
});

test('a fallback is for the images of its task alone', () => {
  const domain = domainOf({ a: { maxImages: 4 }, b: { maxImages: 3 } });
  const bought = buy(domain, sampleInput({ images: 9 }));
  const last = bought.tasks.at(-1) as Task;
  expect(last.imageCount).toBe(1);
  expect(fallbackRoute(domain, bought, last, NOT_NOW, AT)?.fitted).toMatchObject({
    request: { images: 1 },
    imagesPerCall: 3,
  });
});

function buy(domain: Domain, input: CreateInput): Generation {
  const route = chooseRoute(domain, caller, { input, path: [] }, AT);
  if ('errors' in route) throw new Error(JSON.stringify(route.errors));
  const paths = { path: [], keyPath: [] };
  return newGeneration(caller, { input, requestHash: '', deadlineMs: 60_000, retryOf: null, ...paths }, route, AT);
}

/** An attempt at the same slots elsewhere. */
function tried(tasks: readonly Task[], provider: string): Task {
  const [first] = tasks;
  if (!first) throw new Error('Nothing was tried.');
  return { ...first, id: `tsk_${provider}`, provider, attempt: 2, submissionId: `sub_${provider}` };
}

function firstOf({ tasks: [task] }: Generation): Task {
  if (!task) throw new Error('It has no task.');
  return task;
}

function choiceOf(route: Route | null): string | null {
  return route && `${route.provider.slug}: ${route.reason}`;
}
