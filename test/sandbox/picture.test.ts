import sharp, { type Region } from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readPrompt } from '../../src/sandbox/directives.ts';
import { readSize } from '../../src/sandbox/gptimage2/size.ts';
import { drawPicture } from '../../src/sandbox/picture/picture.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.ts';
import { createClient } from './client.ts';

let sandbox: Sandbox;
let client: ReturnType<typeof createClient>;
beforeAll(async () => {
  // As the service does for its whole process: SVG is not a picture anybody may upload.
  sharp.block({ operation: ['VipsForeignLoad'] });
  sharp.unblock({
    operation: ['VipsForeignLoadJpeg', 'VipsForeignLoadPng', 'VipsForeignLoadWebp', 'VipsForeignLoadHeif'],
  });
  sandbox = await startSandbox({ port: 0 });
  client = createClient(sandbox.url);
});
afterAll(() => sandbox.stop());

async function fetchBytes(link: string): Promise<Buffer> {
  const response = await fetch(link);
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe('image/jpeg');
  const bytes = Buffer.from(await response.arrayBuffer());
  expect(Number(response.headers.get('content-length'))).toBe(bytes.length);
  return bytes;
}

test('pictures are JPEGs of exactly the size that was asked for', async () => {
  const asked = [
    [{}, 2048, 2048],
    [{ size: '21:9', quality: '2K' }, 3136, 1344],
    [{ size: '2561x1441' }, 2561, 1441],
    [{ size: '480x7680' }, 480, 7680],
  ] as const;
  for (const [more, width, height] of asked) {
    const [link] = await client.results('a size [[slow=0]]', more);
    const metadata = await sharp(await fetchBytes(link as string)).metadata();
    expect(metadata).toMatchObject({ format: 'jpeg', width, height, channels: 3, hasAlpha: false });
  }
});

const SIZES: [size: string | undefined, quality: '2K' | '4K' | undefined, width: number, height: number][] = [
  [undefined, undefined, 2048, 2048],
  [undefined, '4K', 4096, 4096],
  ['16:9', '2K', 2848, 1600],
  ['9:16', undefined, 1600, 2848],
  ['2:3', '2K', 1664, 2496],
  ['4:3', '2K', 2304, 1728],
  ['4:5', '2K', 1856, 2320],
  ['3:2', '4K', 4992, 3328],
  ['21:9', '4K', 6240, 2656],
];
test.each(SIZES)('size %s at %s is %d x %d', (size, quality, width, height) => {
  expect(readSize(size, quality, 'any')).toEqual({ ok: true, width, height });
});

test('auto chooses a size from the prompt, the same each time', () => {
  const choose = (prompt: string) => JSON.stringify(readSize('auto', '2K', prompt));
  const prompts = ['a', 'b', 'c', 'd', 'e', 'f'];
  expect(prompts.map(choose)).toEqual(prompts.map(choose));
  expect(new Set(prompts.map(choose)).size).toBeGreaterThan(2);
});

test('a picture depends on prompt and index alone', async () => {
  const request = { text: 'a lighthouse', width: 320, height: 200, format: 'png' as const };
  const first = await drawPicture({ ...request, index: 0 });
  expect(await drawPicture({ ...request, index: 0 })).toEqual(first);
  expect(await drawPicture({ ...request, index: 1 })).not.toEqual(first);
  expect(await drawPicture({ ...request, index: 0, text: 'a windmill' })).not.toEqual(first);
});

test('the prompt stands in white at the bottom left, and directives do not', async () => {
  const { text } = readPrompt('a [[slow=0]] lighthouse [[unknown]]');
  expect(text).toBe('a lighthouse [[unknown]]');
  const bytes = await drawPicture({ text, index: 0, width: 640, height: 640, format: 'png' });
  const corner = { left: 15, top: 590, width: 120, height: 40 };
  expect(await countWhite(bytes, corner)).toBeGreaterThan(30);
  expect(await countWhite(bytes, { ...corner, left: 500 })).toBe(0);
});

test('any text can be drawn', async () => {
  const texts = [
    '',
    '<b>&amp;</b> & "quotes"',
    '\u0000\u0007\ud800 \uffff',
    '日本語 🏔️ عربي',
    'x'.repeat(8000),
    '\n\n\t',
    ']]>',
  ];
  for (const text of texts) {
    const bytes = await drawPicture({ text, index: 0, width: 100, height: 100, format: 'webp' });
    expect(await sharp(bytes).metadata()).toMatchObject({ width: 100, height: 100, format: 'webp' });
  }
});

test('a picture is not there before its task has ended, nor beyond the number made', async () => {
  const running = await client.order('not yet [[slow=30]]');
  expect((await fetch(`${sandbox.url}/gptimage2/files/${running}/0.jpg`)).status).toBe(403);
  const [link] = await client.results('only one [[slow=0]]');
  expect((await fetch((link as string).replace('/0.jpg', '/1.jpg'))).status).toBe(403);
  expect((await fetch((link as string).replace('/0.jpg', '/0.png'))).status).toBe(403);
});

async function countWhite(bytes: Buffer, region: Region): Promise<number> {
  const pixels = await sharp(bytes).extract(region).greyscale().raw().toBuffer();
  return pixels.filter((value) => value > 240).length;
}
