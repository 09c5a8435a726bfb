/** Pictures are not made larger than this in either direction. */
export const LONGEST_SIDE = 4096;

/** What a caller would like a picture to be. */
export interface VariantWish {
  width: number | null;
  height: number | null;
  fit: Fit;
  format: 'ORIGINAL' | keyof typeof EXTENSIONS;
}

type Fit = 'COVER' | 'CONTAIN' | 'INSIDE';

/** Exactly what it is turned into: final pixels, and how it fills them. INSIDE: nothing is cut off and nothing added. */
export interface Variant {
  width: number;
  height: number;
  fit: Fit;
  extension: Extension;
}

type Extension = (typeof EXTENSIONS)[keyof typeof EXTENSIONS];

const EXTENSIONS = { JPEG: 'jpg', PNG: 'png', WEBP: 'webp', AVIF: 'avif' } as const;

interface Size {
  width: number;
  height: number;
}

/**
 * What becomes of a picture: the variant that answers a wish, or null for the stored file itself. Never enlarged: a
 * box that the picture does not fill is made smaller in proportion until it does. Wishes that come to the same get
 * the same variant, so that it is made once.
 */
export function planVariant(original: Size & { extension: string }, wish: VariantWish): Variant | null {
  if (wish.width === null && wish.height === null && wish.format === 'ORIGINAL') return null;
  const extension = wish.format === 'ORIGINAL' ? toExtension(original.extension) : EXTENSIONS[wish.format];
  const { fit, size } = place(original, wish);
  const isOriginal = fit === 'INSIDE' && size.width === original.width && size.height === original.height;
  return isOriginal && extension === original.extension ? null : { ...size, fit, extension };
}

/** As it stands in links and in keys: `640x480-cover.webp`. */
export function nameOf({ width, height, fit, extension }: Variant): string {
  return `${width}x${height}-${fit.toLowerCase()}.${extension}`;
}

/** The variant of a name; null for what is no such name. */
export function parseVariant(name: string): Variant | null {
  const form = /^([1-9]\d{0,3})x([1-9]\d{0,3})-(cover|contain|inside)\.(jpg|png|webp|avif)$/;
  const [, width, height, fit, extension] = form.exec(name) ?? [];
  if (!fit || !extension) return null;
  return {
    width: Number(width),
    height: Number(height),
    fit: fit.toUpperCase() as Fit,
    extension: toExtension(extension),
  };
}

function toExtension(extension: string): Extension {
  const known = Object.values(EXTENSIONS).find((one) => one === extension);
  if (!known) throw new Error(`No picture is kept as .${extension}.`);
  return known;
}

function place(original: Size, { width, height, fit }: VariantWish): { fit: Fit; size: Size } {
  // With one side given there is nothing to cut off or to add.
  if (width === null || height === null || fit === 'INSIDE') {
    const scale = Math.min(1, (width ?? LONGEST_SIDE) / original.width, (height ?? LONGEST_SIDE) / original.height);
    return { fit: 'INSIDE', size: scaled(original, scale) };
  }
  const [byWidth, byHeight] = [width / original.width, height / original.height];
  const scale = fit === 'COVER' ? Math.max(byWidth, byHeight) : Math.min(byWidth, byHeight);
  const size = scaled({ width, height }, Math.min(1, 1 / scale));
  const seen = scaled(original, Math.min(1, scale));
  return { fit: seen.width === size.width && seen.height === size.height ? 'INSIDE' : fit, size };
}

function scaled({ width, height }: Size, scale: number): Size {
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}
