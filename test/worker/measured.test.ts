import { pino } from 'pino';
import { expect, test } from 'vitest';
import type { SizeOffer } from '../../src/generation/provider-model.ts';
import type { ProviderRequest } from '../../src/generation/provider-request.ts';
import { compareSize } from '../../src/worker/measured.ts';
import { sampleFacts, sampleGeneration, sampleModel } from '../generation/samples.ts';
import { createFake, pending } from './fake.ts';
import { isOver, openOwnShop } from './shop.ts';

const sizes: SizeOffer[] = [
  { aspectRatio: '16:9', resolution: 'R2K', pixels: { width: 2848, height: 1600 } },
  { aspectRatio: '1:1', resolution: null, pixels: null },
];
const exact = { width: 2048, height: 1536 };
const [wide, square] = [
  { aspectRatio: '16:9', resolution: 'R2K' as const },
  { aspectRatio: '1:1', resolution: null },
];

test.each<[string, ProviderRequest['size'], has: [number, number], told: boolean]>([
  ['exact pixels, as asked', exact, [2048, 1536], false],
  ['exact pixels on their side', exact, [1536, 2048], true],
  ['exact pixels, one fewer', exact, [2048, 1535], true],
  ['a ratio and a tier, as documented', wide, [2848, 1600], false],
  ['a ratio and a tier, smaller', wide, [1424, 800], true],
  ['a ratio whose pixels nobody documents', square, [7, 7], false],
  ['no size at all', null, [7, 7], false],
])(
  'an image of %s: an operator hears of it if it has other pixels than those sent or documented',
  (_what, size, has, told) => {
    const { log, logged } = logging();
    const provider = createFake(() => pending, { models: [sampleModel({ sizes })] });
    const [width, height] = has;
    compareSize({ log }, provider, asking(size), { id: 'ast_1' }, sampleFacts({ width, height }));
    const line = { level: 40, asset: 'ast_1', provider: 'kites', asked: size === wide ? sizes[0]?.pixels : size };
    expect(logged).toEqual(told ? [expect.objectContaining({ ...line, has: { width, height } })] : []);
  },
);

test('an image of another size is kept all the same, and told of once', async ({ onTestFinished }) => {
  const shop = await openOwnShop(onTestFinished);
  const { log, logged } = logging();
  Object.assign(shop.domain, { log });
  await shop.startWorker();
  // The upstream makes all its pictures 16 by 16.
  const generation = await shop.create('NONE', 'a small kite', { size: { width: 2048, height: 2048 } });
  const { status, assets } = await shop.sees(generation, isOver);
  expect([status, assets.map(({ state, width, height }) => [state, width, height])]).toEqual([
    'SUCCEEDED',
    [['STORED', 16, 16]],
  ]);
  const told = logged.filter(({ msg }) => String(msg).includes('another size'));
  expect(told).toEqual([expect.objectContaining({ asset: assets[0]?.id, has: { width: 16, height: 16 } })]);
});

function logging() {
  const logged: Record<string, unknown>[] = [];
  return { logged, log: pino({}, { write: (line: string) => void logged.push(JSON.parse(line)) }) };
}

function asking(size: ProviderRequest['size']) {
  const [task] = sampleGeneration([1], { at: new Date() }).tasks;
  if (!task) throw new Error('one task');
  return { request: { ...task.request, size } };
}
