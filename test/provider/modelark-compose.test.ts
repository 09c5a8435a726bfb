import { expect, test } from 'vitest';
import type { ProviderRequest } from '../../src/generation/provider-request.ts';
import { createRequest, SENDING } from './gptimage2.ts';
import { createModelArkAt } from './modelark.ts';

const provider = createModelArkAt('https://api.example');
const bare = {
  model: 'seedream-5-0-260128',
  prompt: 'a red kite',
  sequential_image_generation: 'disabled',
  response_format: 'url',
  watermark: false,
  stream: true,
};
const references = (...uris: string[]) => ({ references: uris.map((uri) => ({ uri })) });
const options = (webSearch: boolean | null) => ({ options: { runware: null, modelark: { webSearch } } });

test.each<[string, Partial<ProviderRequest>, Record<string, unknown>]>([
  ['no mark, one image, and its address as soon as it is there', {}, {}],
  ['the mark that was asked for', { watermark: true }, { watermark: true }],
  ['no mark where none was asked for', { watermark: false }, {}],
  ['pixels', { size: { width: 2560, height: 1440 } }, { size: '2560x1440' }],
  ['the pixels of a ratio', { size: { aspectRatio: '16:9', resolution: null } }, { size: '2848x1600' }],
  ['the pixels of a ratio in 3K', { size: { aspectRatio: '9:16', resolution: 'R3K' } }, { size: '2304x4096' }],
  ['the pixels of a ratio in 4K', { size: { aspectRatio: '21:9', resolution: 'R4K' } }, { size: '6240x2656' }],
  [
    'a label, which leaves the ratio to the model',
    { size: { aspectRatio: 'auto', resolution: 'R4K' } },
    { size: '4K' },
  ],
  ['the label of 2K where no tier is asked for', { size: { aspectRatio: 'auto', resolution: null } }, { size: '2K' }],
  ['one reference', references('https://a.example/1.png'), { image: 'https://a.example/1.png' }],
  [
    'several references',
    references('https://a.example/1.png', 'https://a.example/2.png'),
    { image: ['https://a.example/1.png', 'https://a.example/2.png'] },
  ],
  [
    'a series',
    { series: true, images: 4 },
    { sequential_image_generation: 'auto', sequential_image_generation_options: { max_images: 4 } },
  ],
  ['JPEG', { outputFormat: 'JPEG' }, { output_format: 'jpeg' }],
  ['PNG', { outputFormat: 'PNG' }, { output_format: 'png' }],
  ['the search of the web', options(true), { tools: [{ type: 'web_search' }] }],
  ['no search that was not asked for', options(false), {}],
  [
    'no field that it does not support',
    { seed: 7, style: 'anime', colors: ['#fff'], thinking: 'DEEP', safety: 'OFF' },
    {},
  ],
])('a body holds %s', (_, changes, added) => {
  expect(provider.compose(createRequest(changes), SENDING)).toEqual({ ...bare, ...added });
});

test.each<[string, Partial<ProviderRequest>]>([
  ['the size', { size: { aspectRatio: '5:4', resolution: null } }],
  ['R1K', { size: { aspectRatio: 'auto', resolution: 'R1K' } }],
  ['WEBP', { outputFormat: 'WEBP' }],
  ['the model seedream-9', { model: 'seedream-9' }],
])('what it does not offer, such as %s, is an error, not a silent default', (what, changes) => {
  expect(() => provider.compose(createRequest(changes), SENDING)).toThrow(`ModelArk does not offer ${what}`);
});

test('every size it offers can be composed, within the area and the ratio of its exact pixels', () => {
  const [model] = provider.models;
  for (const size of model?.sizes ?? []) {
    const composed = String(provider.compose(createRequest({ size }), SENDING).size);
    if (size.aspectRatio === 'auto') {
      expect(composed).toMatch(/^[234]K$/);
      continue;
    }
    const [width = 0, height = 0] = composed.split('x').map(Number);
    expect([width, height]).toEqual([size.pixels?.width, size.pixels?.height]);
    expect(width * height).toBeGreaterThanOrEqual(model?.pixelArea?.min ?? Number.NaN);
    expect(width * height).toBeLessThanOrEqual(model?.pixelArea?.max ?? Number.NaN);
  }
});
