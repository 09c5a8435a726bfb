import { open } from 'node:fs/promises';
import { fileTypeFromBuffer } from 'file-type';
import sharp from 'sharp';
import { rgbaToThumbHash } from 'thumbhash';
import { createTurns } from '../turns.ts';
import { decode } from './decode.ts';

/** What an image file is, measured from its bytes. Width and height are as displayed, after EXIF orientation. */
interface ImageFacts {
  ok: true;
  mimeType: string;
  /** Without the dot. */
  extension: string;
  width: number;
  height: number;
  /** Base64, about 25 bytes. */
  thumbhash: string;
}

/** `reason` completes "This file is not an image we keep: …". */
export type Inspection = ImageFacts | { ok: false; reason: string };

/** What we keep: the extension it gets, sharp's name for it, and the most pixels. */
const KINDS: ReadonlyMap<string, { extension: string; format: string; maxPixels: number }> = new Map([
  ['image/jpeg', { extension: 'jpg', format: 'jpeg', maxPixels: 8192 * 8192 }],
  ['image/png', { extension: 'png', format: 'png', maxPixels: 8192 * 8192 }],
  ['image/webp', { extension: 'webp', format: 'webp', maxPixels: 8192 * 8192 }],
  // Measured: decoding 8192² of AVIF takes 1.3 GB and 8 s, where the others stay below 300 MB and 3 s.
  ['image/avif', { extension: 'avif', format: 'heif', maxPixels: 4096 * 4096 }],
]);

/** Enough for any signature, and too little to keep the sniffer busy with a file made for that. */
const HEAD_BYTES = 4100;

/** A progressive 8192² JPEG holds 230 MB while it is decoded, and each decode one of libuv's four threads. */
const MAX_DECODES = 2;
/** Whoever looks at a picture that came in waits here, as long as it takes. */
const takeTurn = createTurns(MAX_DECODES);

/** What libvips and its decoders say when this machine failed, not the bytes: they give a sentence and no code. */
const LOCAL_FAULT =
  /^timeout: |out of memory|insufficient memory|memory allocation error|(cannot|can't|could not|failed to) allocate|bad_alloc|unix error|system error|unable to open|file is missing/im;

/**
 * Sniffs, measures and decodes an image file, whatever its name or Content-Type said. Refuses for what is wrong with
 * the bytes only; throws when this machine could not look: no file, descriptor, memory or time. Try again then.
 */
export async function inspectImage(path: string): Promise<Inspection> {
  const head = await readHead(path);
  if (head.length === 0) return refuse('it is empty');
  const mimeType = (await fileTypeFromBuffer(head))?.mime;
  const kind = KINDS.get(mimeType ?? '');
  if (!mimeType || !kind) return refuse(mimeType ? `it is ${mimeType}` : 'it is of no known type');
  return await takeTurn(async () => {
    try {
      const { format, pages, autoOrient } = await decode(path).metadata();
      if (format !== kind.format) return refuse(`it begins as ${mimeType} and goes on as ${format}`);
      if (pages !== undefined && pages > 1) return refuse('it has more than one picture');
      const { width, height } = autoOrient;
      if (width * height > kind.maxPixels) return refuse(`it is too large, ${width} by ${height}`);
      return { ok: true, mimeType, extension: kind.extension, width, height, thumbhash: await hashThumb(path) };
    } catch (error) {
      if (!(error instanceof Error) || (await isLocalFault(error, head))) throw error;
      return refuse(firstLine(error.message));
    }
  });
}

/** Decodes every row, so that a damaged file is found here, and hashes what is seen from afar, as 8-bit sRGB and alpha. */
async function hashThumb(path: string): Promise<string> {
  const { data, info } = await decode(path)
    .autoOrient()
    .resize(100, 100, { fit: 'inside', withoutEnlargement: true })
    .ensureAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  return Buffer.from(rgbaToThumbHash(info.width, info.height, data)).toString('base64');
}

async function isLocalFault({ message }: Error, head: Buffer): Promise<boolean> {
  // libheif reports the limits that a file exceeds as failed allocations.
  if (/security limit/i.test(message)) return false;
  if (LOCAL_FAULT.test(message)) return true;
  // libvips says this of bytes it does not know and, for want of a descriptor, of a file it could not open.
  return isOfUnsupportedFormat(message) && (await isKnownFormat(head));
}

/** Whether libvips knows the signature, asked of memory, where no descriptor is needed. */
async function isKnownFormat(head: Buffer): Promise<boolean> {
  return await sharp(head)
    .metadata()
    .then(() => true)
    .catch(({ message }: Error) => !isOfUnsupportedFormat(message));
}

function isOfUnsupportedFormat(message: string): boolean {
  return message.includes('contains unsupported image format');
}

async function readHead(path: string): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** libvips puts its whole history of complaints into one message. */
function firstLine(message: string): string {
  return message.split('\n', 1)[0] ?? message;
}

function refuse(reason: string): { ok: false; reason: string } {
  return { ok: false, reason };
}
