import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fitInput } from '../../src/generation/fit.ts';
import type { CreateInput } from '../../src/generation/input.ts';
import type {
  ImageFormat,
  ProviderFeature,
  ProviderModel,
  ReferenceRules,
  Resolution,
} from '../../src/generation/provider-model.ts';
import { RESOLUTIONS } from '../../src/generation/provider-model.ts';
import type { ProviderRequest } from '../../src/generation/provider-request.ts';
import type { Fit } from '../../src/generation/types.ts';
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
    { path: ['output', 'format'], message: 'output.format AVIF is not offered; PNG is.', allowed: ['PNG'] },
  ],
  [
    'a watermark switch',
    { output: { ...output, watermark: false } },
    { path: ['output', 'watermark'], message: 'output.watermark is not offered.', allowed: null },
  ],
])('STRICT refuses %s, and says what would do', (_what, changes, refusal) => {
  expect(refusalsOf(changes, {})).toEqual([{ provider: 'kites', ...refusal }]);
});

test.each(['STRICT', 'NEAREST'] as const)(
  'under %s an empty palette asks for none, whether one is offered or not',
  (fit) => {
    for (const features of [[], ['COLORS' as const]]) {
      const result = fitInput(sampleInput({ colors: [], fit }), 'kites', sampleModel({ features }));
      expect(result).toMatchObject({ fits: true, request: { colors: null }, adjustments: [] });
    }
  },
);

const FOUR: Partial<ProviderModel> = { series: { maxImages: 4, maxReferencesPlusImages: 5 }, maxReferences: 14 };
const HTTPS: Partial<ProviderModel> = { references: { ...rules(), schemes: ['https'] } };
/** A ratio with a tier only, one without, one with references only: no two of them alike. */
const ODD: Partial<ProviderModel> = {
  sizes: [
    { aspectRatio: '1:1', resolution: null, pixels: null },
    { aspectRatio: '16:9', resolution: 'R2K', pixels: null },
    { aspectRatio: '16:9', resolution: 'R4K', pixels: null },
    { aspectRatio: 'auto', resolution: 'R3K', pixels: null, needsReferences: true },
  ],
};
const ratio = (aspectRatio: string, resolution: Resolution | null = null) => ({ size: { aspectRatio, resolution } });

test.each<[string, Partial<CreateInput>, Partial<ProviderModel>, object]>([
  [
    'a tier that goes with another ratio',
    ratio('1:1', 'R2K'),
    ODD,
    {
      path: ['size', 'ratio', 'resolution'],
      message: 'R2K is not offered with 1:1; no resolution is.',
      allowed: ['no resolution'],
    },
  ],
  [
    'no tier where the ratio needs one',
    ratio('16:9'),
    ODD,
    {
      path: ['size', 'ratio', 'resolution'],
      message: 'no resolution is not offered with 16:9; R2K, R4K are.',
      allowed: ['R2K', 'R4K'],
    },
  ],
  [
    'a ratio that needs references, without any',
    ratio('auto', 'R3K'),
    { sizes: [...(ODD.sizes ?? []), { aspectRatio: '1:1', resolution: 'R3K', pixels: null }] },
    {
      path: ['size', 'ratio', 'aspectRatio'],
      message: 'auto is not offered without references; 1:1, 16:9 are.',
      allowed: ['1:1', '16:9'],
    },
  ],
  [
    'a ratio where none is offered',
    ratio('1:1'),
    { sizes: [] },
    { path: ['size', 'ratio', 'aspectRatio'], message: '1:1 is not offered; no ratio is.', allowed: [] },
  ],
  [
    'a series that one call cannot carry',
    { series: true, images: 5 },
    FOUR,
    {
      path: ['images'],
      message: 'A series of 5 images is too long for one call; at most 4 are made.',
      allowed: ['1 to 4 images'],
    },
  ],
  [
    'a series that one call cannot carry beside its references',
    { series: true, images: 4, references: [reference, reference] },
    FOUR,
    {
      path: ['images'],
      message: 'A series of 4 images beside 2 references is too long for one call; at most 3 are made.',
      allowed: ['1 to 3 images'],
    },
  ],
  [
    'more references than leave room for one image of a series',
    { series: true, references: Array(5).fill(reference) },
    FOUR,
    {
      path: ['references'],
      message: '5 references are too many; at most 4 are taken.',
      allowed: ['at most 4 references'],
    },
  ],
  [
    'a scheme that is not taken',
    { references: [reference, { uri: 'http://images.example.com/b.png' }] },
    HTTPS,
    {
      path: ['references', '1', 'uri'],
      message: 'references.1.uri must begin with https://.',
      allowed: ['https://'],
    },
  ],
  [
    'a quality beyond those offered',
    { output: { ...output, quality: 100 } },
    { qualities: { min: 20, max: 99 } },
    { path: ['output', 'quality'], message: 'output.quality is 100; 20 to 99 are offered.', allowed: ['20 to 99'] },
  ],
  [
    'a quality where none can be chosen',
    { output: { ...output, quality: 80 } },
    {},
    { path: ['output', 'quality'], message: 'output.quality is not offered.', allowed: null },
  ],
  [
    'a format where none can be chosen',
    { output: { ...output, format: 'PNG' } },
    { outputFormats: [] },
    { path: ['output', 'format'], message: 'output.format is not offered.', allowed: null },
  ],
])('STRICT refuses %s', (_what, changes, limits, refusal) => {
  expect(refusalsOf(changes, limits)).toEqual([{ provider: 'kites', ...refusal }]);
});

