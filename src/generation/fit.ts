import { fitSize } from './fit-size.ts';
import type { CreateInput, Refusal } from './input.ts';
import type { ProviderFeature, ProviderModel, ProviderRequest } from './provider.ts';
import type { Adjustment } from './types.ts';

/** What a provider would be asked for, and what had to be changed for it. `request.images` is the whole order. */
export type FitResult =
  | { fits: true; request: ProviderRequest; adjustments: Adjustment[]; imagesPerCall: number }
  | { fits: false; refusals: Refusal[] };

/**
 * Holds a sound input against one provider's limits. Under STRICT whatever is not offered is refused; under NEAREST it
 * is mapped or dropped, and each such change is reported. Pure: the same answer for a quote and for a purchase.
 */
export function fitInput(input: CreateInput, provider: string, model: ProviderModel): FitResult {
  const refusals: Refusal[] = [];
  const adjustments: Adjustment[] = [];
  const refuse = (path: string[], message: string, allowed: string[] | null) =>
    refusals.push({ provider, path, message, allowed });

  /** A setting that needs a feature: kept where offered, else dropped or refused. */
  function setting<T>(path: string[], asked: T, unset: T, offered: boolean): T {
    if (asked === unset || offered) return asked;
    if (input.fit === 'NEAREST') {
      adjustments.push({ path, asked: String(asked), sent: null, reason: 'not offered by the provider' });
    } else {
      refuse(path, `${path.join('.')} is not offered.`, null);
    }
    return unset;
  }
  const has = (feature: ProviderFeature) => model.features.includes(feature);

  const characters = [...input.prompt].length;
  if (characters > model.promptLimit) {
    const allowed = [`1 to ${model.promptLimit} characters`];
    refuse(['prompt'], `prompt has ${characters} characters; at most ${model.promptLimit} are taken.`, allowed);
  }
  const references = input.references.length;
  const together = model.maxReferencesPlusImages ?? Number.POSITIVE_INFINITY;
  // Each call makes at least one image.
  const most = Math.min(model.maxReferences, together - 1);
  if (references > most) {
    const allowed = [`at most ${most} references`];
    refuse(['references'], `${references} references are too many; at most ${most} are taken.`, allowed);
  }
  const size = fitSize(input.size, model, input.fit);
  if ('misfits' in size) for (const { path, message, allowed } of size.misfits) refuse(path, message, allowed);
  else adjustments.push(...size.adjustments);

  const { format, quality, watermark, safety } = input.output;
  const request: ProviderRequest = {
    model: model.model,
    prompt: input.prompt,
    images: input.images,
    series: setting(['series'], input.series, false, has('SERIES')),
    size: 'misfits' in size ? null : size.size,
    references: input.references,
    seed: setting(['seed'], input.seed, null, has('SEED')),
    style: setting(['style'], input.style, null, has('STYLE')),
    colors: setting(['colors'], input.colors, null, has('COLORS')),
    thinking: setting(['thinking'], input.thinking, 'DEFAULT', has('THINKING')),
    outputFormat: setting(['output', 'format'], format, null, format !== null && model.outputFormats.includes(format)),
    outputQuality: setting(['output', 'quality'], quality, null, has('OUTPUT_QUALITY')),
    watermark: setting(['output', 'watermark'], watermark, null, has('WATERMARK_SWITCH')),
    safety: setting(['output', 'safety'], safety, 'DEFAULT', has('SAFETY_SWITCH')),
  };
  if (refusals.length > 0) return { fits: false, refusals };
  return { fits: true, request, adjustments, imagesPerCall: Math.min(model.maxImages, together - references) };
}
