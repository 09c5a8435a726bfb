import { expect, test } from 'vitest';
import { findPixels, offerSeedreamSizes, SEEDREAM_SIZES } from '../../src/provider/seedream-sizes.ts';

const all = Object.values(SEEDREAM_SIZES).flat();
const shapeOf = (ratio: string) => Number(ratio.split(':')[0]) / Number(ratio.split(':')[1]);

test('each tier has the same nine ratios, five and the transposes of four', () => {
  const ratios = ['1:1', '4:3', '3:4', '16:9', '9:16', '3:2', '2:3', '21:9', '9:21'];
  for (const sizes of Object.values(SEEDREAM_SIZES))
    expect(sizes.map(({ aspectRatio }) => aspectRatio)).toEqual(ratios);
});

test('every recommended size is nearly its ratio, and one that the model takes', () => {
  for (const { aspectRatio, pixels } of all) {
    const { width, height } = pixels ?? { width: 0, height: 0 };
    expect(width / height / shapeOf(aspectRatio)).toBeCloseTo(1, 1);
    expect(width * height).toBeGreaterThanOrEqual(3_686_400);
    expect(width * height).toBeLessThanOrEqual(16_777_216);
  }
});

test('a ratio without a tier is 2K, and a ratio with a tier that is not offered has no pixels', () => {
  const sizes = offerSeedreamSizes(['R2K', 'R3K']);
  const find = (resolution: 'R2K' | 'R3K' | 'R4K' | null) => findPixels(sizes, { aspectRatio: '9:16', resolution });
  expect([find(null), find('R2K'), find('R3K'), find('R4K')]).toEqual([
    { width: 1600, height: 2848 },
    { width: 1600, height: 2848 },
    { width: 2304, height: 4096 },
    null,
  ]);
  expect(sizes.length).toBe(27);
});

test('exact pixels are their own', () => {
  expect(findPixels([], { width: 2500, height: 2000 })).toEqual({ width: 2500, height: 2000 });
});
