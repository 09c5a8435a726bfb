import { execFileSync } from 'node:child_process';
import { closeSync, openSync, rmSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { crc32, deflateSync } from 'node:zlib';
import sharp, { type Sharp } from 'sharp';
import { thumbHashToAverageRGBA, thumbHashToRGBA } from 'thumbhash';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import * as decoding from '../../src/asset/decode.ts';
import { type Inspection, inspectImage } from '../../src/asset/inspect.ts';

vi.mock(import('../../src/asset/decode.ts'), { spy: true });

let home: string;

beforeAll(async () => {
  home = await mkdtemp(path.join(tmpdir(), 'darkroom-inspect-'));
});
afterAll(() => rm(home, { recursive: true }));

/** Under a name that lies. */
async function inspect(bytes: Buffer | string) {
  const file = path.join(home, 'picture.svg');
  await writeFile(file, bytes);
  return await inspectImage(file);
}

function hashOf(found: Inspection): Buffer {
  return Buffer.from(found.ok ? found.thumbhash : '', 'base64');
}

/** Red, green, blue and alpha of the thumbhash, each from 0 to 10. */
function tenthsOf(found: Inspection): number[] {
  const { r, g, b, a } = thumbHashToAverageRGBA(hashOf(found));
  return [r, g, b, a].map((part) => Math.round(part * 10));
}

async function reasonAgainst(bytes: Buffer | string): Promise<string> {
  const found = await inspect(bytes);
  return found.ok ? 'accepted' : found.reason;
}

const red = { r: 200, g: 30, b: 30 };

function draw(width: number, height: number): Sharp {
  return sharp({ create: { width, height, channels: 3, background: red } });
}

/** Pixels that do not compress, so that a cut anywhere cuts pixels. */
function drawNoise(): Sharp {
  const noise = { type: 'gaussian', mean: 128, sigma: 40 } as const;
  return sharp({ create: { width: 320, height: 200, channels: 3, background: red, noise } });
}

function pngChunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type), data]);
  const frame = Buffer.alloc(8);
  frame.writeUInt32BE(data.length, 0);
  frame.writeUInt32BE(crc32(body), 4);
  return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
}

/** A PNG of one bit per pixel and a few kB, whatever its size. */
function drawVast(width: number, height: number): Buffer {
  const header = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  const rows = deflateSync(Buffer.alloc((Math.ceil(width / 8) + 1) * height));
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([
    signature,
    pngChunk('IHDR', header),
    pngChunk('IDAT', rows),
    pngChunk('IEND', Buffer.alloc(0)),
  ]);
}

test.each([
  ['jpeg', 'image/jpeg', 'jpg'],
  ['png', 'image/png', 'png'],
  ['webp', 'image/webp', 'webp'],
  ['avif', 'image/avif', 'avif'],
] as const)('%s is kept, measured from its bytes, whatever the file is called', async (format, mimeType, extension) => {
  const found = await inspect(await draw(320, 200).toFormat(format).toBuffer());
  expect(found).toEqual({ ok: true, mimeType, extension, width: 320, height: 200, thumbhash: expect.any(String) });
});

test('the thumbhash decodes to a small picture of the same colour and shape', async () => {
  const found = await inspect(await draw(400, 200).png().toBuffer());
  const hash = hashOf(found);
  const { w, h } = thumbHashToRGBA(hash);
  expect(tenthsOf(found)).toEqual([8, 1, 1, 10]);
  expect(w / h).toBeGreaterThan(1.5);
  expect(hash.length).toBeLessThan(30);
});

test.each([
  ['grey', [4, 4, 4, 10], () => draw(64, 48).toColourspace('b-w').png()],
  ['16 bits a channel', [8, 1, 1, 10], () => draw(64, 48).toColourspace('rgb16').png()],
  ['CMYK', [8, 0, 0, 10], () => draw(64, 48).toColourspace('cmyk').jpeg()],
  [
    'transparent',
    [0, 0, 0, 0],
    () => sharp({ create: { width: 64, height: 48, channels: 4, background: '#f000' } }).webp(),
  ],
  ['with a palette', [8, 1, 1, 10], () => draw(64, 48).png({ palette: true })],
  ['interlaced', [8, 1, 1, 10], () => draw(64, 48).png({ progressive: true })],
  ['progressive', [8, 1, 1, 10], () => draw(64, 48).jpeg({ progressive: true })],
])('a picture that is %s is kept, and hashed in its colours', async (_what, colour, make) => {
  const found = await inspect(await make().toBuffer());
  expect(found).toMatchObject({ ok: true, width: 64, height: 48 });
  expect(tenthsOf(found)).toEqual(colour);
});

