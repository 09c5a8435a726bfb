import { pick } from '../pick.ts';

type Pixels = readonly [width: number, height: number];

export type ReadSize =
  | { ok: true; width: number; height: number }
  | { ok: false; message: string; param: 'size' | 'quality' };

/** Pixels for a `size` of either form. SIM: without a size, a quality is that of a square; without a quality, 2K. */
export function readSize(size: string | undefined, quality: '2K' | '4K' | undefined, prompt: string): ReadSize {
  const ratio = size === 'auto' ? pick([...RATIOS['2K'].keys()], prompt) : (size ?? '1:1');
  const pixels = RATIOS[quality ?? '2K'].get(ratio);
  if (pixels) return { ok: true, width: pixels[0], height: pixels[1] };
  const [, width, height] = /^([1-9]\d{0,5})x([1-9]\d{0,5})$/.exec(ratio) ?? [];
  if (!width || !height) {
    return { ok: false, param: 'size', message: 'size must be auto, a supported ratio or WidthxHeight' };
  }
  if (quality) return { ok: false, param: 'quality', message: 'quality cannot be combined with a pixel size' };
  return readPixels(Number(width), Number(height));
}

const LEAST_AREA = 2560 * 1440;
const MOST_AREA = 4096 * 4096;
const MOST_RATIO = 16;

function readPixels(width: number, height: number): ReadSize {
  const area = width * height;
  if (area < LEAST_AREA || area > MOST_AREA) {
    return { ok: false, param: 'size', message: 'size must have between 2560x1440 and 4096x4096 pixels' };
  }
  if (width > MOST_RATIO * height || height > MOST_RATIO * width) {
    return { ok: false, param: 'size', message: 'size must have an aspect ratio between 1/16 and 16' };
  }
  return { ok: true, width, height };
}

/** ModelArk's recommended sizes for the same model. SIM: 5:4 is in no table; exact, and of about the same area. */
const RATIOS = {
  '2K': withTransposes([
    ['1:1', [2048, 2048]],
    ['3:2', [2496, 1664]],
    ['4:3', [2304, 1728]],
    ['5:4', [2320, 1856]],
    ['16:9', [2848, 1600]],
    ['21:9', [3136, 1344]],
  ]),
  '4K': withTransposes([
    ['1:1', [4096, 4096]],
    ['3:2', [4992, 3328]],
    ['4:3', [4704, 3520]],
    ['5:4', [4560, 3648]],
    ['16:9', [5504, 3040]],
    ['21:9', [6240, 2656]],
  ]),
};

function withTransposes(landscape: [ratio: string, pixels: Pixels][]): ReadonlyMap<string, Pixels> {
  const ratios = new Map<string, Pixels>(landscape);
  for (const [ratio, [width, height]] of landscape) {
    // 9:21 is not among the ratios the provider names.
    if (ratio !== '21:9') ratios.set(ratio.split(':').reverse().join(':'), [height, width]);
  }
  return ratios;
}
