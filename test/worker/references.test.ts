import { createHash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createGuardedFetch, type GuardedFetch } from '../../src/fetch/guarded-fetch.ts';
import type { ReferenceRules } from '../../src/generation/provider-model.ts';
import type { ProviderRequest } from '../../src/generation/provider-request.ts';
import { createTurns } from '../../src/turns.ts';
import { type Fetching, fetchReferences } from '../../src/worker/references.ts';
import { shortenBody } from '../../src/worker/shorten-body.ts';
import { type FarSide, startFarSide } from '../fetch/far-side.ts';
import { sampleGeneration } from '../generation/samples.ts';
import { until } from '../service/until.ts';

const RULES: ReferenceRules = {
  form: 'DATA_URI',
  schemes: ['http', 'https'],
  formats: ['jpeg', 'png', 'webp', 'bmp', 'tiff', 'gif'],
  maxBytes: 20_000,
  maxTotalBytes: null,
  ratio: { min: 1 / 16, max: 16 },
  maxPixels: 90_000,
  minSide: 14,
};
const FORMATS = ['jpeg', 'png', 'webp', 'tiff', 'gif'] as const;

const pictures = new Map<string, Buffer | ((response: ServerResponse) => void)>();
const waiting: ServerResponse[] = [];
let fetch: GuardedFetch;
let farSide: FarSide;
beforeAll(async () => {
  fetch = createGuardedFetch({ allowedHosts: [] });
  farSide = await startFarSide((req, res) => {
    const picture = pictures.get((req.url ?? '').slice(1));
    if (typeof picture === 'function') return picture(res);
    // Whatever is claimed, the bytes count.
    res.writeHead(picture ? 200 : 404, { 'content-type': 'text/html' }).end(picture);
  });
  for (const format of FORMATS) pictures.set(format, await draw(40, 20).toFormat(format).toBuffer());
  pictures.set('bmp', bitmap(40, -20));
  pictures.set('avif', await draw(40, 20).avif().toBuffer());
  pictures.set('held', (response) => void waiting.push(response));
});
afterAll(async () => {
  await fetch?.stop();
  await farSide?.[Symbol.asyncDispose]();
});

test('a provider that fetches addresses itself is sent them as they are, once they were found to do', async () => {
  const request = asking('jpeg', 'png', 'bmp');
  const seen = farSide.seen.length;
  expect(await look(request, { form: 'URL' })).toEqual({ ok: true, request });
  expect(farSide.seen.slice(seen).sort()).toEqual(['/bmp', '/jpeg', '/png']);
});

test('one that takes bytes is sent them in the order asked, under the format that they have', async () => {
  const names = ['gif', 'png', 'jpeg', 'bmp', 'webp', 'tiff', 'png', 'jpeg'];
  const request = asking(...names);
  const uris = names.map((name) => `data:image/${name};base64,${bytesOf(name).toString('base64')}`);
  expect(await look(request)).toEqual({ ok: true, request: { ...request, references: uris.map((uri) => ({ uri })) } });
});

test('without references nothing is fetched; with some that no rule takes nothing is sent', async () => {
  const request = asking();
  expect(await fetchReferences(fetching(), request, null, options())).toEqual({ ok: true, request });
  const refused = await fetchReferences(fetching(), asking('png'), null, options());
  expect(refused).toEqual(failure('The provider takes no references.', false));
});

const TAKEN = 'jpeg, png, webp, bmp, tiff, gif';
test.each<[string, Buffer | (() => Promise<Buffer>), string]>([
  ['of another format', () => draw(40, 20).avif().toBuffer(), `the format must be ${TAKEN}; it is heif, 40x20`],
  ['too narrow', () => draw(200, 10).png().toBuffer(), 'no side may be below 14 pixels; it is png, 200x10'],
  ['too many pixels', bitmap(301, 300), 'width times height may be at most 90000; it is bmp, 301x300'],
  [
    'too long',
    () => draw(481, 30).png().toBuffer(),
    'width divided by height must be from 0.0625 to 16; it is png, 481x30 pixels (16.033)',
  ],
  ['a page of HTML', Buffer.from('<!doctype html><p>hello'), `is of no known type; the provider takes ${TAKEN}.`],
  ['SVG', Buffer.from('<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>'), 'is application/xml;'],
  ['empty', Buffer.alloc(0), 'is empty;'],
  [
    'cut short',
    () =>
      draw(40, 20)
        .png()
        .toBuffer()
        .then((png) => png.subarray(0, 40)),
    'is image/png that cannot be read',
  ],
  ['of more pixels than are ever decoded', () => bomb(9_000, 9_000), 'Input image exceeds pixel limit'],
])(
  'a reference that is %s is a failure that no retry mends, and says which, what is allowed and what it has',
  async (_what, bytes, says) => {
    pictures.set('this', typeof bytes === 'function' ? await bytes() : bytes);
    const looked = await look(asking('png', 'this', 'jpeg'));
    expect(looked).toMatchObject({
      ok: false,
      failure: { code: 'REFERENCE_UNREACHABLE', billed: 'NO', retryable: false },
    });
    const { message } = looked.ok ? { message: '' } : looked.failure;
    expect(message).toMatch(new RegExp(`^Reference 2 \\(at ${farSide.host}\\) `));
    expect(message).toContain(says);
  },
);

test('what never ends is read up to the limit and no further', async () => {
  let isOpen = true;
  pictures.set('this', (response) => {
    const timer = setInterval(() => response.write(Buffer.alloc(5_000)), 1);
    response.on('close', () => {
      clearInterval(timer);
      isOpen = false;
    });
  });
  const says = `Reference 1 (at ${farSide.host}) is larger than the 20000 bytes that the provider takes.`;
  expect(await look(asking('this'))).toEqual(failure(says, false));
  await until(
    () => isOpen,
    (still) => !still,
  );
});