test.each([
  [1, 1],
  [8192, 1],
  [1, 8192],
])('a picture of %i by %i is kept', async (width, height) => {
  expect(await inspect(await draw(width, height).png().toBuffer())).toMatchObject({ ok: true, width, height });
});

test('width and height are as displayed, after EXIF orientation', async () => {
  const sideways = await draw(300, 100).withMetadata({ orientation: 6 }).jpeg().toBuffer();
  const found = await inspect(sideways);
  expect(found).toMatchObject({ ok: true, width: 100, height: 300 });
  const { w, h } = thumbHashToRGBA(hashOf(found));
  expect(h / w).toBeGreaterThan(1.5);
});

test.each(['jpeg', 'png', 'webp', 'avif'] as const)('a %s cut anywhere is refused', async (format) => {
  const whole = await drawNoise().toFormat(format).toBuffer();
  for (const part of [0.1, 0.3, 0.5, 0.7, 0.9, 0.98]) {
    const cut = whole.subarray(0, Math.floor(whole.length * part));
    expect(await reasonAgainst(cut), `cut at ${part}`).not.toBe('accepted');
  }
});

test('a PNG whose pixels were changed on the way is refused', async () => {
  const bytes = await drawNoise().png().toBuffer();
  const middle = Math.floor(bytes.length / 2);
  bytes.fill(0, middle, middle + 64);
  expect(await reasonAgainst(bytes)).not.toBe('accepted');
});

test.each([
  ['nothing', '', 'it is empty'],
  ['HTML', '<!doctype html><title>Not found</title>', 'it is of no known type'],
  ['JSON', '{"error":"expired"}', 'it is of no known type'],
  ['SVG', '<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"/>', 'it is of no known type'],
  ['SVG with an XML head', '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', 'it is application/xml'],
  ['PDF', '%PDF-1.7\n', 'it is application/pdf'],
  ['ZIP', 'PK\x03\x04\x14\0\0\0\0\0', 'it is application/zip'],
])('%s is refused', async (_what, bytes, reason) => {
  expect(await reasonAgainst(Buffer.from(bytes, 'latin1'))).toBe(reason);
});

