import type { CreateInput } from './input.ts';
import type { ProviderModel, RequestedSize, Resolution } from './provider.ts';
import { RESOLUTIONS } from './provider.ts';
import type { Adjustment, Fit } from './types.ts';

type Fitted = { size: RequestedSize | null; adjustments: Adjustment[] };
type Misfit = { path: string[]; message: string; allowed: string[] };

/** The size as this provider takes it, or what it would take instead. */
export function fitSize(asked: CreateInput['size'], model: ProviderModel, fit: Fit): Fitted | { misfits: Misfit[] } {
  if (asked === null) return { size: null, adjustments: [] };
  return 'width' in asked ? fitPixels(asked, model, fit) : fitRatio(asked, model, fit);
}

function fitPixels(
  asked: { width: number; height: number },
  model: ProviderModel,
  fit: Fit,
): Fitted | { misfits: Misfit[] } {
  const path = ['size', 'pixels'];
  const { pixelArea, pixelRatio } = model;
  if (!pixelArea || !pixelRatio) {
    const allowed = model.aspectRatios.map((ratio) => `aspectRatio ${ratio}`);
    return { misfits: [{ path, message: 'Exact pixels are not offered.', allowed }] };
  }
  const fits = (size: { width: number; height: number }) =>
    within(size.width * size.height, pixelArea) && within(size.width / size.height, pixelRatio);
  if (fits(asked)) return { size: asked, adjustments: [] };
  const allowed = [
    `an area of ${pixelArea.min} to ${pixelArea.max} pixels`,
    `a width of ${fraction(pixelRatio.min)} to ${fraction(pixelRatio.max)} times the height`,
  ];
  const message = `${asked.width}x${asked.height} is outside what is offered: ${allowed.join(', ')}.`;
  const nearest = fit === 'NEAREST' ? nearestPixels(asked, pixelArea, pixelRatio) : asked;
  if (!fits(nearest)) return { misfits: [{ path, message, allowed }] };
  const adjustment = {
    path,
    asked: `${asked.width}x${asked.height}`,
    sent: `${nearest.width}x${nearest.height}`,
    reason: `the nearest size with ${allowed.join(' and ')}`,
  };
  return { size: nearest, adjustments: [adjustment] };
}

/** Keeps the ratio where it can and scales the area to the nearest bound, rounding into the allowed range. */
function nearestPixels(
  { width, height }: { width: number; height: number },
  area: { min: number; max: number },
  ratio: { min: number; max: number },
): { width: number; height: number } {
  const shape = clamp(width / height, ratio);
  const target = clamp(width * height, area);
  const round = target === area.min ? Math.ceil : Math.floor;
  const wide = round(Math.sqrt(target * shape));
  const high = round(target / wide);
  if (within(wide / high, ratio)) return { width: wide, height: high };
  return shape >= 1
    ? { width: high * Math.floor(ratio.max), height: high }
    : { width: wide, height: wide * Math.floor(1 / ratio.min) };
}

function fitRatio(
  asked: { aspectRatio: string; resolution: Resolution | null },
  model: ProviderModel,
  fit: Fit,
): Fitted | { misfits: Misfit[] } {
  const ratio = pick(asked.aspectRatio, model.aspectRatios, fit, nearestRatio);
  const tier = asked.resolution && pick(asked.resolution, model.resolutions, fit, nearestTier);
  const misfits: Misfit[] = [];
  if (ratio === undefined) {
    misfits.push(misfit(['size', 'ratio', 'aspectRatio'], asked.aspectRatio, model.aspectRatios));
  }
  if (tier === undefined) {
    misfits.push(misfit(['size', 'ratio', 'resolution'], String(asked.resolution), model.resolutions));
  }
  if (ratio === undefined || tier === undefined) return { misfits };
  const adjustments = [
    ...adjusted(['size', 'ratio', 'aspectRatio'], asked.aspectRatio, ratio, 'the nearest ratio offered'),
    ...adjusted(['size', 'ratio', 'resolution'], asked.resolution, tier, 'the nearest tier offered'),
  ];
  return { size: { aspectRatio: ratio, resolution: tier }, adjustments };
}

function pick<T extends string>(
  asked: T,
  offered: readonly T[],
  fit: Fit,
  nearest: (asked: T, offered: readonly T[]) => T | undefined,
): T | undefined {
  if (offered.includes(asked)) return asked;
  return fit === 'NEAREST' ? nearest(asked, offered) : undefined;
}

function nearestRatio(asked: string, offered: readonly string[]): string | undefined {
  if (asked === 'auto') return undefined;
  const distance = (ratio: string) => Math.abs(Math.log(shapeOf(ratio) / shapeOf(asked)));
  return offered.filter((ratio) => ratio !== 'auto').sort((a, b) => distance(a) - distance(b))[0];
}

/** A tier down, never up: a larger one may cost more. The smallest offered when none is below. */
function nearestTier(asked: Resolution, offered: readonly Resolution[]): Resolution | undefined {
  const rank = (tier: Resolution) => RESOLUTIONS.indexOf(tier);
  const sorted = [...offered].sort((a, b) => rank(a) - rank(b));
  return sorted.findLast((tier) => rank(tier) <= rank(asked)) ?? sorted[0];
}

function misfit(path: string[], asked: string, offered: readonly string[]): Misfit {
  return { path, message: `${asked} is not offered; ${offered.join(', ')} are.`, allowed: [...offered] };
}

function adjusted(path: string[], asked: string | null, sent: string | null, reason: string): Adjustment[] {
  return asked === sent ? [] : [{ path, asked, sent, reason }];
}

function shapeOf(ratio: string): number {
  const [width, height] = ratio.split(':').map(Number);
  return (width ?? 1) / (height ?? 1);
}

function within(value: number, { min, max }: { min: number; max: number }): boolean {
  return value >= min && value <= max;
}

function clamp(value: number, { min, max }: { min: number; max: number }): number {
  return Math.min(Math.max(value, min), max);
}

function fraction(value: number): string {
  return value < 1 ? `1/${Math.round(1 / value)}` : String(value);
}
