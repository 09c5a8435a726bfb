import sharp, { type Sharp } from 'sharp';

/** 8192 by 8192. */
const MAX_PIXELS = 67_108_864;
const MAX_SECONDS = 20;

// Of libvips' loaders only these: SVG reads other files, and the rest are attack surface we have no use for.
sharp.block({ operation: ['VipsForeignLoad'] });
sharp.unblock({
  operation: [
    'VipsForeignLoadJpeg',
    'VipsForeignLoadPng',
    'VipsForeignLoadWebp',
    'VipsForeignLoadHeif',
    // As references only, and no more of these than their headers: what is kept is sniffed before.
    'VipsForeignLoadTiff',
    'VipsForeignLoadNsgif',
  ],
});
// Every file is decoded once; a cache would hold discarded ones open.
sharp.cache(false);

/** The one way to open an image that came from outside, a file or its bytes. Throws while decoding if it is damaged or too large. */
export function decode(image: string | Buffer): Sharp {
  return sharp(image, { failOn: 'error', limitInputPixels: MAX_PIXELS }).timeout({ seconds: MAX_SECONDS });
}
