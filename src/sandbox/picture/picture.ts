import { createHash } from 'node:crypto';
import sharp from 'sharp';
import { drawCaption } from './caption.ts';
import { paintLandscape } from './landscape.ts';

export type Format = 'jpg' | 'png' | 'webp';

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
  const caption = await drawCaption(text, width, height);
  const top = height - caption.margin - caption.height;
  // A caption that has no room, on a picture of a hundred pixels, is left out.
  const hasRoom = top >= 0 && caption.margin + caption.width <= width;
  const { data, margin: left, ...size } = caption;
  const overlays = hasRoom ? [{ input: data, raw: { ...size, channels: 4 as const }, left, top }] : [];
  return sharp(painted, { raw: { width: columns, height: rows, channels: 3 } })
    .resize(width, height, { kernel: 'cubic', fit: 'fill' })
    .composite(overlays)
    .removeAlpha()
    .toFormat(format === 'jpg' ? 'jpeg' : format, { quality: 85 })
    .toBuffer();
}

function seedOf(text: string): number {
  return createHash('sha256').update(text).digest().readUInt32LE(0);
}
