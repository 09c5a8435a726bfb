import fc from 'fast-check';
import sharp, { type Sharp } from 'sharp';
import { expect, test } from 'vitest';
import { nameOf, parseVariant, planVariant, type Variant, type VariantWish } from '../../src/asset/variant.ts';
import { drawVariant } from '../../src/asset/variant-draw.ts';

const WIDE = { width: 1200, height: 800, extension: 'png' };
const NO_WISH: VariantWish = { width: null, height: null, fit: 'COVER', format: 'ORIGINAL' };

function plan(wish: Partial<VariantWish>, original = WIDE): string | null {
  const variant = planVariant(original, { ...NO_WISH, ...wish });
  return variant && nameOf(variant);
}

test.each<[wish: Partial<VariantWish>, name: string | null]>([
  [{}, null],
  [{ format: 'PNG' }, null],
  [{ width: 1200 }, null],
  [{ width: 4096, height: 4096, fit: 'INSIDE' }, null],
  [{ width: 1200, height: 800, fit: 'CONTAIN' }, null],
  [{ format: 'WEBP' }, '1200x800-inside.webp'],
  [{ width: 600 }, '600x400-inside.png'],
  [{ height: 100, format: 'JPEG' }, '150x100-inside.jpg'],
  [{ width: 300, height: 300, fit: 'INSIDE' }, '300x200-inside.png'],
  [{ width: 300, height: 300 }, '300x300-cover.png'],
  [{ width: 300, height: 300, fit: 'CONTAIN', format: 'AVIF' }, '300x300-contain.avif'],
  // The shape of the picture itself: nothing to cut off or to add.
  [{ width: 300, height: 200 }, '300x200-inside.png'],
  [{ width: 300, height: 200, fit: 'CONTAIN' }, '300x200-inside.png'],
  // Never enlarged: the box shrinks in proportion.
  [{ width: 4096, height: 4096 }, '800x800-cover.png'],
  [{ width: 1600, height: 800 }, '1200x600-cover.png'],
  [{ width: 4096, height: 4096, fit: 'CONTAIN' }, '1200x1200-contain.png'],
  [{ width: 4096, height: 1 }, '1200x1-cover.png'],
  [{ width: 1 }, '1x1-inside.png'],
])('%j of a PNG of 1200 by 800 is %s', (wish, name) => {
  expect(plan(wish)).toBe(name);
});

test('past 4096 pixels the stored file is only given as it is', () => {
  const huge = { width: 8192, height: 2048, extension: 'jpg' };
  expect([plan({}, huge), plan({ format: 'JPEG' }, huge), plan({ height: 2000 }, huge)]).toEqual([
    null,
    '4096x1024-inside.jpg',
    '4096x1024-inside.jpg',
  ]);
});

const side = fc.integer({ min: 1, max: 8192 });
const wished = fc.option(fc.integer({ min: 1, max: 4096 }));

test('whatever is wished, a variant is no larger than the box, nor than a box around the picture, and keeps its name', () => {
  const wishes = fc.record<VariantWish>({
    width: wished,
    height: wished,
    fit: fc.constantFrom('COVER', 'CONTAIN', 'INSIDE'),
    format: fc.constantFrom('ORIGINAL', 'JPEG', 'PNG', 'WEBP', 'AVIF'),
  });
  fc.assert(
    fc.property(side, side, wishes, (width, height, wish) => {
      const variant = planVariant({ width, height, extension: 'jpg' }, wish);
      if (!variant) return;
      expect(parseVariant(nameOf(variant))).toEqual(variant);
      expect(variant.width).toBeLessThanOrEqual(wish.width ?? 4096);
      expect(variant.height).toBeLessThanOrEqual(wish.height ?? 4096);
      if (variant.fit === 'CONTAIN') expect(variant.width <= width || variant.height <= height).toBe(true);
      else expect(variant.width <= width && variant.height <= height).toBe(true);
    }),
  );
});

test.each(['0x10-cover.png', '10x10-fill.png', '10x10-cover.gif', '10000x1-cover.png', '10x10-cover.png '])(
  '%j names no variant',
  (name) => {
    expect(parseVariant(name)).toBeNull();
  },
);

/** Left half red, right half blue. */
function twoHalves(width: number, height: number): Sharp {
  const blue = { create: { width: width / 2, height, channels: 3 as const, background: '#0000ff' } };
  return sharp({ create: { width, height, channels: 3, background: '#ff0000' } }).composite([
    { input: blue, left: width / 2, top: 0 },
  ]);
}

/** Colours at the left edge, left and right of the middle, at the right edge and at the top right, each of 0 to 10, and their size. */
async function look(bytes: Buffer) {
  const { data, info } = await sharp(bytes).ensureAlpha().raw().toBuffer({ resolveWithObject: true });
  const { width, height } = info;
  const at = (x: number, y: number) =>
    [...data.subarray((y * width + x) * 4, (y * width + x) * 4 + 4)].map((part) => Math.round(part / 25.5)).join(' ');
  const middle = Math.floor(height / 2);
  const across = [0, Math.floor(width * 0.4), Math.floor(width * 0.6), width - 1].map((x) => at(x, middle));
  return { width, height, across, top: at(Math.floor(width * 0.6), 0) };
}

