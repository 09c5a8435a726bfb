import { pick } from '../pick.ts';

type Pixels = readonly [width: number, height: number];

const LEAST_AREA = 3_686_400;
const MOST_AREA = 16_777_216;
const MOST_RATIO = 16;

/** Pixels for a label or `WxH`, or what is wrong with it. */
export function readSize(size: string, prompt: string): Pixels | string {
  const label = LABELS.get(size);
  // With a label the model chooses the ratio from the prompt.
  if (label) return pick(label, prompt);
  const [, width, height] = /^([1-9]\d{0,5})x([1-9]\d{0,5})$/.exec(size) ?? [];
  if (!width || !height) return 'size must be 2K, 3K, 4K or WIDTHxHEIGHT';
  return readPixels(Number(width), Number(height));
}

function readPixels(width: number, height: number): Pixels | string {
  const area = width * height;
  if (area < LEAST_AREA || area > MOST_AREA) return `size must have ${LEAST_AREA} to ${MOST_AREA} pixels`;
  if (width > MOST_RATIO * height || height > MOST_RATIO * width) return 'size must have a ratio from 1/16 to 16';
  return [width, height];
}

/** The recommended sizes, and among 2K the one of the official example, which is in no table. */
const LABELS = new Map<string, readonly Pixels[]>([
  ['2K', withTransposes([2048, 2048], [2304, 1728], [2848, 1600], [2496, 1664], [3136, 1344], [2720, 1536])],
  ['3K', withTransposes([3072, 3072], [3456, 2592], [4096, 2304], [3744, 2496], [4704, 2016])],
  ['4K', withTransposes([4096, 4096], [4704, 3520], [5504, 3040], [4992, 3328], [6240, 2656])],
]);

function withTransposes(...landscape: Pixels[]): Pixels[] {
  return [...landscape, ...landscape.map(([width, height]): Pixels => [height, width])];
}
