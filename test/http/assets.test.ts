import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Readable } from 'node:stream';
import sharp from 'sharp';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { StoredFile } from '../../src/asset/find-stored.ts';
import { createLinks, type Links } from '../../src/asset/link.ts';
import type { Variant } from '../../src/asset/variant.ts';
import { createVariants } from '../../src/asset/variants.ts';
import { createAssetHandler } from '../../src/http/assets.ts';
import { createDiskStorage } from '../../src/storage/disk.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { createTurns, type TakeTurn } from '../../src/turns.ts';

const ID = 'ast_01h455vb4pex5vsknk084sn02q';
const KEY = `wsp_1/gen_1/${ID}.png`;
const SIGNED_AT = new Date();
/** Larger than all buffers between a disk and a client together. */
const PICTURE = randomBytes(20_000_000);
const SHA256 = createHash('sha256').update(PICTURE).digest('hex');
const ETAG = `"${SHA256}"`;

let home: string;
let storage: Storage;
let links: Links;
let server: Server;
let base: string;
let stored: Map<string, StoredFile>;
let errors: unknown[];
let takeTurn: TakeTurn;
/** Every stream the storage has given out. */
let streams: Readable[];

beforeEach(async () => {
  home = await mkdtemp(path.join(tmpdir(), 'darkroom-assets-'));
  storage = createDiskStorage(home);
  streams = [];
  const open = storage.open;
  storage.open = async (key, range) => {
    const file = await open(key, range);
    if (file) streams.push(file.stream);
    return file;
  };
  const incoming = await storage.receive();
  await incoming.write(PICTURE);
  await incoming.keep(KEY);
  stored = new Map([[ID, { storageKey: KEY, mimeType: 'image/png', byteSize: PICTURE.length, tag: SHA256 }]]);
  errors = [];
  links = createLinks({ publicUrl: () => '', secrets: ['secret'] });
  takeTurn = createTurns(1, 100);
  const handle = createAssetHandler({
    links,
    storage,
    variants: createVariants(storage, takeTurn),
    findStored: async (assetId) => stored.get(assetId) ?? null,
  });
  server = createServer((req, res) => {
    handle(req, res).catch((error: unknown) => {
      errors.push(error);
      if (!res.headersSent) res.writeHead(500).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(home, { recursive: true });
});

function linkTo(assetId = ID, now = SIGNED_AT): string {
  return links.sign(assetId, 'png', 3600, now).uri;
}

async function get(headers: Record<string, string> = {}, target = linkTo(), method = 'GET') {
  const response = await fetch(base + target, { method, headers });
  return { status: response.status, headers: response.headers, body: Buffer.from(await response.arrayBuffer()) };
}

const SMALL: Variant = { width: 40, height: 30, fit: 'COVER', extension: 'webp' };

/** An asset that is a picture; the other one is noise. */
async function storePicture(assetId: string): Promise<void> {
  const bytes = await sharp({ create: { width: 80, height: 60, channels: 3, background: '#c81e1e' } })
    .png()
    .toBuffer();
  const incoming = await storage.receive();
  await incoming.write(bytes);
  await incoming.keep(`wsp_1/gen_1/${assetId}.png`);
  const tag = createHash('sha256').update(bytes).digest('hex');
  const storageKey = `wsp_1/gen_1/${assetId}.png`;
  stored.set(assetId, { storageKey, mimeType: 'image/png', byteSize: bytes.length, tag });
}

function linkToVariant(assetId: string, variant: Variant): string {
  return links.sign(assetId, variant, 3600, SIGNED_AT).uri;
}

function countOpen(): number {
  return streams.filter((stream) => !stream.closed).length;
}

test('a good link gives the picture, with headers that let it be drawn and cached, and nothing else', async () => {
  const { status, headers, body } = await get();
  expect(status).toBe(200);
  expect(body.equals(PICTURE)).toBe(true);
  const {
    date: _date,
    'cache-control': caching,
    connection: _connection,
    'keep-alive': _alive,
    ...rest
  } = Object.fromEntries(headers);
  expect(rest).toEqual({
    'accept-ranges': 'bytes',
    'access-control-allow-origin': '*',
    'access-control-expose-headers': 'accept-ranges, content-length, content-range, etag',
    'content-disposition': `inline; filename="${ID}.png"`,
    'content-length': String(PICTURE.length),
    'content-security-policy': "default-src 'none'; sandbox",
    'content-type': 'image/png',
    'cross-origin-resource-policy': 'cross-origin',
    etag: ETAG,
    'x-content-type-options': 'nosniff',
  });
  const [, maxAge] = /^private, max-age=(\d+), immutable$/.exec(caching ?? '') ?? [];
  const { expiresAt } = links.sign(ID, 'png', 3600, SIGNED_AT);
  const left = (expiresAt.getTime() - Date.now()) / 1000;
  expect(Math.abs(Number(maxAge) - left)).toBeLessThan(10);
});

test('HEAD answers what GET would, without the picture', async () => {
  const [got, head] = [await get(), await get({}, linkTo(), 'HEAD')];
  const comparable = ({ headers }: typeof got) => {
    const {
      date: _date,
      connection: _connection,
      'keep-alive': _alive,
      'cache-control': _caching,
      ...rest
    } = Object.fromEntries(headers);
    return rest;
  };
  expect(head.status).toBe(200);
  expect(comparable(head)).toEqual(comparable(got));
  expect(head.body.length).toBe(0);
});

test.each([
  ['bytes=0-0', 0, 0],
  ['bytes=10-19', 10, 19],
  ['bytes=19999990-', 19_999_990, 19_999_999],
  ['bytes=-5', 19_999_995, 19_999_999],
  ['bytes=19999990-99999999', 19_999_990, 19_999_999],
])('Range %s gives that part', async (range, start, end) => {
  const { status, headers, body } = await get({ range });
  expect(status).toBe(206);
  expect(headers.get('content-range')).toBe(`bytes ${start}-${end}/20000000`);
  expect(headers.get('content-length')).toBe(String(end - start + 1));
  expect(body.equals(PICTURE.subarray(start, end + 1))).toBe(true);
});

test.each(['bytes=20000000-', 'bytes=20000000-20000001', 'bytes=-0'])('Range %s cannot be satisfied', async (range) => {
  const { status, headers } = await get({ range });
  expect(status).toBe(416);
  expect(headers.get('content-range')).toBe('bytes */20000000');
});

test.each(['bytes=0-1,5-6', 'items=0-1', 'bytes', 'nonsense'])('Range %s gives the whole', async (range) => {
  const { status, body } = await get({ range });
  expect([status, body.length]).toEqual([200, PICTURE.length]);
});

test('If-Range gives the part only of the same bytes', async () => {
  const statusWith = async (condition: string) => (await get({ range: 'bytes=0-1', 'if-range': condition })).status;
  expect(await statusWith(ETAG)).toBe(206);
  expect(await statusWith('"other"')).toBe(200);
  expect(await statusWith(`W/${ETAG}`)).toBe(200);
  expect(await statusWith('Wed, 21 Oct 2015 07:28:00 GMT')).toBe(200);
});

test('If-None-Match with these bytes gives 304 and no body', async () => {
  for (const condition of [ETAG, `W/${ETAG}`, `"other", ${ETAG}`, '*']) {
    const { status, headers, body } = await get({ 'if-none-match': condition, range: 'bytes=0-1' });
    expect([status, headers.get('etag'), body.length]).toEqual([304, ETAG, 0]);
  }
  expect((await get({ 'if-none-match': '"other"' })).status).toBe(200);
});

test('a link that was tampered with is 403, for an asset that exists and for one that does not', async () => {
  const unknown = 'ast_01h455vb4pex5vsknk084sn02z';
  const forged = [linkTo().replace('.png', '.jpg'), linkTo().replace(ID, unknown), `/assets/${ID}.png`];
  const answers = await Promise.all(forged.map((target) => get({}, target)));
  expect(answers.map(({ status, body }) => [status, body.toString()])).toEqual(
    forged.map(() => [403, '{"message":"This link is not valid."}']),
  );
});

test('a link that expired is 410, and is not cached', async () => {
  const { status, headers } = await get({}, linkTo(ID, new Date(Date.now() - 6_000_000)));
  expect([status, headers.get('cache-control')]).toEqual([410, 'no-store']);
});

test('a good link to an asset that is not stored any more is 404', async () => {
  stored.clear();
  expect((await get()).status).toBe(404);
});

test.each(['POST', 'PUT', 'DELETE', 'OPTIONS'])('%s is not allowed', async (method) => {
  const { status, headers } = await get({}, linkTo(), method);
  expect([status, headers.get('allow')]).toEqual([405, 'GET, HEAD']);
});

test('a stored asset whose file is missing is our error, not a 404', async () => {
  await storage.remove(KEY);
  expect((await get()).status).toBe(500);
  expect(errors).toEqual([new Error(`The file ${KEY} is missing.`)]);
});

test('a stored asset whose file is of another size is our error, and its file is closed', async () => {
  stored.set(ID, { storageKey: KEY, mimeType: 'image/png', byteSize: 5, tag: SHA256 });
  expect((await get()).status).toBe(500);
  expect(errors).toEqual([new Error(`The file ${KEY} is not as long as it was.`)]);
  await vi.waitFor(() => expect([streams.length, countOpen()]).toEqual([1, 0]));
});

test('an asset deleted while it is asked for is 404', async () => {
  const open = storage.open;
  vi.spyOn(storage, 'open').mockImplementation(async (key, range) => {
    await storage.remove(key);
    stored.clear();
    return await open(key, range);
  });
  expect((await get()).status).toBe(404);
  expect(errors).toEqual([]);
});

test('a client that leaves half way leaves no file open and is no error', async () => {
  const socket = connect(Number(new URL(base).port), '127.0.0.1');
  socket.write(`GET ${linkTo()} HTTP/1.1\r\nhost: x\r\n\r\n`);
  await new Promise((resolve) => socket.once('data', resolve));
  socket.pause();
  expect(countOpen()).toBe(1);
  socket.destroy();
  await vi.waitFor(() => expect([streams.length, countOpen()]).toEqual([1, 0]));
  expect(errors).toEqual([]);
});

test('a client that leaves before the file is open leaves no file open and is no error', async () => {
  const open = storage.open;
  let letGo = () => {};
  const left = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  const opened = vi.spyOn(storage, 'open').mockImplementation(async (key, range) => {
    const file = await open(key, range);
    await left;
    return file;
  });
  const closed = new Promise<void>((resolve) =>
    server.once('connection', (peer) => peer.once('close', () => resolve())),
  );
  const socket = connect(Number(new URL(base).port), '127.0.0.1');
  socket.write(`GET ${linkTo()} HTTP/1.1\r\nhost: x\r\n\r\n`);
  await vi.waitFor(() => expect(opened).toHaveBeenCalled());
  socket.destroy();
  await closed;
  letGo();
  await vi.waitFor(() => expect([streams.length, countOpen()]).toEqual([1, 0]));
  expect(errors).toEqual([]);
});

test('a read error breaks the answer off and is reported', async () => {
  const open = storage.open;
  vi.spyOn(storage, 'open').mockImplementation(async (key, range) => {
    const file = await open(key, range);
    file?.stream.once('data', () => file.stream.destroy(new Error('EIO')));
    return file;
  });
  await expect(get()).rejects.toThrow();
  await vi.waitFor(() => expect(errors).toEqual([new Error('EIO')]));
});

test('a variant is served as a stored file is: type, ETag, Range, caching, and the same headers', async () => {
  await storePicture('ast_a');
  const [got, original] = [await get({}, linkToVariant('ast_a', SMALL)), await get()];
  const { format, width, height } = await sharp(got.body).metadata();
  expect([got.status, format, width, height]).toEqual([200, 'webp', 40, 30]);
  expect(Object.fromEntries(got.headers)).toMatchObject({
    ...Object.fromEntries([...original.headers].filter(([name]) => /^(access|content-security|cross|x-)/.test(name))),
    'accept-ranges': 'bytes',
    'cache-control': expect.stringMatching(/^private, max-age=\d+, immutable$/),
    'content-disposition': 'inline; filename="ast_a-40x30-cover.webp"',
    'content-length': String(got.body.length),
    'content-type': 'image/webp',
    etag: expect.stringMatching(/^"[0-9a-f]{64}"$/),
  });
  const etag = got.headers.get('etag') ?? '';
  const part = await get({ range: 'bytes=5-9', 'if-range': etag }, linkToVariant('ast_a', SMALL));
  expect([part.status, part.body.equals(got.body.subarray(5, 10))]).toEqual([206, true]);
  expect((await get({ 'if-none-match': etag }, linkToVariant('ast_a', SMALL))).status).toBe(304);
  const larger = await get({}, linkToVariant('ast_a', { ...SMALL, width: 41 }));
  expect(larger.headers.get('etag')).not.toBe(etag);
});

test('a variant nobody signed for is 403, and none of an asset that is gone is made', async () => {
  await storePicture('ast_a');
  const target = linkToVariant('ast_a', SMALL);
  const forged = [
    target.replace('40x30', '41x30'),
    target.replace('cover', 'inside'),
    target.replace('.webp', '.avif'),
  ];
  for (const one of forged) expect((await get({}, one)).status).toBe(403);
  stored.clear();
  expect((await get({}, target)).status).toBe(404);
  expect(streams).toEqual([]);
});

test('a client that holds a variant is told so at once, without its being made', async () => {
  await storePicture('ast_a');
  const target = linkToVariant('ast_a', SMALL);
  const etag = (await get({}, target)).headers.get('etag') ?? '';
  streams.length = 0;
  const sizeOf = vi.spyOn(storage, 'sizeOf');
  const known = await get({ 'if-none-match': etag }, target);
  expect([known.status, known.headers.get('etag'), streams, sizeOf.mock.calls]).toEqual([304, etag, [], []]);
});

test('a variant of a picture whose file was cut short is our error, and is not made', async () => {
  await storePicture('ast_a');
  stored.set('ast_a', { ...(stored.get('ast_a') as StoredFile), byteSize: 5 });
  expect((await get({}, linkToVariant('ast_a', SMALL))).status).toBe(500);
  expect(errors).toEqual([new Error('The file wsp_1/gen_1/ast_a.png is not as long as it was.')]);
  await vi.waitFor(() => expect([streams.length, countOpen()]).toEqual([1, 0]));
});

test('a variant whose turn does not come is 503 with Retry-After, and is made when asked again', async () => {
  await storePicture('ast_a');
  let letGo = () => {};
  const held = takeTurn(() => new Promise<void>((resolve) => (letGo = resolve)));
  const { status, headers, body } = await get({}, linkToVariant('ast_a', SMALL));
  expect([status, headers.get('retry-after'), headers.get('cache-control'), body.toString()]).toEqual([
    503,
    '5',
    'no-store',
    '{"message":"Too many pictures are being made; ask again."}',
  ]);
  letGo();
  await held;
  expect((await get({}, linkToVariant('ast_a', SMALL))).status).toBe(200);
  expect(errors).toEqual([]);
});

test('a variant of a picture whose file is missing is our error, and of one deleted meanwhile is 404', async () => {
  await storePicture('ast_a');
  await storage.remove('wsp_1/gen_1/ast_a.png');
  expect((await get({}, linkToVariant('ast_a', SMALL))).status).toBe(500);
  expect(errors).toEqual([new Error('The file wsp_1/gen_1/ast_a.png is missing.')]);
  vi.spyOn(storage, 'open').mockImplementation(async () => {
    stored.clear();
    return null;
  });
  expect((await get({}, linkToVariant('ast_a', SMALL))).status).toBe(404);
});