async function draw(original: Sharp, variant: Variant) {
  return await drawVariant(await original.toBuffer(), variant);
}

const [RED, BLUE, CLEAR, WHITE] = ['10 0 0 10', '0 0 10 10', '0 0 0 0', '10 10 10 10'];

test.each(['jpg', 'png', 'webp', 'avif'] as const)(
  'each fit has the size and the pixels it promises, as %s',
  async (extension) => {
    const empty = extension === 'jpg' ? WHITE : CLEAR;
    const halves = () => twoHalves(200, 100).png();
    const format = extension === 'jpg' ? 'jpeg' : extension === 'avif' ? 'heif' : extension;
    const [inside, cover, contain] = await Promise.all([
      draw(halves(), { width: 60, height: 30, fit: 'INSIDE', extension }),
      draw(halves(), { width: 60, height: 60, fit: 'COVER', extension }),
      draw(halves(), { width: 60, height: 60, fit: 'CONTAIN', extension }),
    ]);
    expect((await sharp(inside).metadata()).format).toBe(format);
    const across = [RED, RED, BLUE, BLUE];
    expect(await look(inside)).toEqual({ width: 60, height: 30, across, top: BLUE });
    expect(await look(cover)).toEqual({ width: 60, height: 60, across, top: BLUE });
    expect(await look(contain)).toEqual({ width: 60, height: 60, across, top: empty });
  },
);

test('a picture is turned upright, its colours are brought to sRGB, and its metadata is left out', async () => {
  const sideways = await twoHalves(200, 100).jpeg({ quality: 100 }).withMetadata({ orientation: 6 }).toBuffer();
  const upright = await drawVariant(sideways, { width: 50, height: 100, fit: 'INSIDE', extension: 'png' });
  expect(await look(upright)).toMatchObject({ width: 50, height: 100, top: RED });

  const wide = await sharp({ create: { width: 40, height: 40, channels: 3, background: '#20c020' } })
    .withIccProfile('p3')
    .withExif({ IFD0: { Artist: 'somebody' } })
    .png()
    .toBuffer();
  const drawn = await drawVariant(wide, { width: 20, height: 20, fit: 'INSIDE', extension: 'png' });
  const { icc, exif, orientation } = await sharp(drawn).metadata();
  expect((await sharp(wide).metadata()).icc).toBeDefined();
  expect([icc, exif, orientation]).toEqual([undefined, undefined, undefined]);
  const pixelOf = async (image: Sharp) => [...(await image.raw().toBuffer()).subarray(0, 3)];
  const [red = 0, green = 0, blue = 0] = await pixelOf(sharp(drawn));
  expect([red, green, blue].every((part, n) => Math.abs(part - (n === 1 ? 0xc0 : 0x20)) < 4)).toBe(true);
  // In P3 the same colour has other numbers: a profile dropped unread would leave those.
  expect(await pixelOf(sharp(wide, { ignoreIcc: true }))).not.toEqual([red, green, blue]);
});

test.each([
  ['transparent', () => sharp({ create: { width: 40, height: 40, channels: 4, background: '#0000' } }).png(), WHITE],
  [
    'grey',
    () =>
      sharp({ create: { width: 40, height: 40, channels: 3, background: '#fff' } })
        .toColourspace('b-w')
        .png(),
    WHITE,
  ],
  [
    'CMYK',
    () =>
      sharp({ create: { width: 40, height: 40, channels: 3, background: '#fff' } })
        .toColourspace('cmyk')
        .jpeg(),
    WHITE,
  ],
  [
    '16 bits a channel',
    () =>
      sharp({ create: { width: 40, height: 40, channels: 3, background: '#f00' } })
        .toColourspace('rgb16')
        .png(),
    RED,
  ],
])('a picture that is %s becomes a JPEG of 8 bits in sRGB', async (_what, make, colour) => {
  const drawn = await draw(make(), { width: 20, height: 20, fit: 'INSIDE', extension: 'jpg' });
  const { space, depth, hasAlpha } = await sharp(drawn).metadata();
  expect([space, depth, hasAlpha, (await look(drawn)).top]).toEqual([
    expect.stringMatching(/^(srgb|b-w)$/),
    'uchar',
    false,
    colour,
  ]);
});

test('even one pixel is a picture, in every format, and the same bytes each time', async () => {
  for (const extension of ['jpg', 'png', 'webp', 'avif'] as const) {
    const [one, again] = await Promise.all(
      [1, 2].map(() => draw(twoHalves(200, 100).png(), { width: 1, height: 1, fit: 'COVER', extension })),
    );
    expect(one?.equals(again as Buffer)).toBe(true);
    expect(await sharp(one).metadata()).toMatchObject({ width: 1, height: 1 });
  }
});
