import { setImmediate } from 'node:timers/promises';
import { createNoise, createRandom, fade, mix, type Noise, type Random } from './noise.ts';
import { type Colour, type Palette, pickPalette } from './palette.ts';

type Pixel = [red: number, green: number, blue: number];

interface Scene {
  palette: Palette;
  noise: Noise;
  horizon: number;
  sun: { x: number; y: number; radius: number };
  unit: number;
  rows: number;
  ridges: Ridge[];
}

/** One line of hills: the height of its crest per column, as a share of the rows from the top. */
interface Ridge {
  tops: Float32Array;
  colour: Colour;
  mist: Colour;
  depth: number;
}

const ROWS_AT_A_TIME = 32;

/**
 * A misty mountain range as raw RGB. The light comes from `mood`, shared by all pictures of a prompt; the range comes
 * from `place`. Lengths inside are in units of the shorter side, so that a panorama is wider, not stretched.
 */
export async function paintLandscape(mood: number, place: number, columns: number, rows: number): Promise<Buffer> {
  const random = createRandom(place);
  const scene = composeScene(pickPalette(createRandom(mood)), random, columns, rows);
  const pixels = Buffer.allocUnsafe(columns * rows * 3);
  const pixel: Pixel = [0, 0, 0];
  for (let row = 0; row < rows; row++) {
    // Other work of the process goes first: a whole picture takes tens of milliseconds.
    if (row % ROWS_AT_A_TIME === 0) await setImmediate();
    // The foot is darker, so that white text can be read on any light.
    const shade = 1 - 0.5 * fade(0.74, 1, row / rows);
    for (let column = 0; column < columns; column++) {
      paintPixel(pixel, scene, column, row);
      const at = (row * columns + column) * 3;
      // A little grain keeps slow gradients from showing steps once they are enlarged.
      const grain = random() - 0.5;
      for (let channel = 0; channel < 3; channel++) {
        pixels[at + channel] = Math.min(255, Math.max(0, Math.round((pixel[channel] as number) * shade + grain)));
      }
    }
  }
  return pixels;
}

function composeScene(palette: Palette, random: Random, columns: number, rows: number): Scene {
  const noise = createNoise(random);
  const unit = Math.min(columns, rows);
  const horizon = mix(0.5, 0.62, random());
  const sun = {
    x: (columns / unit) * mix(0.2, 0.8, random()),
    y: (rows / unit) * horizon - mix(0.05, 0.3, random()),
    radius: mix(0.035, 0.075, random()),
  };
  return {
    palette,
    noise,
    horizon,
    sun,
    unit,
    rows,
    ridges: raiseRidges(palette, noise, horizon, random, columns, rows),
  };
}

/** What the nearest ridge hides is never painted: half of all the work. */
function paintPixel(pixel: Pixel, scene: Scene, column: number, row: number): void {
  const down = row / scene.rows;
  const edge = 1 / scene.rows;
  const nearest = scene.ridges.findLastIndex((ridge) => down - (ridge.tops[column] as number) > edge);
  if (nearest < 0) paintSky(pixel, scene, column / scene.unit, row / scene.unit, down);
  for (let layer = Math.max(0, nearest); layer < scene.ridges.length; layer++) {
    paintRidge(pixel, scene.ridges[layer] as Ridge, column, down, edge);
  }
}

function paintSky(pixel: Pixel, { palette, noise, horizon, sun }: Scene, x: number, y: number, down: number): void {
  const drift = noise(x * 1.3, y * 2.6);
  const height = down / horizon + drift * 0.09;
  for (let channel = 0; channel < 3; channel++) {
    const upper = mix(palette.zenith[channel] as number, palette.sky[channel] as number, fade(0, 0.62, height));
    pixel[channel] = mix(upper, palette.horizon[channel] as number, fade(0.45, 1.02, height));
  }
  if (palette.aurora > 0) {
    const fold = noise(x * 2.1 + 3 * noise(x * 0.9, 4), 40 + y * 0.35);
    const curtain = Math.exp(-((fold / 0.16) ** 2)) * fade(0.02, 0.35, height) * fade(1.05, 0.5, height);
    add(pixel, palette.curtain, 0.62 * palette.aurora * curtain);
  }
  const cloud = fade(0.12, 0.6, noise(x * 1.1 + 9, y * 5.5 + 60)) * fade(1.1, 0.6, height);
  add(pixel, palette.mist, 0.34 * cloud);
  const away = Math.hypot(x - sun.x, y - sun.y);
  add(pixel, palette.light, 0.55 * Math.exp(-away / 0.16) + 0.22 * Math.exp(-away / 0.5));
  add(pixel, palette.light, 0.85 * fade(sun.radius * 1.08, sun.radius * 0.94, away));
}

function raiseRidges(
  palette: Palette,
  noise: Noise,
  horizon: number,
  random: Random,
  columns: number,
  rows: number,
): Ridge[] {
  const unit = Math.min(columns, rows);
  const count = 5 + Math.floor(random() * 3);
  const ridges: Ridge[] = [];
  for (let layer = 0; layer < count; layer++) {
    const near = layer / (count - 1);
    const base = mix(horizon - 0.02, 0.9, near ** 1.25);
    const rise = mix(0.1, 0.15, random()) * (unit / rows);
    const pace = mix(2.6, 1.1, near);
    const shift = random() * 200;
    const tops = Float32Array.from({ length: columns }, (_, column) => {
      const x = (column / unit) * pace + shift;
      const jag = noise(x * 5.2, layer * 13 + 100) * mix(0.3, 0.1, near);
      return base - rise * (noise(x, layer * 29) * 1.3 + jag);
    });
    const colour = blend(palette.horizon, palette.ground, mix(0.24, 1, near ** 0.8));
    ridges.push({
      tops,
      colour,
      mist: blend(colour, palette.mist, mix(0.75, 0.12, near)),
      depth: mix(0.16, 0.3, near),
    });
  }
  return ridges;
}

function paintRidge(pixel: Pixel, ridge: Ridge, column: number, down: number, edge: number): void {
  const below = down - (ridge.tops[column] as number);
  if (below < -edge) return;
  const cover = fade(-edge, edge, below);
  const mist = fade(0, ridge.depth, below);
  for (let channel = 0; channel < 3; channel++) {
    const colour = mix(ridge.colour[channel] as number, ridge.mist[channel] as number, mist);
    pixel[channel] = mix(pixel[channel] as number, colour, cover);
  }
}

function add(pixel: Pixel, colour: Colour, share: number): void {
  for (let channel = 0; channel < 3; channel++) {
    pixel[channel] = mix(pixel[channel] as number, colour[channel] as number, share);
  }
}

function blend(from: Colour, to: Colour, share: number): Colour {
  return [mix(from[0], to[0], share), mix(from[1], to[1], share), mix(from[2], to[2], share)];
}
