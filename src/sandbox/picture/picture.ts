import { createHash } from 'node:crypto';
import sharp from 'sharp';
import { type Caption, drawCaption } from './caption.ts';
import { paintLandscape } from './landscape.ts';
import { mix } from './noise.ts';

export const FORMATS = ['jpg', 'png', 'webp'] as const;

export type Format = (typeof FORMATS)[number];

export interface PictureRequest {
  /** What to draw, and what is written on it. */
  text: string;
  index: number;
  width: number;
  height: number;
  format: Format;
}

/** How many pixels are painted by hand; the rest is enlargement. */
const PAINTED_PIXELS = 120_000;

/** Draws a picture of exactly the size asked for: the same request gives the same bytes. Needs no SVG loader. */
export async function drawPicture({ text, index, width, height, format }: PictureRequest): Promise<Buffer> {
  const scale = Math.min(1, Math.sqrt(PAINTED_PIXELS / (width * height)));
  const columns = Math.max(1, Math.round(width * scale));
  const rows = Math.max(1, Math.round(height * scale));
  const painted = await paintLandscape(seedOf(text), seedOf(`${text}\n${index}`), columns, rows);
  // Of a misty landscape, the linear kernel makes the same picture as the cubic one in half the time.
  const pixels = await sharp(painted, { raw: { width: columns, height: rows, channels: 3 } })
    .resize(width, height, { kernel: 'linear', fit: 'fill' })
    .raw()
    .toBuffer();
  write(await drawCaption(text, width, height), pixels, width, height);
  const picture = sharp(pixels, { raw: { width, height, channels: 3 } });
  // Of 2848x1600 in 44 ms and 1.7 MB; a quality means a palette, which takes 2.8 s, and the usual level 0.6 s.
  if (format === 'png') return picture.png({ compressionLevel: 1 }).toBuffer();
  return picture.toFormat(format === 'jpg' ? 'jpeg' : format, { quality: 85 }).toBuffer();
}

/** At the bottom left. By hand: sharp composites by converting the whole picture, which takes as long as drawing it. */
function write(caption: Caption, pixels: Buffer, width: number, height: number): void {
  const top = height - caption.margin - caption.height;
  // A caption that has no room, on a picture of a hundred pixels, is left out.
  if (top < 0 || caption.margin + caption.width > width) return;
  for (let at = 0; at < caption.width * caption.height; at++) {
    const row = top + Math.floor(at / caption.width);
    const column = caption.margin + (at % caption.width);
    const share = (caption.data[at * 4 + 3] as number) / 255;
    for (let channel = 0; channel < 3; channel++) {
      const under = (row * width + column) * 3 + channel;
      pixels[under] = Math.round(mix(pixels[under] as number, caption.data[at * 4 + channel] as number, share));
    }
  }
}

function seedOf(text: string): number {
  return createHash('sha256').update(text).digest().readUInt32LE(0);
}
