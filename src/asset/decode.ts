import sharp, { type Sharp } from 'sharp';

/** 8192 by 8192. */
const MAX_PIXELS = 67_108_864;
const MAX_SECONDS = 20;
/** A progressive 8192² JPEG holds 230 MB while it is decoded, and each decode one of libuv's four threads. */
const MAX_DECODES = 2;

// Of libvips' loaders only these: SVG reads other files, and the rest are attack surface we have no use for.
sharp.block({ operation: ['VipsForeignLoad'] });
sharp.unblock({
  operation: ['VipsForeignLoadJpeg', 'VipsForeignLoadPng', 'VipsForeignLoadWebp', 'VipsForeignLoadHeif'],
});
// Every file is decoded once; a cache would hold discarded ones open.
sharp.cache(false);

/** The one way to open an image file that came from outside. Throws while decoding if it is damaged or too large. */
export function decode(path: string): Sharp {
  return sharp(path, { failOn: 'error', limitInputPixels: MAX_PIXELS }).timeout({ seconds: MAX_SECONDS });
}

const waiting: (() => void)[] = [];
let decoding = 0;

/** Runs `work` when fewer than two others run, in the order asked. */
export async function takeTurn<T>(work: () => Promise<T>): Promise<T> {
  if (decoding >= MAX_DECODES) await new Promise<void>((resolve) => waiting.push(resolve));
  else decoding += 1;
  try {
    return await work();
  } finally {
    const next = waiting.shift();
    if (next) next();
    else decoding -= 1;
  }
}