const webSearch = { runware: null, modelark: { webSearch: true } };
test.each<[string, Partial<CreateInput>, Partial<ProviderModel>, object]>([
  [
    'references where none are taken',
    { references: [reference] },
    { references: null },
    {
      path: ['references'],
      message: 'references is not offered. References are never dropped, not even under NEAREST.',
      allowed: null,
    },
  ],
  [
    'the options of another provider',
    { options: webSearch },
    {},
    {
      path: ['providerOptions', 'modelark'],
      message: 'providerOptions.modelark is for modelark alone, and never dropped.',
      allowed: null,
    },
  ],
  [
    'auto where it is not offered: it has no shape to be near to',
    ratio('auto'),
    {},
    {
      path: ['size', 'ratio', 'aspectRatio'],
      message: 'auto is not offered; 1:1, 3:2, 16:9 are.',
      allowed: ['1:1', '3:2', '16:9'],
    },
  ],
])('NEAREST refuses %s', (_what, changes, limits, refusal) => {
  expect(refusalsOf({ ...changes, fit: 'NEAREST' }, limits)).toEqual([{ provider: 'kites', ...refusal }]);
});

test('its own options go along, and what asks for none has no place for them', () => {
  const [own, none] = [webSearch, null].map((options) => fitInput(sampleInput({ options }), 'modelark', sampleModel()));
  expect(own).toMatchObject({ fits: true, request: { options: webSearch } });
  expect(none?.fits && Object.keys(none.request)).not.toContain('options');
});

test('a ratio that needs references is offered with them', () => {
  const input = sampleInput({ ...ratio('auto', 'R3K'), references: [reference] });
  expect(fitInput(input, 'kites', sampleModel(ODD))).toMatchObject({ fits: true, request: ratio('auto', 'R3K') });
});

