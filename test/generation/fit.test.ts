import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fitInput } from '../../src/generation/fit.ts';
import type { CreateInput } from '../../src/generation/input.ts';
import type { ImageFormat, ProviderFeature, ProviderModel, ProviderRequest } from '../../src/generation/provider.ts';
import { RESOLUTIONS } from '../../src/generation/provider.ts';
import { GPTIMAGE2_MODELS } from '../../src/provider/gptimage2/models.ts';
import { sampleInput, sampleModel } from './samples.ts';

const reference = { uri: 'https://images.example.com/a.png' };
const output = sampleInput().output;

test.each<[string, Partial<CreateInput>, { path: string[]; message: string; allowed: string[] | null }]>([
  [
    'a prompt of 2001 characters',
    { prompt: 'k'.repeat(2001) },
    {
      path: ['prompt'],
      message: 'prompt has 2001 characters; at most 2000 are taken.',
      allowed: ['1 to 2000 characters'],
    },
  ],
  [
    'more references than are taken',
    { references: [reference, reference, reference, reference] },
    {
      path: ['references'],
      message: '4 references are too many; at most 3 are taken.',
      allowed: ['at most 3 references'],
    },
  ],
  [
    'a ratio that is not offered',
    { size: { aspectRatio: '5:4', resolution: null } },
    {
      path: ['size', 'ratio', 'aspectRatio'],
      message: '5:4 is not offered; 1:1, 3:2, 16:9 are.',
      allowed: ['1:1', '3:2', '16:9'],
    },
  ],
  [
    'a tier that is not offered',
    { size: { aspectRatio: '1:1', resolution: 'R3K' } },
    {
      path: ['size', 'ratio', 'resolution'],
      message: 'R3K is not offered; R2K, R4K are.',
      allowed: ['R2K', 'R4K'],
    },
  ],
  [
    'too few pixels',
    { size: { width: 640, height: 480 } },
    {
      path: ['size', 'pixels'],
      message:
        '640x480 is outside what is offered: an area of 3686400 to 16777216 pixels, a width of 1/16 to 16 times the height.',
      allowed: ['an area of 3686400 to 16777216 pixels', 'a width of 1/16 to 16 times the height'],
    },
  ],
  ['a style', { style: 'ukiyo-e' }, { path: ['style'], message: 'style is not offered.', allowed: null }],
  ['colours', { colors: ['#1e90ff'] }, { path: ['colors'], message: 'colors is not offered.', allowed: null }],
  ['thinking', { thinking: 'DEEP' }, { path: ['thinking'], message: 'thinking is not offered.', allowed: null }],
  ['a series', { series: true }, { path: ['series'], message: 'series is not offered.', allowed: null }],
  [
    'an output format',
    { output: { ...output, format: 'AVIF' } },
    { path: ['output', 'format'], message: 'output.format is not offered.', allowed: null },
  ],
  [
    'a watermark switch',
    { output: { ...output, watermark: false } },
    { path: ['output', 'watermark'], message: 'output.watermark is not offered.', allowed: null },
  ],
])('STRICT refuses %s, and says what would do', (_what, changes, refusal) => {
  expect(fitInput(sampleInput(changes), 'kites', sampleModel())).toEqual({
    fits: false,
    refusals: [{ provider: 'kites', ...refusal }],
  });
});

test('exact pixels where none are offered are refused with the ratios that are, under NEAREST too', () => {
  const model = sampleModel({ pixelArea: null, pixelRatio: null });
  for (const fit of ['STRICT', 'NEAREST'] as const) {
    expect(fitInput(sampleInput({ fit, size: { width: 2048, height: 2048 } }), 'kites', model)).toEqual({
      fits: false,
      refusals: [
        {
          provider: 'kites',
          path: ['size', 'pixels'],
          message: 'Exact pixels are not offered.',
          allowed: ['aspectRatio 1:1', 'aspectRatio 3:2', 'aspectRatio 16:9'],
        },
      ],
    });
  }
});

test('characters of a prompt are counted as people count them, not as UTF-16 does', () => {
  const fits = (prompt: string) => fitInput(sampleInput({ prompt }), 'kites', sampleModel()).fits;
  expect([fits('🪁'.repeat(2000)), fits('🪁'.repeat(2001))]).toEqual([true, false]);
});

