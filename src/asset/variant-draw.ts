import sharp, { type Sharp } from 'sharp';
import { decode } from './decode.ts';
import type { Variant } from './variant.ts';

/** Bytes made by another recipe are other bytes, and get other keys and ETags: raise the number with any change below. */
export const RECIPE = `1-${sharp.versions.sharp}`;

const CLEAR = { r: 0, g: 0, b: 0, alpha: 0 };
const WHITE = '#ffffff';

/** Turned upright, in sRGB with 8 bits a channel, without metadata. What is empty is clear, in JPEG white. */
export async function drawVariant(original: Buffer, { width, height, fit, extension }: Variant): Promise<Buffer> {
  const how = fit === 'INSIDE' ? 'fill' : fit === 'COVER' ? 'cover' : 'contain';
  const background = extension === 'jpg' ? WHITE : CLEAR;
  const drawn = decode(original).autoOrient().resize(width, height, { fit: how, background });
  return await encode(drawn, extension).toBuffer();
}

/** Measured on two cores, 4096 by 4096: JPEG 0.3 s, PNG 1.3 s, WebP 2.1 s, AVIF 5 s. At 512 sharp's own effort takes AVIF 0.6 s, this 0.1 s. */
function encode(drawn: Sharp, extension: Variant['extension']): Sharp {
  switch (extension) {
    case 'jpg':
      return drawn.flatten({ background: WHITE }).jpeg({ quality: 82 });
    case 'png':
      return drawn.png();
    case 'webp':
      return drawn.webp({ quality: 82 });
    case 'avif':
      return drawn.avif({ quality: 60, effort: 2 });
  }
}
