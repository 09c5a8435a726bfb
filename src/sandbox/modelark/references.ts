import sharp from 'sharp';
import { readUrl } from '../read-url.ts';

const FORMATS = ['jpeg', 'jpg', 'png', 'webp', 'bmp', 'tiff', 'gif', 'heic', 'heif'];
/** The others are taken at their word. */
const READABLE = ['jpeg', 'jpg', 'png', 'webp', 'tiff', 'gif'];
/** 10 MB in an older source, 30 in a newer one. */
const MOST_BYTES = 30 * 1024 * 1024;
const LEAST_SIDE = 15;
const MOST_RATIO = 16;
const MOST_PIXELS = 36_000_000;

/** What is wrong with the first reference that would be refused, or null. SIM: what a URL leads to is not fetched. */
export async function findFault(images: readonly string[]): Promise<string | null> {
  for (const image of images) {
    const fault = /^https?:\/\//i.test(image) ? findUrlFault(image) : await findDataFault(image);
    if (fault) return fault;
  }
  return null;
}

function findUrlFault(url: string): string | null {
  return readUrl(url) ? null : 'image is not a valid URL';
}

async function findDataFault(uri: string): Promise<string | null> {
  const [head, format = ''] = /^data:image\/([^;,]{1,20});base64,/.exec(uri) ?? [];
  if (head === undefined) return 'image must be a URL or data:image/<format>;base64,<data>';
  if (!FORMATS.includes(format)) return `image has an unsupported format '${format}', it must be in lower case`;
  const bytes = Buffer.from(uri.slice(head.length), 'base64');
  if (bytes.length === 0 || bytes.length !== countBytes(uri, head.length)) return 'image is not valid base64';
  if (bytes.length > MOST_BYTES) return 'image must not exceed 30 MB';
  return READABLE.includes(format) ? findPictureFault(bytes) : null;
}

/** What so much base64 decodes to; what is none is left out by the decoder. A regular expression overflows on megabytes. */
function countBytes(uri: string, from: number): number {
  const padding = uri.endsWith('==') ? 2 : Number(uri.endsWith('='));
  return Math.floor(((uri.length - from - padding) * 3) / 4);
}

async function findPictureFault(bytes: Buffer): Promise<string | null> {
  const facts = await sharp(bytes)
    .metadata()
    .catch(() => null);
  if (facts === null) return 'image could not be read';
  const { width, height } = facts;
  if (Math.min(width, height) < LEAST_SIDE) return 'image must be more than 14 pixels wide and high';
  if (Math.max(width, height) > MOST_RATIO * Math.min(width, height)) return 'image must have a ratio from 1/16 to 16';
  return width * height > MOST_PIXELS ? 'image must not exceed 36 megapixels' : null;
}
