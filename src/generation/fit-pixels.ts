import { fitting, type Part, unfit } from './fit-part.ts';
import type { Pixels, ProviderModel } from './provider-model.ts';
import { ratiosOf } from './sizes.ts';
import type { Fit } from './types.ts';

interface Range {
  min: number;
  max: number;
}

/** An exact size; under NEAREST the nearest in area and shape, where exact sizes are offered at all. */
export function fitPixels(asked: Pixels, { sizes, ...model }: ProviderModel, fit: Fit): Part<Pixels | null> {
  const path = ['size', 'pixels'];
  const { pixelArea, pixelRatio } = model;
  if (!pixelArea || !pixelRatio) {
    const allowed = ratiosOf(sizes).map((ratio) => `aspectRatio ${ratio}`);
    return unfit({ path, message: 'Exact pixels are not offered.', allowed });
  }
  const fits = ({ width, height }: Pixels) => within(width * height, pixelArea) && within(width / height, pixelRatio);
  if (fits(asked)) return fitting(asked);
  const allowed = [
    `an area of ${pixelArea.min} to ${pixelArea.max} pixels`,
    `a width of ${fraction(pixelRatio.min)} to ${fraction(pixelRatio.max)} times the height`,
  ];
  const message = `${nameOf(asked)} is outside what is offered: ${allowed.join(', ')}.`;
  const nearest = fit === 'NEAREST' ? nearestPixels(asked, pixelArea, pixelRatio) : asked;
  if (!fits(nearest)) return unfit({ path, message, allowed });
  const reason = `the nearest size with ${allowed.join(' and ')}`;
  return fitting(nearest, { path, asked: nameOf(asked), sent: nameOf(nearest), reason });
}

/** Keeps the ratio where it can and scales the area to the nearest bound, rounding into the allowed range. */
function nearestPixels({ width, height }: Pixels, area: Range, ratio: Range): Pixels {
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

function nameOf({ width, height }: Pixels): string {
  return `${width}x${height}`;
}

function within(value: number, { min, max }: Range): boolean {
  return value >= min && value <= max;
}

function clamp(value: number, { min, max }: Range): number {
  return Math.min(Math.max(value, min), max);
}

function fraction(value: number): string {
  return value < 1 ? `1/${Math.round(1 / value)}` : String(value);
}
