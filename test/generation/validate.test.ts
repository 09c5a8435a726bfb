import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { CreateInput } from '../../src/generation/input.ts';
import { validateInput } from '../../src/generation/validate.ts';
import { sampleInput } from './samples.ts';

const { output } = sampleInput();
const LONE = '\ud83e';

const unstorable = (path: string) => ({
  path: path.split('.'),
  message: `${path} contains a NUL character or an unpaired surrogate; remove it.`,
  allowed: ['well-formed Unicode text without U+0000'],
});
const outside = (path: string, value: number, least: number, most: number) => ({
  path: path.split('.'),
  message: `${path} is ${value}; it must be from ${least} to ${most}.`,
  allowed: [`${least} to ${most}`],
});
const metadataAllowed = ['JSON of at most 16 KiB, nested at most 64 deep'];
const tooBig = { path: ['metadata'], message: 'metadata is larger than 16 KiB as JSON.', allowed: metadataAllowed };
const tooDeep = { path: ['metadata'], message: 'metadata is nested more than 64 deep.', allowed: metadataAllowed };
const emptyPrompt = { path: ['prompt'], message: 'prompt must not be empty.', allowed: ['at least 1 character'] };
const ratio = {
  path: ['size', 'ratio', 'aspectRatio'],
  message: 'size.ratio.aspectRatio must be two whole numbers like 16:9, or auto.',
  allowed: ['WIDTH:HEIGHT in whole numbers', 'auto'],
};

