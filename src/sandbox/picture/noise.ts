export type Random = () => number;
export type Noise = (x: number, y: number) => number;

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** Smooth noise around zero, about -1 to 1: three octaves on a lattice of random values. */
export function createNoise(random: Random): Noise {
  const lattice = Float32Array.from({ length: 16_384 }, () => random() * 2 - 1);
  const at = (x: number, y: number) => lattice[((y & 127) << 7) | (x & 127)] as number;
  const smooth = (x: number, y: number) => {
    const left = Math.floor(x);
    const top = Math.floor(y);
    const across = ease(x - left);
    const down = ease(y - top);
    const above = mix(at(left, top), at(left + 1, top), across);
    const below = mix(at(left, top + 1), at(left + 1, top + 1), across);
    return mix(above, below, down);
  };
  return (x, y) =>
    0.57 * smooth(x, y) + 0.29 * smooth(x * 2.03 + 17, y * 2.03 + 31) + 0.14 * smooth(x * 4.1 + 71, y * 4.1 + 5);
}

export function mix(from: number, to: number, share: number): number {
  return from + (to - from) * share;
}

/** Zero below `from`, one above `to`, an even curve between. */
export function fade(from: number, to: number, value: number): number {
  return ease(Math.min(1, Math.max(0, (value - from) / (to - from))));
}

function ease(share: number): number {
  return share * share * (3 - 2 * share);
}
