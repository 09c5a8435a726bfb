import type { Random } from './noise.ts';

export type Colour = readonly [red: number, green: number, blue: number];

/** The light of one picture: the sky from its top to the horizon, the sun or moon, the mist, and the nearest ground. */
export interface Palette {
  zenith: Colour;
  sky: Colour;
  horizon: Colour;
  light: Colour;
  mist: Colour;
  ground: Colour;
  /** How much northern light there is, 0 by day. */
  aurora: number;
  curtain: Colour;
}

export function pickPalette(random: Random): Palette {
  const [zenith, sky, horizon, light, mist, ground, aurora, curtain] = LIGHTS[
    Math.floor(random() * LIGHTS.length)
  ] as (typeof LIGHTS)[number];
  return {
    zenith: toColour(zenith),
    sky: toColour(sky),
    horizon: toColour(horizon),
    light: toColour(light),
    mist: toColour(mist),
    ground: toColour(ground),
    aurora,
    curtain: toColour(curtain),
  };
}

const LIGHTS: readonly [string, string, string, string, string, string, number, string][] = [
  ['27406b', 'b4728a', 'f6c391', 'fff0cf', 'e3a591', '1a1b2e', 0, '000000'],
  ['0b1430', '1d3a63', '4f86a0', 'e8f4ff', '3d6a86', '060b18', 0.9, '5df2b8'],
  ['5c93b8', 'a9cbd6', 'f3e6d0', 'fffaf0', 'cfdcdb', '1e3a3d', 0, '000000'],
  ['1c1440', '5b2d73', 'e0708a', 'ffd9b8', 'a4577f', '120b22', 0.35, 'ff8fd0'],
  ['6f7fa6', 'd9b8b4', 'ffe3bd', 'fff6e0', 'e4c9b8', '3a2a33', 0, '000000'],
  ['082430', '0f5a63', 'a5d3a8', 'f6ffe0', '5d9f92', '04161c', 0, '000000'],
  ['3a1c2e', 'a23e3c', 'f29a4b', 'ffe6a0', 'c9694a', '1c0c14', 0, '000000'],
  ['07101f', '142a4a', '2f5f74', 'd8f0ff', '28506a', '03070e', 1, '7fb8ff'],
  ['8aa4c8', 'c9d3e6', 'f8d7d0', 'fff4ee', 'dcd2dc', '39415c', 0, '000000'],
];

function toColour(hex: string): Colour {
  const value = Number.parseInt(hex, 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}
