import { fileTypeFromBuffer } from 'file-type';
import { decode } from './decode.ts';

/** What the head of an image file says. Width and height are as displayed, after EXIF orientation. */
export interface Glance {
  /** As libvips names it: `jpeg`, `png`, `webp`, `tiff`, `gif`, `heif`; and `bmp`. */
  format: string;
  width: number;
  height: number;
}

/** Enough for any signature, and too little to keep the sniffer busy with a file made for that. */
const HEAD_BYTES = 4100;

/** Measures an image by its header, and decodes none of its pixels. A text where it is no image: what it is instead. */
export async function glanceAt(bytes: Buffer): Promise<Glance | string> {
  if (bytes.length === 0) return 'empty';
  const mime = (await fileTypeFromBuffer(bytes.subarray(0, HEAD_BYTES)))?.mime;
  if (mime === 'image/bmp') return glanceAtBitmap(bytes);
  if (!mime?.startsWith('image/')) return mime ?? 'of no known type';
  try {
    const { format, autoOrient } = await decode(bytes).metadata();
    return { format, ...autoOrient };
  } catch (error) {
    const [why] = String(error instanceof Error ? error.message : error).split('\n', 1);
    return `${mime} that cannot be read (${why})`;
  }
}

/** libvips reads no BMP. The header of OS/2 is 12 bytes long with 16 bits each, all others have 32; upside down is negative. */
function glanceAtBitmap(bytes: Buffer): Glance | string {
  if (bytes.length < 26) return 'image/bmp that is cut short';
  const isOld = bytes.readUInt32LE(14) === 12;
  const width = isOld ? bytes.readUInt16LE(18) : Math.abs(bytes.readInt32LE(18));
  const height = isOld ? bytes.readUInt16LE(20) : Math.abs(bytes.readInt32LE(22));
  return { format: 'bmp', width, height };
}