test('references that each do, and together are too large, are a failure that no retry mends, and the rest is not fetched', async () => {
  const most = 2 * bytesOf('png').length;
  const looked = await look(asking('png', 'png'), { maxTotalBytes: most });
  expect(looked).toMatchObject({ ok: true });
  const seen = farSide.seen.length;
  const says = `All references together are larger than the ${most} bytes that the provider takes.`;
  expect(await look(asking(...Array(10).fill('png')), { maxTotalBytes: most })).toEqual(failure(says, false));
  // Four are under way at one time, so some had begun when the third was there.
  expect(farSide.seen.length - seen).toBeLessThan(7);
});

test('one that cannot be had just now is a failure that a retry may mend', async () => {
  const gone = `Reference 2 (at ${farSide.host}) could not be fetched: its server answered 404.`;
  expect(await look(asking('png', 'gone'))).toEqual(failure(gone, true));
  pictures.set('this', (response) => void response.destroy());
  const cut = await look(asking('this'));
  expect(cut).toMatchObject({ ok: false, failure: { retryable: true } });
});

test('an address that is not public is not asked for, unless it is the sandbox itself', async () => {
  const seen = farSide.seen.length;
  const looked = await fetchReferences(fetching(), asking('png'), RULES, { ...options(), allowedHosts: [] });
  const says = `Reference 1 (at ${farSide.host}) may not be fetched: an address that is not public.`;
  expect(looked).toEqual(failure(says, false));
  expect(farSide.seen.length).toBe(seen);
});

test('a scheme that the provider does not take is not fetched', async () => {
  const says = `Reference 1 (at ${farSide.host}) must begin with https://.`;
  expect(await look(asking('png'), { schemes: ['https'] })).toEqual(failure(says, false));
});

test('at most four are fetched at one time, all of them within one deadline', async () => {
  const began = performance.now();
  const looking = look(asking(...Array(9).fill('held')), {}, { timeoutMs: 400 });
  await until(
    () => waiting.length,
    (count) => count === 4,
  );
  expect(await looking).toMatchObject({ ok: false, failure: { code: 'REFERENCE_UNREACHABLE', retryable: true } });
  expect(performance.now() - began).toBeLessThan(1_500);
  expect(waiting).toHaveLength(4);
});

test('waiting for the downloads of others costs none of that time', async () => {
  const takeTurn = createTurns(1);
  const others = takeTurn(() => sleep(600));
  const looked = fetchReferences({ fetch, takeTurn }, asking('png'), RULES, { ...options(), timeoutMs: 500 });
  expect(await looked).toMatchObject({ ok: true });
  await others;
});

test('a stop is no failure of the reference: it is thrown', async () => {
  const stopping = new AbortController();
  const begun = waiting.length;
  const looking = look(asking('held'), {}, { signal: stopping.signal });
  await until(
    () => waiting.length,
    (count) => count > begun,
  );
  stopping.abort(new Error('stop'));
  await expect(looking).rejects.toThrow('stop');
});

test('what is stored of a body has the digest of each picture instead of the picture, and nothing else is changed', () => {
  const png = bytesOf('png');
  const uri = `data:image/png;base64,${png.toString('base64')}`;
  const digest = createHash('sha256').update(png).digest('hex');
  const body = {
    prompt: 'data:image/ is not one',
    n: 2,
    images: [uri, 'https://a.example/b.png'],
    deep: { image: uri },
  };
  const short = `data:image/png;sha256=${digest};bytes=${png.length}`;
  expect(shortenBody(body)).toEqual({ ...body, images: [short, 'https://a.example/b.png'], deep: { image: short } });
  expect(body.images[0]).toBe(uri);
});

function look(request: ProviderRequest, changes: Partial<ReferenceRules> = {}, more: object = {}) {
  return fetchReferences(fetching(), request, { ...RULES, ...changes }, { ...options(), ...more });
}

function fetching(): Fetching {
  return { fetch, takeTurn: createTurns(4) };
}

function options() {
  return { allowedHosts: [farSide.host], signal: new AbortController().signal };
}

function asking(...names: string[]): ProviderRequest {
  const [task] = sampleGeneration([1], { at: new Date() }).tasks;
  if (!task) throw new Error('one task');
  return { ...task.request, references: names.map((name) => ({ uri: `${farSide.url}/${name}` })) };
}

function failure(message: string, retryable: boolean) {
  const code = 'REFERENCE_UNREACHABLE';
  return { ok: false, failure: { code, message, billed: 'NO', retryable, providerCode: null, providerMessage: null } };
}

function bytesOf(name: string): Buffer {
  const picture = pictures.get(name);
  if (!Buffer.isBuffer(picture)) throw new Error(`There is no ${name}.`);
  return picture;
}

function draw(width: number, height: number) {
  return sharp({ create: { width, height, channels: 3, background: 'teal' } });
}

/** A small PNG that says that it is a large one. */
async function bomb(width: number, height: number): Promise<Buffer> {
  const png = await draw(40, 20).png().toBuffer();
  png.writeUInt32BE(width, 16);
  png.writeUInt32BE(height, 20);
  png.writeUInt32BE(crc32(png.subarray(12, 29)), 29);
  return png;
}

/** A header alone, which is all that is looked at. */
function bitmap(width: number, height: number): Buffer {
  const bytes = Buffer.alloc(54);
  bytes.write('BM');
  bytes.writeUInt32LE(54, 2);
  bytes.writeUInt32LE(54, 10);
  bytes.writeUInt32LE(40, 14);
  bytes.writeInt32LE(width, 18);
  bytes.writeInt32LE(height, 22);
  return bytes;
}