test.each<[string, Partial<CreateInput>, Partial<ProviderRequest>, object[]]>([
  [
    'a ratio becomes the nearest in shape',
    { size: { aspectRatio: '5:4', resolution: 'R2K' } },
    { size: { aspectRatio: '3:2', resolution: 'R2K' } },
    [{ path: ['size', 'ratio', 'aspectRatio'], asked: '5:4', sent: '3:2', reason: 'the nearest ratio offered' }],
  ],
  [
    'a tier goes down, never up to what may cost more',
    { size: { aspectRatio: '1:1', resolution: 'R3K' } },
    { size: { aspectRatio: '1:1', resolution: 'R2K' } },
    [{ path: ['size', 'ratio', 'resolution'], asked: 'R3K', sent: 'R2K', reason: 'the nearest tier offered' }],
  ],
  [
    'a tier below all becomes the smallest',
    { size: { aspectRatio: '1:1', resolution: 'R1K' } },
    { size: { aspectRatio: '1:1', resolution: 'R2K' } },
    [{ path: ['size', 'ratio', 'resolution'], asked: 'R1K', sent: 'R2K', reason: 'the nearest tier offered' }],
  ],
  [
    'too few pixels grow in the same shape',
    { size: { width: 640, height: 480 } },
    { size: { width: 2218, height: 1663 } },
    [
      {
        path: ['size', 'pixels'],
        asked: '640x480',
        sent: '2218x1663',
        reason:
          'the nearest size with an area of 3686400 to 16777216 pixels and a width of 1/16 to 16 times the height',
      },
    ],
  ],
  [
    'what is not offered is dropped',
    { style: 'ukiyo-e', output: { ...output, format: 'AVIF', safety: 'OFF' } },
    { style: null, outputFormat: null, safety: 'DEFAULT' },
    [
      { path: ['style'], asked: 'ukiyo-e', sent: null, reason: 'not offered by the provider' },
      { path: ['output', 'format'], asked: 'AVIF', sent: null, reason: 'not offered by the provider' },
      { path: ['output', 'safety'], asked: 'OFF', sent: null, reason: 'not offered by the provider' },
    ],
  ],
])('NEAREST: %s, and it is said', (_what, changes, request, adjustments) => {
  const input = sampleInput({ ...changes, fit: 'NEAREST' });
  expect(fitInput(input, 'kites', sampleModel())).toMatchObject({ fits: true, request, adjustments });
});

test('the images of one call are limited by the model, and by the references that go with them', () => {
  const perCall = (count: number, changes: Partial<ProviderModel>) => {
    const input = sampleInput({ images: 20, references: Array(count).fill(reference) });
    const result = fitInput(input, 'kites', sampleModel({ maxReferences: 14, maxImages: 15, ...changes }));
    return result.fits ? result.imagesPerCall : null;
  };
  expect([0, 1, 14].map((count) => perCall(count, {}))).toEqual([15, 15, 15]);
  expect([0, 1, 14].map((count) => perCall(count, { maxReferencesPlusImages: 15 }))).toEqual([15, 14, 1]);
  expect(perCall(14, { maxReferencesPlusImages: 14 })).toBeNull();
});

const formats: ImageFormat[] = ['JPEG', 'PNG', 'WEBP', 'AVIF'];
const features: ProviderFeature[] = [
  'SEED',
  'SAFETY_SWITCH',
  'WATERMARK_SWITCH',
  'THINKING',
  'STYLE',
  'COLORS',
  'OUTPUT_QUALITY',
  'SERIES',
];
const ratios = ['auto', '1:1', '2:3', '3:2', '9:16', '16:9', '21:9', '1:4'];
const limits = fc
  .record({
    features: fc.subarray(features),
    outputFormats: fc.subarray(formats),
    aspectRatios: fc.subarray(ratios),
    resolutions: fc.subarray([...RESOLUTIONS]),
    maxImages: fc.integer({ min: 1, max: 15 }),
    maxReferences: fc.nat({ max: 14 }),
    maxReferencesPlusImages: fc.option(fc.integer({ min: 1, max: 15 })),
    pixelArea: fc.option(fc.tuple(fc.integer({ min: 4_096, max: 4_000_000 }), fc.integer({ min: 2, max: 100 }))),
    pixelRatio: fc.integer({ min: 1, max: 16 }),
  })
  .map(({ pixelArea, pixelRatio, ...rest }) => ({
    ...rest,
    pixelArea: pixelArea && { min: pixelArea[0], max: pixelArea[0] * pixelArea[1] },
    pixelRatio: pixelArea && { min: 1 / pixelRatio, max: pixelRatio },
  }));
