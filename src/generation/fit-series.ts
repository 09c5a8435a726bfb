import { fitting, type Part, unfit } from './fit-part.ts';
import { fitSetting } from './fit-settings.ts';
import type { CreateInput } from './input.ts';
import type { ProviderModel } from './provider-model.ts';

/** How many images and references one call may carry. */
export type CallLimits = Pick<ProviderModel, 'maxImages' | 'maxReferencesPlusImages'>;

/**
 * What one call of a series may carry, or null for independent pictures. A series that one call cannot carry is refused
 * under STRICT; under NEAREST several are made, each consistent in itself, and that is told: no picture is left out.
 */
export function fitSeries(
  { series, images, references, fit }: CreateInput,
  model: ProviderModel,
): Part<CallLimits | null> {
  const { series: limits } = model;
  if (!series || limits === null) return { ...fitSetting(['series'], series, false, false, fit), value: null };
  const most = imagesOf(limits, references.length);
  // More references than any call takes: those are what is refused.
  if (images <= most || most < 1) return fitting(limits);
  if (fit === 'NEAREST') {
    const sent = `${Math.ceil(images / most)} series of at most ${most}`;
    const reason = `one call makes a series of at most ${most} images`;
    return fitting(limits, { path: ['series'], asked: `one series of ${images}`, sent, reason });
  }
  const beside = references.length > 0 ? ` beside ${references.length} references` : '';
  const message = `A series of ${images} images${beside} is too long for one call; at most ${most} are made.`;
  return unfit({ path: ['images'], message, allowed: [`1 to ${most} images`] });
}

/** Images of one call beside so many references. */
export function imagesOf({ maxImages, maxReferencesPlusImages }: CallLimits, references: number): number {
  return Math.min(maxImages, (maxReferencesPlusImages ?? Number.POSITIVE_INFINITY) - references);
}
