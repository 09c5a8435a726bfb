import { fitting, inWords, type Part } from './fit-part.ts';
import type { ImageFormat, ProviderModel } from './provider-model.ts';
import type { Fit } from './types.ts';

/** A setting without values of its own: kept where it is offered, else dropped or refused. */
export function fitSetting<T>(path: string[], asked: T, unset: NoInfer<T>, isOffered: boolean, fit: Fit): Part<T> {
  if (asked === unset || isOffered) return fitting(asked);
  if (fit === 'NEAREST') {
    return fitting(unset, { path, asked: String(asked), sent: null, reason: 'not offered by the provider' });
  }
  const misfit = { path, message: `${path.join('.')} is not offered.`, allowed: null };
  return { value: unset, adjustments: [], misfits: [misfit] };
}

/** Another format is no substitute: under NEAREST one that is not offered is left to the provider. */
export function fitFormat(asked: ImageFormat | null, { outputFormats }: ProviderModel, fit: Fit) {
  const path = ['output', 'format'];
  const isOffered = asked !== null && outputFormats.includes(asked);
  const part = fitSetting(path, asked, null, isOffered, fit);
  if (part.misfits.length === 0 || outputFormats.length === 0) return part;
  const message = `output.format ${asked} is not offered; ${inWords(outputFormats)}.`;
  return { ...part, misfits: [{ path, message, allowed: [...outputFormats] }] };
}

export function fitQuality(asked: number | null, { qualities }: ProviderModel, fit: Fit): Part<number | null> {
  const path = ['output', 'quality'];
  if (asked === null || qualities === null) return fitSetting(path, asked, null, false, fit);
  const { min, max } = qualities;
  const nearest = Math.min(Math.max(asked, min), max);
  if (nearest === asked) return fitting(asked);
  if (fit === 'NEAREST') {
    const reason = `the nearest of ${min} to ${max}`;
    return fitting(nearest, { path, asked: String(asked), sent: String(nearest), reason });
  }
  const message = `output.quality is ${asked}; ${min} to ${max} are offered.`;
  return { value: null, adjustments: [], misfits: [{ path, message, allowed: [`${min} to ${max}`] }] };
}