test('one call of a series carries as many as the series may have, beside its references', () => {
  const perCall = (images: number, references: number, fit: Fit) => {
    const input = sampleInput({ series: true, images, references: Array(references).fill(reference), fit });
    const result = fitInput(input, 'kites', sampleModel({ ...FOUR, maxImages: 20 }));
    return result.fits ? result.imagesPerCall : null;
  };
  expect([perCall(4, 0, 'STRICT'), perCall(2, 3, 'STRICT'), perCall(3, 3, 'STRICT')]).toEqual([4, 2, null]);
  expect([perCall(20, 0, 'NEAREST'), perCall(20, 3, 'NEAREST')]).toEqual([4, 2]);
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

test.each<[string, Partial<CreateInput>, Partial<ProviderModel>, Partial<ProviderRequest>, object[]]>([
  [
    'the nearest ratio first, then a tier that goes with it',
    ratio('2:1', 'R3K'),
    ODD,
    ratio('16:9', 'R2K'),
    [
      { path: ['size', 'ratio', 'aspectRatio'], asked: '2:1', sent: '16:9', reason: 'the nearest ratio offered' },
      { path: ['size', 'ratio', 'resolution'], asked: 'R3K', sent: 'R2K', reason: 'the nearest tier offered' },
    ],
  ],
  [
    'a tier is dropped where the ratio goes without one only',
    ratio('1:1', 'R2K'),
    ODD,
    ratio('1:1'),
    [{ path: ['size', 'ratio', 'resolution'], asked: 'R2K', sent: null, reason: 'offered without a tier only' }],
  ],
  [
    'a ratio that needs a tier gets the smallest',
    ratio('16:9'),
    ODD,
    ratio('16:9', 'R2K'),
    [{ path: ['size', 'ratio', 'resolution'], asked: null, sent: 'R2K', reason: 'the nearest tier offered' }],
  ],
  [
    'a quality becomes the nearest that is offered',
    { output: { ...output, quality: 5 } },
    { qualities: { min: 20, max: 99 } },
    { outputQuality: 20 },
    [{ path: ['output', 'quality'], asked: '5', sent: '20', reason: 'the nearest of 20 to 99' }],
  ],
  [
    'a series too long for one call becomes several, whole',
    { series: true, images: 10 },
    FOUR,
    { series: true, images: 10 },
    [
      {
        path: ['series'],
        asked: 'one series of 10',
        sent: '3 series of at most 4',
        reason: 'one call makes a series of at most 4 images',
      },
    ],
  ],
  [
    'a series becomes independent pictures where there are none',
    { series: true, images: 10 },
    {},
    { series: false, images: 10 },
    [{ path: ['series'], asked: 'true', sent: null, reason: 'not offered by the provider' }],
  ],
])('NEAREST: %s, which is told', (_what, changes, limits, request, adjustments) => {
  const input = sampleInput({ ...changes, fit: 'NEAREST' });
  expect(fitInput(input, 'kites', sampleModel(limits))).toMatchObject({ fits: true, request, adjustments });
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
const features: ProviderFeature[] = ['SEED', 'SAFETY_SWITCH', 'WATERMARK_SWITCH', 'THINKING', 'STYLE', 'COLORS'];
const ratios = ['auto', '1:1', '2:3', '3:2', '9:16', '16:9', '21:9', '1:4'];
const offers = fc.record({
  aspectRatio: fc.constantFrom(...ratios),
  resolution: fc.option(fc.constantFrom(...RESOLUTIONS)),
  pixels: fc.constant(null),
});
const most = fc.integer({ min: 1, max: 15 });
const limits = fc
  .record({
    features: fc.subarray(features),
    outputFormats: fc.subarray(formats),
    sizes: fc.uniqueArray(offers, { selector: (offer) => JSON.stringify(offer), maxLength: 20 }),
    maxImages: most,
    maxReferences: fc.nat({ max: 14 }),
    maxReferencesPlusImages: fc.option(most),
    series: fc.option(fc.record({ maxImages: most, maxReferencesPlusImages: fc.option(most) })),
    references: fc.option(fc.constant(rules())),
    qualities: fc.option(fc.constant({ min: 20, max: 99 })),
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
      expect(imagesPerCall).toBeLessThanOrEqual((request.series ? model.series : model)?.maxImages ?? 0);
      // What one call is sent is what STRICT would take.
      const images = Math.min(request.images, imagesPerCall);
      const asked = { ...input, ...request, images, output: outputOf(request), fit: 'STRICT' as const };
      const sent = { ...request, images };
      expect(fitInput(asked, 'kites', model)).toEqual({ fits: true, request: sent, adjustments: [], imagesPerCall });
      expect(adjustments.map(({ path }) => path[0])).toEqual(expect.arrayContaining(changedBetween(input, request)));
      for (const { asked, sent } of adjustments) expect(asked).not.toBe(sent);
    }),
    { numRuns: 1_000 },
  );
});

function changedBetween(input: CreateInput, request: ProviderRequest): string[] {
  const { size, series, seed, style, colors, thinking } = input;
  const asked: Record<string, unknown> = { size, series, seed, style, colors, thinking };
  const sent: Record<string, unknown> = { ...request };
  const changed = Object.keys(asked).filter((key) => JSON.stringify(asked[key]) !== JSON.stringify(sent[key]));
  const isOutputSame = JSON.stringify(input.output) === JSON.stringify(outputOf(request));
  return isOutputSame ? changed : [...changed, 'output'];
}

test('under NEAREST any size in pixels finds one that the models we have take', () => {
  fc.assert(
    fc.property(side, side, fc.constantFrom(...GPTIMAGE2_MODELS), (width, height, model) => {
      const input = sampleInput({ model: model.model, size: { width, height }, fit: 'NEAREST' });
      expect(fitInput(input, 'gptimage2', model)).toMatchObject({ fits: true });
    }),
    { numRuns: 20_000 },
  );
});

function refusalsOf(changes: Partial<CreateInput>, limits: Partial<ProviderModel>) {
  const result = fitInput(sampleInput(changes), 'kites', sampleModel(limits));
  return result.fits ? [] : result.refusals;
}

function rules(): ReferenceRules {
  const { references } = sampleModel();
  if (!references) throw new Error('The sample takes no references.');
  return references;
}

function outputOf({ outputFormat: format, outputQuality: quality, watermark, safety }: ProviderRequest) {
  return { format, quality, watermark, safety };
}