test.each<[string, Partial<CreateInput>, object]>([
  ['an empty prompt', { prompt: '' }, emptyPrompt],
  ['a prompt of blanks', { prompt: ' \n\t　' }, emptyPrompt],
  ['a NUL in the prompt', { prompt: 'a\0b' }, unstorable('prompt')],
  ['a lone surrogate in the prompt', { prompt: `a ${LONE} kite` }, unstorable('prompt')],
  ['a NUL in the style', { style: 'a\0b' }, unstorable('style')],
  [
    'a style of 201 characters',
    { style: 's'.repeat(201) },
    { path: ['style'], message: 'style is longer than 200 characters.', allowed: ['1 to 200 characters'] },
  ],
  [
    'an empty idempotency key',
    { idempotencyKey: '' },
    { path: ['idempotencyKey'], message: 'idempotencyKey must not be empty.', allowed: ['1 to 255 characters'] },
  ],
  [
    'an idempotency key of 256 characters',
    { idempotencyKey: 'k'.repeat(256) },
    {
      path: ['idempotencyKey'],
      message: 'idempotencyKey is longer than 255 characters.',
      allowed: ['1 to 255 characters'],
    },
  ],
  ['a NUL in the idempotency key', { idempotencyKey: 'a\0' }, unstorable('idempotencyKey')],
  ['no image', { images: 0 }, outside('images', 0, 1, 20)],
  ['21 images', { images: 21 }, outside('images', 21, 1, 20)],
  ['half an image', { images: 1.5 }, outside('images', 1.5, 1, 20)],
  ['NaN images', { images: Number.NaN }, outside('images', Number.NaN, 1, 20)],
  ['no width', { size: { width: 0, height: 64 } }, outside('size.pixels.width', 0, 1, 16_384)],
  ['a height of 16385', { size: { width: 64, height: 16_385 } }, outside('size.pixels.height', 16_385, 1, 16_384)],
  ['a negative seed', { seed: -1 }, outside('seed', -1, 0, 2_147_483_647)],
  ['a seed past 31 bits', { seed: 2 ** 31 }, outside('seed', 2 ** 31, 0, 2_147_483_647)],
  ['a quality of 0', { output: { ...output, quality: 0 } }, outside('output.quality', 0, 1, 100)],
  [
    'a routing to nobody',
    { routing: { onUncertain: 'WAIT', providers: [] } },
    {
      path: ['routing', 'providers'],
      message: 'routing.providers must not be empty; leave it out to allow every provider.',
      allowed: ['at least 1 provider'],
    },
  ],
  ...['', 'usd', 'DOLLARS', 'US$', 'USD\n'].map((currency): [string, Partial<CreateInput>, object] => [
    `the currency ${JSON.stringify(currency)}`,
    { routing: { onUncertain: 'WAIT', maxCost: { amount: '1', currency } } },
    {
      path: ['maxCost', 'currency'],
      message: 'maxCost.currency must be three capital letters, as in ISO 4217.',
      allowed: ['a code like USD'],
    },
  ]),
  [
    'a ttl of 59 seconds',
    { options: { runware: { optimizePrompt: null, ttlSeconds: 59 }, modelark: null } },
    {
      path: ['providerOptions', 'runware', 'ttlSeconds'],
      message: 'providerOptions.runware.ttlSeconds is 59; it must be at least 60.',
      allowed: ['at least 60'],
    },
  ],
  ['a deadline of 29 seconds', { deadlineSeconds: 29 }, outside('deadlineSeconds', 29, 30, 3600)],
  ['a reuse within no time', { reuseWithinSeconds: 0 }, outside('reuseWithinSeconds', 0, 1, 2_592_000)],
  [
    'a reuse within more than 30 days',
    { reuseWithinSeconds: 2_592_001 },
    outside('reuseWithinSeconds', 2_592_001, 1, 2_592_000),
  ],
  ['a deadline of over an hour', { deadlineSeconds: 3601 }, outside('deadlineSeconds', 3601, 30, 3600)],
  ...['', '16x9', '16:', '0:1', '1:0', '-1:1', '1.5:1', '16:9 ', '99999:1', 'AUTO', '１６:９', '1:1\n'].map(
    (aspectRatio): [string, Partial<CreateInput>, object] => [
      `the ratio ${JSON.stringify(aspectRatio)}`,
      { size: { aspectRatio, resolution: null } },
      ratio,
    ],
  ),
  ...['red', '#fff', '#1e90fg', '1e90ff', '#1e90ff ', '#1e90ff\n'].map(
    (color): [string, Partial<CreateInput>, object] => [
      `the colour ${JSON.stringify(color)}`,
      { colors: ['#1e90ff', color] },
      { path: ['colors', '1'], message: 'colors.1 is not a colour like #1e90ff.', allowed: ['#RRGGBB'] },
    ],
  ),
  ...(
    [
      ['', 'is not a valid URI'],
      ['images.example.com/a.png', 'is not a valid URI'],
      ['https://', 'is not a valid URI'],
      ['https://exa mple.com/', 'is not a valid URI'],
      ['https://example.com/a\nb', 'is not a valid URI'],
      ['https://example.com/\0', 'is not a valid URI'],
      [`https://example.com/${LONE}`, 'is not a valid URI'],
      ['https://[::1', 'is not a valid URI'],
      ['ftp://example.com/a.png', 'must be http or https'],
      ['file:///etc/passwd', 'must be http or https'],
      ['data:image/png;base64,AAAA', 'must be http or https'],
      ['javascript:alert(1)', 'must be http or https'],
      ['https:/example.com/a.png', 'must begin with http:// or https://'],
      ['http:example.com/a.png', 'must begin with http:// or https://'],
      ['https:\\\\example.com\\a.png', 'must begin with http:// or https://'],
      ['https://me:secret@example.com/', 'must not hold a user name or password'],
      ['https://me@example.com/', 'must not hold a user name or password'],
      [`https://example.com/${'a'.repeat(2048)}`, 'is longer than 2048 characters'],
    ] as const
  ).map(([uri, why]): [string, Partial<CreateInput>, object] => [
    `the URI ${JSON.stringify(uri.slice(0, 40))}`,
    { references: [{ uri: 'https://example.com/fine.png' }, { uri }] },
    {
      path: ['references', '1', 'uri'],
      message: `references.1.uri ${why}.`,
      allowed: ['an http or https URI of at most 2048 characters, without user name or password'],
    },
  ]),
  ['metadata over 16 KiB', { metadata: { text: 'm'.repeat(16_384) } }, tooBig],
  ['metadata over 16 KiB in bytes, not in characters', { metadata: '🪁'.repeat(4_096) }, tooBig],
  ['metadata 65 deep', { metadata: nested(65) }, tooDeep],
  ['metadata nested a million deep', { metadata: nested(1_000_000) }, tooDeep],
  ['a NUL in a metadata value', { metadata: { a: ['fine', 'a\0b'] } }, unstorable('metadata')],
  ['a NUL in a metadata key', { metadata: { 'a\0b': 1 } }, unstorable('metadata')],
  ['a lone surrogate in a metadata value', { metadata: { a: LONE } }, unstorable('metadata')],
  ['a lone surrogate in a metadata key', { metadata: [{ [`x${LONE}`]: 1 }] }, unstorable('metadata')],
  ['a NUL after backslashes in metadata', { metadata: '\\\\\0' }, unstorable('metadata')],
])('%s is refused', (_what, changes, fault) => {
  expect(validateInput(sampleInput(changes))).toEqual([fault]);
});

