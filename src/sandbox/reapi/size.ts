import { pick } from '../pick.ts';

export const RATIOS = ['1:1', '4:3', '3:4', '16:9', '9:16', '3:2', '2:3', '21:9', 'auto'] as const;
export type Ratio = (typeof RATIOS)[number];
export type Tier = '2K' | '3K';

/** SIM: the picture of `auto` has one of the eight ratios, by the first reference's address: nobody looks at it. */
export function toPixels(ratio: Ratio, tier: Tier, firstReference: string): { width: number; height: number } {
  const { [ratio === 'auto' ? pickRatio(firstReference) : ratio]: pixels } = PIXELS[tier];
  return { width: pixels[0], height: pixels[1] };
}

type Shape = Exclude<Ratio, 'auto'>;

/** 1:1 and 16:9 are of seed 002, the others ModelArk's recommended sizes for the same model. */
const PIXELS: Record<Tier, Record<Shape, readonly [width: number, height: number]>> = {
  '2K': {
    '1:1': [2048, 2048],
    '4:3': [2304, 1728],
    '3:4': [1728, 2304],
    '16:9': [2848, 1600],
    '9:16': [1600, 2848],
    '3:2': [2496, 1664],
    '2:3': [1664, 2496],
    '21:9': [3136, 1344],
  },
  '3K': {
    '1:1': [3072, 3072],
    '4:3': [3456, 2592],
    '3:4': [2592, 3456],
    '16:9': [4096, 2304],
    '9:16': [2304, 4096],
    '3:2': [3744, 2496],
    '2:3': [2496, 3744],
    '21:9': [4704, 2016],
  },
};

function pickRatio(reference: string): Shape {
  return pick(Object.keys(PIXELS['2K']) as Shape[], reference);
}