test.each(['gif', 'tiff'] as const)('%s is refused', async (format) => {
  expect(await reasonAgainst(await draw(10, 10).toFormat(format).toBuffer())).toMatch(/^it is image\//);
});

test.each([
  ['JPEG', [0xff, 0xd8, 0xff, 0xe0]],
  ['PNG', [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]],
])('the signature of a %s and then HTML or SVG is refused', async (_what, signature) => {
  for (const tail of ['<script>alert(1)</script>', '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>']) {
    expect(await reasonAgainst(Buffer.concat([Buffer.from(signature), Buffer.from(tail)]))).not.toBe('accepted');
  }
});

test('a JPEG with HTML and ZIP behind it is a JPEG', async () => {
  const jpeg = await draw(10, 10).jpeg().toBuffer();
  const polyglot = Buffer.concat([jpeg, Buffer.from('<script>alert(1)</script>PK\x03\x04', 'latin1')]);
  expect(await inspect(polyglot)).toMatchObject({ ok: true, mimeType: 'image/jpeg' });
});

test('a picture of 16,000 by 16,000 is refused from its header, in little time and memory', async () => {
  const vast = drawVast(16_000, 16_000);
  const before = process.memoryUsage.rss();
  const started = performance.now();
  expect(await reasonAgainst(vast)).toContain('pixel limit');
  expect(performance.now() - started).toBeLessThan(500);
  expect(process.memoryUsage.rss() - before).toBeLessThan(50_000_000);
});

test('8192 by 8192 is the largest that is kept', async () => {
  expect(await inspect(drawVast(8192, 8192))).toMatchObject({ ok: true, width: 8192, height: 8192 });
  expect(await reasonAgainst(drawVast(8193, 8192))).toContain('pixel limit');
});

test('an AVIF of more than 4096 by 4096 is refused before it is decoded', async () => {
  const avif = await draw(16, 16).avif().toBuffer();
  // The box that declares the size: its name, four bytes, width, height.
  const declared = avif.indexOf('ispe') + 8;
  avif.writeUInt32BE(4097, declared);
  avif.writeUInt32BE(4096, declared + 4);
  expect(await reasonAgainst(avif)).toBe('it is too large, 4097 by 4096');
});

test('animations are refused', async () => {
  const frames = [draw(10, 10), sharp({ create: { width: 10, height: 10, channels: 3, background: '#00f' } })];
  const pages = await Promise.all(frames.map((frame) => frame.png().toBuffer()));
  const animated = await sharp(pages, { join: { animated: true } })
    .webp({ delay: [100, 100] })
    .toBuffer();
  expect(await reasonAgainst(animated)).toBe('it has more than one picture');
});

test('SVG cannot be decoded anywhere in this process', async () => {
  await expect(
    sharp(Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')).toBuffer(),
  ).rejects.toThrow();
});

test('many at once all get their own answer', async () => {
  const files = await Promise.all(
    Array.from({ length: 12 }, async (_, n) => {
      const file = path.join(home, `many-${n}`);
      await writeFile(
        file,
        n % 3 === 0
          ? 'not a picture'
          : await draw(10 + n, 10)
              .png()
              .toBuffer(),
      );
      return file;
    }),
  );
  const found = await Promise.all(files.map((file) => inspectImage(file)));
  expect(found.map((one) => (one.ok ? one.width : null))).toEqual(files.map((_, n) => (n % 3 === 0 ? null : 10 + n)));
});

test('a file that is not there is an error, not a refusal', async () => {
  await expect(inspectImage(path.join(home, 'absent'))).rejects.toThrow('ENOENT');
});

/** Runs when the head of the next file has been read, and before it is decoded. */
function beforeDecoding(act: () => void): void {
  vi.mocked(decoding.decode).mockImplementationOnce((image) => {
    act();
    return decoding.decode(image);
  });
}

test('a file that vanishes before it is decoded is an error, not a refusal', async () => {
  const file = path.join(home, 'vanishing');
  await writeFile(file, await draw(10, 10).png().toBuffer());
  beforeDecoding(() => rmSync(file));
  await expect(inspectImage(file)).rejects.toThrow('missing');
});

test.skipIf(process.platform !== 'linux').each(['jpeg', 'png', 'webp', 'avif'] as const)(
  'a %s for which no descriptor is left is an error, not a refusal',
  async (format) => {
    const bytes = await draw(10, 10).toFormat(format).toBuffer();
    const held: number[] = [];
    const restore = limitDescriptors();
    onTestFinished(() => {
      held.forEach(closeSync);
      restore();
    });
    beforeDecoding(() => {
      // A limit is the highest number, not a count: fill up to it.
      for (let last = -1; last !== held.length; ) {
        last = held.length;
        try {
          held.push(openSync('/dev/null', 'r'));
        } catch {}
      }
    });
    await expect(inspect(bytes)).rejects.toThrow('unsupported image format');
  },
);

/** Lets this process have few descriptors; gives back what it had. */
function limitDescriptors(): () => void {
  const prlimit = (...args: string[]) =>
    String(execFileSync('/usr/bin/prlimit', ['--pid', String(process.pid), ...args]));
  const soft = prlimit('--nofile', '--noheadings', '--raw', '--output', 'SOFT').trim();
  prlimit('--nofile=512:');
  return () => void prlimit(`--nofile=${soft}:`);
}

// The first two as sharp 0.35.5 said them, given a short timeout and RLIMIT_AS; the others as libvips and libjpeg word them.
test.each([
  'timeout: 1% complete\nVipsImage: killed for image "temp-255"',
  'picture: bad seek to 1024\nheif: Invalid input: Unspecified: Memory allocation error (2.0)',
  'vips_tracked: out of memory --- size == 64MB',
  'VipsJpeg: Insufficient memory (case 4)',
  'unable to open for read\nunix error: Too many open files in system',
])('that sharp was short of time, memory or descriptors is an error, not a refusal: %s', async (message) => {
  const bytes = await draw(10, 10).png().toBuffer();
  vi.mocked(decoding.decode).mockImplementationOnce(() => {
    throw new Error(message);
  });
  await expect(inspect(bytes)).rejects.toThrow(message);
});

test('a limit of libheif that the bytes exceed is a refusal', async () => {
  const bytes = await draw(10, 10).avif().toBuffer();
  const message = 'heif: Memory allocation error: Security limit exceeded: too many items';
  vi.mocked(decoding.decode).mockImplementationOnce(() => {
    throw new Error(message);
  });
  expect(await reasonAgainst(bytes)).toBe(message);
});

test('an AVIF of a brand that libvips does not know is refused', async () => {
  const bytes = await draw(16, 16).avif().toBuffer();
  bytes.write('avis', 8);
  expect(await reasonAgainst(bytes)).toBe('Input file contains unsupported image format');
});