test.each<[string, Partial<CreateInput>]>([
  [
    'the widest of everything',
    {
      images: 20,
      seed: 2 ** 31 - 1,
      deadlineSeconds: 3600,
      reuseWithinSeconds: 2_592_000,
      size: { width: 1, height: 16_384 },
      routing: { onUncertain: 'WAIT', providers: ['anyone'], maxCost: { amount: '0', currency: 'EUR' } },
      options: { runware: { optimizePrompt: 'FAST', ttlSeconds: 60 }, modelark: { webSearch: false } },
    },
  ],
  ['a ratio, a colour and a URI', { size: { aspectRatio: '21:9', resolution: 'R4K' }, colors: ['#1E90ff'] }],
  ['auto', { size: { aspectRatio: 'auto', resolution: null } }],
  ['a URI with a port and a query', { references: [{ uri: 'http://example.com:8080/a?b=c#d' }] }],
  ['backslashes that only look like an escaped NUL', { metadata: { a: '\\u0000', b: '\\\\ud800' } }],
  ['metadata of exactly 16 KiB', { metadata: 'm'.repeat(16_382) }],
  ['pairs of surrogates', { prompt: '🪁', metadata: { '🪁': '🪁' } }],
  ['metadata 64 deep', { metadata: nested(64) }],
])('%s is sound', (_what, changes) => {
  expect(validateInput(sampleInput(changes))).toEqual([]);
});

test('a host that is not ASCII is sound, however often it is asked about', () => {
  const input = sampleInput({ references: [{ uri: 'https://bücher.example/ü.png' }] });
  const faults = Array.from({ length: 10_000 }, () => validateInput(input)).flat();
  expect(faults).toEqual([]);
});

test('everything that is wrong is said at once', () => {
  const faults = validateInput(sampleInput({ prompt: '', images: 21, seed: -1, metadata: '\0' }));
  expect(faults.map(({ path }) => path.join('.'))).toEqual(['prompt', 'images', 'seed', 'metadata']);
});

test('metadata is refused exactly where a text in it is unstorable', () => {
  const texts = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: fc.constantFrom('\0', '\\', 'u', '0', 'd8', LONE) }),
  );
  fc.assert(
    fc.property(fc.dictionary(texts, texts), (metadata) => {
      const all = Object.entries(metadata).flat();
      const sound = all.every((each) => each.isWellFormed() && !each.includes('\0'));
      expect(validateInput(sampleInput({ metadata }))).toEqual(sound ? [] : [unstorable('metadata')]);
    }),
    { numRuns: 2_000 },
  );
});

function nested(depth: number): unknown {
  let value: unknown = [];
  for (let i = 1; i < depth; i++) value = [value];
  return value;
}
