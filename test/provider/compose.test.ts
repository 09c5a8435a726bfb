import { expect, test } from 'vitest';
import type { ProviderRequest } from '../../src/generation/provider-request.ts';
import { readGolden } from './golden.ts';
import { createProvider, createRequest, SENDING } from './gptimage2.ts';

const { compose, callback } = createProvider('https://api.example');
const bare = { model: 'doubao-seedream-5.0-lite', prompt: 'a red kite' };

test("the request of seed 000 is composed as the seed's own body", () => {
  const golden = JSON.parse(readGolden('gptimage2-submit-request'));
  const request = createRequest({ prompt: golden.prompt, size: { aspectRatio: '16:9', resolution: 'R2K' } });
  expect(compose(request, SENDING)).toEqual(golden);
});

test.each<[string, Partial<ProviderRequest>, Record<string, unknown>]>([
  ['nothing but what was asked for', {}, {}],
  ['no n for one image', { images: 1 }, {}],
  ['n for several images', { images: 4 }, { n: 4 }],
  ['pixels without a quality', { size: { width: 2560, height: 1440 } }, { size: '2560x1440' }],
  ['a ratio alone', { size: { aspectRatio: 'auto', resolution: null } }, { size: 'auto' }],
  ['a ratio with 4K', { size: { aspectRatio: '1:1', resolution: 'R4K' } }, { size: '1:1', quality: '4K' }],
  [
    'references as URLs',
    { references: [{ uri: 'https://a.example/1.png' }] },
    { image_urls: ['https://a.example/1.png'] },
  ],
  [
    'no field that no source documents',
    {
      seed: 7,
      style: 'anime',
      colors: ['#fff'],
      thinking: 'DEEP',
      outputFormat: 'PNG',
      watermark: false,
      safety: 'OFF',
    },
    {},
  ],
])('a body holds %s', (_, changes, added) => {
  expect(compose(createRequest(changes), SENDING)).toEqual({ ...bare, ...added });
});

test('it is told where to call back, where it can and in no more than 2,048 characters', () => {
  const callbackUrl = 'https://darkroom.example/webhooks/gptimage2/token';
  const longest = `${callbackUrl}${'x'.repeat(2_048 - callbackUrl.length)}`;
  const composed = (url: string | null) => compose(createRequest(), { ...SENDING, callbackUrl: url });
  expect(composed(callbackUrl)).toEqual({ ...bare, callback_url: callbackUrl });
  expect(composed(longest)).toEqual({ ...bare, callback_url: longest });
  expect([composed(null), composed(`${longest}x`)]).toEqual([bare, bare]);
});

test('a callback is believed for the task it names, and for nothing else', () => {
  const read = (body: unknown) => callback?.read(body);
  const completed = JSON.parse(readGolden('gptimage2-completed'));
  const failed = JSON.parse(readGolden('gptimage2-failed'));
  expect([completed, failed].map(read)).toEqual([completed, failed].map(({ id }) => ({ providerTaskId: id })));
  const unreadable = [undefined, null, [], 'text', 7, {}, { id: 7 }, { id: '' }, { id: '..' }, { id: 'a b' }];
  expect(unreadable.map(read)).toEqual(unreadable.map(() => null));
});

test('a resolution it does not offer is an error, not a silent default', () => {
  const request = createRequest({ size: { aspectRatio: '1:1', resolution: 'R3K' } });
  expect(() => compose(request, SENDING)).toThrow('GPTImage2 does not offer R3K.');
});
