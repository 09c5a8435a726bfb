import { pick } from '../pick.ts';

type Pixels = readonly [width: number, height: number];

/**
 * SIM: the pixels of a named preset are UNKNOWN. Of ModelArk's sizes for the same model those of 2K and that shape;
 * `square` is the least area that model makes.
 */
const NAMED = {
  square_hd: [2048, 2048],
  square: [1920, 1920],
  portrait_4_3: [1728, 2304],
  portrait_16_9: [1600, 2848],
  landscape_4_3: [2304, 1728],
  landscape_16_9: [2848, 1600],
} as const satisfies Record<string, Pixels>;

/** SIM: the layout of an automatic one is picked by the prompt, from these of its tier. */
const AUTOMATIC: Record<'auto_2K' | 'auto_3K', readonly Pixels[]> = {
  auto_2K: [
    [2048, 2048],
    [2848, 1600],
    [1728, 2304],
  ],
  auto_3K: [
    [3072, 3072],
    [4096, 2304],
    [2592, 3456],
  ],
};

export const PRESETS = [
  'square_hd',
  'square',
  'portrait_4_3',
  'portrait_16_9',
  'landscape_4_3',
  'landscape_16_9',
  'auto_2K',
  'auto_3K',
] as const satisfies readonly (keyof typeof NAMED | keyof typeof AUTOMATIC)[];

export function toPixels(preset: (typeof PRESETS)[number], prompt: string): { width: number; height: number } {
  const [width, height] =
    preset === 'auto_2K' || preset === 'auto_3K' ? pick(AUTOMATIC[preset], prompt) : NAMED[preset];
  return { width, height };
}