const models = fc.oneof(fc.constantFrom(...GPTIMAGE2_MODELS), limits.map(sampleModel));
const side = fc.oneof(fc.integer({ min: 1, max: 16_384 }), fc.integer({ min: 1000, max: 5000 }));
const sizes: fc.Arbitrary<CreateInput['size']> = fc.oneof(
  fc.constant(null),
  fc.record({ width: side, height: side }),
  fc.record({ aspectRatio: fc.constantFrom(...ratios, '7:5'), resolution: fc.option(fc.constantFrom(...RESOLUTIONS)) }),
);
const inputs = fc
  .record({
    prompt: fc.string({ minLength: 1, maxLength: 2001 }),
    images: fc.integer({ min: 1, max: 20 }),
    series: fc.boolean(),
    size: sizes,
    references: fc.array(fc.constant(reference), { maxLength: 15 }),
    seed: fc.option(fc.nat()),
    style: fc.option(fc.constant('ukiyo-e')),
    colors: fc.option(fc.constant(['#1e90ff'])),
    thinking: fc.constantFrom('DEFAULT', 'FAST', 'DEEP'),
    output: fc.record({
      format: fc.option(fc.constantFrom(...formats)),
      quality: fc.option(fc.integer({ min: 1, max: 100 })),
      watermark: fc.option(fc.boolean()),
      safety: fc.constantFrom('DEFAULT', 'ON', 'OFF'),
    }),
  })
  .map((changes) => sampleInput(changes as Partial<CreateInput>));

test('STRICT changes nothing: what fits is sent as it was asked', () => {
  fc.assert(
    fc.property(inputs, models, (input, model) => {
      const result = fitInput({ ...input, fit: 'STRICT' }, 'kites', model);
      if (!result.fits) {
        expect(result.refusals).not.toEqual([]);
        return;
      }
      const { prompt, images, series, size, references, seed, style, colors, thinking, output } = input;
      const { format: outputFormat, quality: outputQuality, watermark, safety } = output;
      const asked = { prompt, images, series, size, references, seed, style, colors, thinking };
      expect(result.request).toEqual({ ...asked, model: model.model, outputFormat, outputQuality, watermark, safety });
      expect(result.adjustments).toEqual([]);
    }),
    { numRuns: 1_000 },
  );
});

test('what NEAREST makes fit is within every limit of the model, and each change is told', () => {
  fc.assert(
    fc.property(inputs, models, (input, model) => {
      const result = fitInput({ ...input, fit: 'NEAREST' }, 'kites', model);
      if (!result.fits) return;
      const { request, adjustments, imagesPerCall } = result;
      expect(imagesPerCall).toBeGreaterThanOrEqual(1);
      expect(imagesPerCall).toBeLessThanOrEqual(model.maxImages);
      const strict = fitInput({ ...input, ...request, output: outputOf(request), fit: 'STRICT' }, 'kites', model);
      expect(strict).toEqual({ fits: true, request, adjustments: [], imagesPerCall });
      const same = JSON.stringify(request.size) === JSON.stringify(input.size);
      expect(adjustments.some(({ path }) => path[0] === 'size')).toBe(!same);
      for (const { asked, sent } of adjustments) expect(asked).not.toBe(sent);
    }),
    { numRuns: 1_000 },
  );
});

test('under NEAREST any size in pixels finds one that the models we have take', () => {
  fc.assert(
    fc.property(side, side, fc.constantFrom(...GPTIMAGE2_MODELS), (width, height, model) => {
      const input = sampleInput({ model: model.model, size: { width, height }, fit: 'NEAREST' });
      expect(fitInput(input, 'gptimage2', model)).toMatchObject({ fits: true });
    }),
    { numRuns: 20_000 },
  );
});

function outputOf({ outputFormat: format, outputQuality: quality, watermark, safety }: ProviderRequest) {
  return { format, quality, watermark, safety };
}
