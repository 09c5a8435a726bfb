import type { CreateInput } from '../generation/input.ts';
import { builder } from './builder.ts';
import { FitEnum, ImageFormatEnum, ResolutionEnum, SafetyEnum, ThinkingEnum } from './enums.ts';
import { ProviderOptionsInput, toOptions } from './provider-options-input.ts';
import { MoneyInput, RoutingInput, toRouting } from './routing-input.ts';

const PixelsInput = builder.inputType('PixelsInput', {
  description: 'An exact size.',
  fields: (t) => ({
    width: t.int({ required: true, description: 'In pixels.' }),
    height: t.int({ required: true, description: 'In pixels.' }),
  }),
});

const RatioInput = builder.inputType('RatioInput', {
  description: 'A shape, and a size tier.',
  fields: (t) => ({
    aspectRatio: t.string({
      required: true,
      description: 'Width to height, such as 16:9; auto lets the model choose.',
    }),
    resolution: t.field({ type: ResolutionEnum, description: "None: the provider's own default." }),
  }),
});

const SizeInput = builder.inputType('SizeInput', {
  description: 'Exactly one of the two.',
  isOneOf: true,
  fields: (t) => ({
    pixels: t.field({ type: PixelsInput, description: 'An exact size.' }),
    ratio: t.field({ type: RatioInput, description: 'A shape, and a size tier.' }),
  }),
});

const ReferenceInput = builder.inputType('ReferenceInput', {
  description: 'An image to start from: exactly one of its fields.',
  isOneOf: true,
  fields: (t) => ({
    uri: t.field({
      type: 'URI',
      description: 'http or https, at most 2048 characters, reachable by the provider, without user name or password.',
    }),
  }),
});

const OutputInput = builder.inputType('OutputInput', {
  description: 'How the file is made, where the provider lets one choose.',
  fields: (t) => ({
    format: t.field({ type: ImageFormatEnum, description: "None or ORIGINAL: the provider's own default." }),
    quality: t.int({ description: 'Of the encoding, 1 to 100.' }),
    watermark: t.boolean({ description: 'Whether to add a watermark.' }),
    safety: t.field({
      type: SafetyEnum,
      required: true,
      defaultValue: 'DEFAULT',
      description: 'Whether the content is checked.',
    }),
  }),
});

export const CreateGenerationInput = builder.inputType('CreateGenerationInput', {
  description: 'One purchase: a prompt and what its images should be.',
  fields: (t) => ({
    prompt: t.string({
      required: true,
      description: 'What to draw. How long it may be is up to the provider: see `models`.',
    }),
    model: t.string({ required: true, defaultValue: 'seedream-5.0-lite', description: 'The slug of a model.' }),
    idempotencyKey: t.string({
      description:
        'One key per intended purchase; send the SAME key on every retry of it, on any connection: all get one generation and pay once. 1 to 255 characters, apart for each workspace and mode. It is kept as long as the generation, at least 7 days; with another request it is an IdempotencyConflictError.',
    }),
    images: t.int({
      required: true,
      defaultValue: 1,
      description: '1 to 20. What one call cannot carry is split over several tasks.',
    }),
    series: t.boolean({
      required: true,
      defaultValue: false,
      description:
        'One consistent series rather than independent pictures, where the provider can; `images` is then the most it may make. One that a single call cannot carry is refused, or under NEAREST made as several.',
    }),
    size: t.field({ type: SizeInput, description: "None: the provider's own default." }),
    references: t.field({
      type: [ReferenceInput],
      description: 'Images to start from. Never dropped, not even under NEAREST.',
    }),
    seed: t.int({ description: '0 or more, for a result that can be had again, where the provider can.' }),
    style: t.string({ description: 'A style, at most 200 characters, where the provider takes one.' }),
    colors: t.stringList({
      description: 'A palette of #RRGGBB, where the provider takes one; an empty one asks for none.',
    }),
    thinking: t.field({
      type: ThinkingEnum,
      required: true,
      defaultValue: 'DEFAULT',
      description: 'How long to reason.',
    }),
    output: t.field({ type: OutputInput, description: 'How the file is made.' }),
    fit: t.field({
      type: FitEnum,
      required: true,
      defaultValue: 'STRICT',
      description: 'NEAREST permits adjustments, each reported back.',
    }),
    routing: t.field({
      type: RoutingInput,
      description:
        'Whom to ask, and what to do where providers differ or fail. None: the default of each of its fields.',
    }),
    maxCost: t.field({
      type: MoneyInput,
      description:
        'Refuse rather than spend more on all its images together, at whichever provider: COST_ABOVE_MAX. Whoever has no known price, or one in another currency, is not asked then.',
    }),
    providerOptions: t.field({
      type: ProviderOptionsInput,
      description: 'Extras of one provider. Asking for one makes all others ineligible.',
    }),
    deadlineSeconds: t.int({ description: "30 to 3600. None: the installation's own, 900 unless set otherwise." }),
    reuseWithinSeconds: t.int({
      description:
        'Give back a finished generation of the very same request, not older than this, instead of buying it again: 1 to 2592000 seconds (30 days) since it was finished. None: buy. Everything in the input is the request, `metadata` too, except this and `idempotencyKey`. The newest that SUCCEEDED and still has every picture is given, with `reused: true`, and belongs to your key for good. What is still being made is not waited for, and a retry is not given back.',
    }),
    metadata: t.field({
      type: 'JSON',
      description:
        'Your own, at most 16 KiB as JSON and 64 levels deep, echoed everywhere. It is a part of the request: with other metadata the same key is a conflict, and nothing is reused.',
    }),
  }),
});

/** What GraphQL leaves out is null in the domain, so that the same request always looks the same. */
export function toInput(input: typeof CreateGenerationInput.$inferInput): CreateInput {
  const { size, output } = input;
  const ratio = size?.ratio && { aspectRatio: size.ratio.aspectRatio, resolution: size.ratio.resolution ?? null };
  return {
    prompt: input.prompt,
    model: input.model,
    idempotencyKey: input.idempotencyKey ?? null,
    images: input.images,
    series: input.series,
    size: size?.pixels ?? ratio ?? null,
    references: (input.references ?? []).map(({ uri }) => ({ uri: uri ?? '' })),
    seed: input.seed ?? null,
    style: input.style ?? null,
    colors: input.colors ?? null,
    thinking: input.thinking,
    output: {
      format: output?.format && output.format !== 'ORIGINAL' ? output.format : null,
      quality: output?.quality ?? null,
      watermark: output?.watermark ?? null,
      safety: output?.safety ?? 'DEFAULT',
    },
    fit: input.fit,
    routing: toRouting(input.routing, input.maxCost),
    options: toOptions(input.providerOptions),
    deadlineSeconds: input.deadlineSeconds ?? null,
    reuseWithinSeconds: input.reuseWithinSeconds ?? null,
    metadata: input.metadata ?? null,
  };
}
