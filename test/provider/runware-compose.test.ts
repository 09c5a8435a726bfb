import { expect, test } from 'vitest';
import type { ProviderRequest } from '../../src/generation/provider-request.ts';
import { RUNWARE_MODELS } from '../../src/provider/runware/models.ts';
import { readGolden } from './golden.ts';
import { createRequest } from './gptimage2.ts';
import { createAt, SENDING_TASK, TASK } from './runware.ts';

const { compose, callback } = createAt('https://api.example');
const bare = {
  taskType: 'imageInference',
  taskUUID: TASK,
  model: 'bytedance:seedream@5.0-lite',
  positivePrompt: 'a red kite',
  width: 2048,
  height: 2048,
  outputType: 'URL',
  deliveryMethod: 'async',
  includeCost: true,
  // No default is documented: what we hold to be true is asked for.
  ttl: 86_400,
};
const sequence = { bytedance: { maxSequentialImages: 3 } };

test.each<[string, Partial<ProviderRequest>, Record<string, unknown>]>([
  ["the model's own default size, and no more than must be", {}, {}],
  ['exact pixels', { size: { width: 2560, height: 1440 } }, { width: 2560, height: 1440 }],
  ['the pixels of a ratio', { size: { aspectRatio: '16:9', resolution: null } }, { width: 2848, height: 1600 }],
  ['those of 2K', { size: { aspectRatio: '2:3', resolution: 'R2K' } }, { width: 1664, height: 2496 }],
  ['those of 3K', { size: { aspectRatio: '21:9', resolution: 'R3K' } }, { width: 4704, height: 2016 }],
  ['several results', { images: 20 }, { numberResults: 20 }],
  ['a sequence, and then no number of results', { images: 3, series: true }, { providerSettings: sequence }],
  ['JPG', { outputFormat: 'JPEG' }, { outputFormat: 'JPG' }],
  ['PNG', { outputFormat: 'PNG' }, { outputFormat: 'PNG' }],
  ['WEBP in a quality', { outputFormat: 'WEBP', outputQuality: 20 }, { outputFormat: 'WEBP', outputQuality: 20 }],
  ['the safety check on', { safety: 'ON' }, { safety: { checkContent: true } }],
  ['the safety check off', { safety: 'OFF' }, { safety: { mode: 'none' } }],
  [
    'references, nested',
    { references: [{ uri: 'http://a.example/1.png' }, { uri: 'https://a.example/2.png' }] },
    { inputs: { referenceImages: ['http://a.example/1.png', 'https://a.example/2.png'] } },
  ],
  [
    'its own options',
    { options: { runware: { optimizePrompt: 'FAST', ttlSeconds: 60 }, modelark: null } },
    { ttl: 60, providerSettings: { bytedance: { optimizePromptMode: 'fast' } } },
  ],
  [
    'options beside a sequence',
    { images: 3, series: true, options: { runware: { optimizePrompt: 'STANDARD', ttlSeconds: null }, modelark: null } },
    { providerSettings: { bytedance: { ...sequence.bytedance, optimizePromptMode: 'standard' } } },
  ],
  [
    'no field that no source documents for the model',
    { seed: 7, style: 'anime', colors: ['#fff'], thinking: 'DEEP', watermark: false },
    {},
  ],
])('a task holds %s', (_, changes, added) => {
  expect(compose(createRequest(changes), SENDING_TASK)).toEqual({ tasks: [{ ...bare, ...added }] });
});

test('every size on offer is composed as the pixels it is offered with', () => {
  const [model] = RUNWARE_MODELS;
  for (const { aspectRatio, resolution, pixels } of model?.sizes ?? []) {
    const body = compose(createRequest({ size: { aspectRatio, resolution } }), SENDING_TASK);
    expect(body).toEqual({ tasks: [{ ...bare, ...pixels }] });
  }
});

test('it is told where to call back, where it can', () => {
  const callbackUrl = 'https://darkroom.example/webhooks/runware/token';
  const body = compose(createRequest(), { ...SENDING_TASK, callbackUrl });
  expect(body).toEqual({ tasks: [{ ...bare, webhookURL: callbackUrl }] });
});

test('what it does not offer is an error, not a silent default', () => {
  const size = { aspectRatio: 'auto', resolution: null };
  expect(() => compose(createRequest({ size }), SENDING_TASK)).toThrow('Runware does not offer the size');
  expect(() => compose(createRequest({ outputFormat: 'AVIF' }), SENDING_TASK)).toThrow('Runware does not offer AVIF');
  expect(() => compose(createRequest({ model: 'x' }), SENDING_TASK)).toThrow('the model x');
});

test('a callback is believed for the task it names, flat, wrapped, or as errors', () => {
  const success = JSON.parse(readGolden('runware-success'));
  const { errors } = JSON.parse(readGolden('runware-error'));
  const read = (body: unknown) => callback?.read(body);
  const told = [
    success,
    { data: [success] },
    { errors },
    { data: [], errors },
    { ...success, taskUUID: TASK.toUpperCase() },
  ];
  expect(told.map(read)).toEqual(told.map(() => ({ providerTaskId: TASK })));
  const unreadable = [
    undefined,
    null,
    [],
    'text',
    7,
    {},
    { taskUUID: 7 },
    { taskUUID: 'x' },
    { data: [{}] },
    { data: TASK },
  ];
  expect(unreadable.map(read)).toEqual(unreadable.map(() => null));
});
