import { fitting, type Part, unfit } from './fit-part.ts';
import { fitReferences } from './fit-references.ts';
import { fitSeries, imagesOf } from './fit-series.ts';
import { fitFormat, fitQuality, fitSetting } from './fit-settings.ts';
import { fitSize } from './fit-size.ts';
import type { CreateInput, Refusal } from './input.ts';
import type { ProviderFeature, ProviderModel } from './provider-model.ts';
import type { ProviderOptions, ProviderRequest } from './provider-request.ts';
import type { Adjustment } from './types.ts';

/** What a provider would be asked for, and what had to be changed for it. `request.images` is the whole order. */
export interface Fitted {
  fits: true;
  request: ProviderRequest;
  adjustments: Adjustment[];
  imagesPerCall: number;
}

export type FitResult = Fitted | { fits: false; refusals: Refusal[] };

/**
 * Holds a sound input against one provider's limits. Under STRICT whatever is not offered is refused; under NEAREST it
 * is mapped or dropped, and each such change is reported, but for a prompt, references and the options of another
 * provider, which are refused all the same. Pure: the same answer for a quote and for a purchase.
 */
export function fitInput(input: CreateInput, provider: string, model: ProviderModel): FitResult {
  const { fit, references, output } = input;
  const has = (feature: ProviderFeature) => model.features.includes(feature);
  const series = fitSeries(input, model);
  const limits = series.value ?? model;
  const settings = {
    size: fitSize(input.size, model, { fit, hasReferences: references.length > 0 }),
    seed: fitSetting(['seed'], input.seed, null, has('SEED'), fit),
    style: fitSetting(['style'], input.style, null, has('STYLE'), fit),
    // An empty palette asks for none.
    colors: fitSetting(['colors'], input.colors?.length ? input.colors : null, null, has('COLORS'), fit),
    thinking: fitSetting(['thinking'], input.thinking, 'DEFAULT', has('THINKING'), fit),
    outputFormat: fitFormat(output.format, model, fit),
    outputQuality: fitQuality(output.quality, model, fit),
    watermark: fitSetting(['output', 'watermark'], output.watermark, null, has('WATERMARK_SWITCH'), fit),
    safety: fitSetting(['output', 'safety'], output.safety, 'DEFAULT', has('SAFETY_SWITCH'), fit),
  };
  const parts: Part<unknown>[] = [
    fitPrompt(input.prompt, model),
    fitOptions(input.options, provider),
    series,
    fitReferences(references, model, limits.maxReferencesPlusImages),
    ...Object.values(settings),
  ];
  const refusals = parts.flatMap(({ misfits }) => misfits.map((misfit) => ({ provider, ...misfit })));
  if (refusals.length > 0) return { fits: false, refusals };
  const request: ProviderRequest = {
    model: model.model,
    prompt: input.prompt,
    images: input.images,
    series: series.value !== null,
    size: settings.size.value,
    references,
    seed: settings.seed.value,
    style: settings.style.value,
    colors: settings.colors.value,
    thinking: settings.thinking.value,
    outputFormat: settings.outputFormat.value,
    outputQuality: settings.outputQuality.value,
    watermark: settings.watermark.value,
    safety: settings.safety.value,
    ...(input.options && { options: input.options }),
  };
  const adjustments = parts.flatMap((part) => part.adjustments);
  return { fits: true, request, adjustments, imagesPerCall: imagesOf(limits, references.length) };
}

function fitPrompt(prompt: string, { promptLimit }: ProviderModel): Part<string | null> {
  const characters = [...prompt].length;
  if (characters <= promptLimit) return fitting(prompt);
  const message = `prompt has ${characters} characters; at most ${promptLimit} are taken.`;
  return unfit({ path: ['prompt'], message, allowed: [`1 to ${promptLimit} characters`] });
}

function fitOptions(options: ProviderOptions | null, provider: string): Part<ProviderOptions | null> {
  const others = Object.entries(options ?? {}).filter(([slug, asked]) => asked !== null && slug !== provider);
  const misfits = others.map(([slug]) => ({
    path: ['providerOptions', slug],
    message: `providerOptions.${slug} is for ${slug} alone, and never dropped.`,
    allowed: null,
  }));
  return misfits.length > 0 ? unfit(...misfits) : fitting(options);
}
