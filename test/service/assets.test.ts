import { createHash } from 'node:crypto';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createLinks } from '../../src/asset/link.ts';
import { type Asset, create, only, query, readUntil } from './client.ts';
import { SECRET, type Service, startService } from './service.ts';

let service: Service;
let asset: Asset;
let link: string;
let bytes: Buffer;
beforeAll(async () => {
  service = await startService();
  const { generation } = await create(service.url, { prompt: 'A lighthouse [[slow=0]]' });
  asset = only((await readUntil(service.url, generation.id)).assets);
  link = asset.url?.uri ?? '';
  bytes = Buffer.from(await (await fetch(link)).arrayBuffer());
});
afterAll(() => service?.stop());

test('the link needs no key and serves the bytes that were measured, to be kept by every cache as long as it works', async () => {
  const response = await fetch(link, { method: 'HEAD' });
  const expiresAt = new Date(asset.url?.expiresAt ?? '').getTime();
  expect(response.status).toBe(200);
  expect(Object.fromEntries(response.headers)).toMatchObject({
    'content-type': asset.mimeType,
    'content-length': String(asset.byteSize),
    etag: `"${asset.sha256}"`,
    'accept-ranges': 'bytes',
    'x-content-type-options': 'nosniff',
    'cache-control': expect.stringMatching(/^private, max-age=\d+, immutable$/),
  });
  const maxAge = Number(/max-age=(\d+)/.exec(response.headers.get('cache-control') ?? '')?.[1]);
  expect(Math.abs(maxAge - (expiresAt - Date.now()) / 1000)).toBeLessThan(5);
  expect([bytes.length, createHash('sha256').update(bytes).digest('hex')]).toEqual([asset.byteSize, asset.sha256]);
});

test.each<[range: string, from: number, to: number]>([
  ['bytes=0-99', 0, 100],
  ['bytes=100-', 100, Number.POSITIVE_INFINITY],
  ['bytes=-50', -50, Number.POSITIVE_INFINITY],
])('the range %s is answered with these bytes only', async (range, from, to) => {
  const response = await fetch(link, { headers: { range } });
  const part = Buffer.from(await response.arrayBuffer());
  expect(response.status).toBe(206);
  expect(part.equals(bytes.subarray(from, to))).toBe(true);
  const start = from < 0 ? bytes.length + from : from;
  const end = start + part.length - 1;
  expect(response.headers.get('content-range')).toBe(`bytes ${start}-${end}/${bytes.length}`);
});

test('a range past the end is 416, and one that rests on other bytes gets the whole', async () => {
  expect((await fetch(link, { headers: { range: `bytes=${bytes.length}-` } })).status).toBe(416);
  const outdated = await fetch(link, { headers: { range: 'bytes=0-9', 'if-range': '"other"' } });
  expect([outdated.status, (await outdated.arrayBuffer()).byteLength]).toEqual([200, bytes.length]);
});

test('whoever has the bytes already gets 304 and nothing', async () => {
  const response = await fetch(link, { headers: { 'if-none-match': `"${asset.sha256}"` } });
  expect([response.status, (await response.arrayBuffer()).byteLength]).toEqual([304, 0]);
});

test('an expired link is 410, and what is not signed by us is 403', async () => {
  const links = createLinks({ publicUrl: () => service.url, secrets: [SECRET] });
  const { uri: expired } = links.sign(asset.id, 'jpg', 60, new Date(Date.now() - 3_600_000));
  const forger = createLinks({ publicUrl: () => service.url, secrets: ['another secret that is as long as ours is'] });
  const { uri: forged } = forger.sign(asset.id, 'jpg', 3600, new Date());
  const later = link.replace(/expires=(\d+)/, (_, expires) => `expires=${Number(expires) + 1}`);
  const other = link.replace(asset.id, `${asset.id.slice(0, -1)}${asset.id.endsWith('0') ? '1' : '0'}`);
  const unsigned = `${service.url}/assets/${asset.id}.jpg`;
  const escaped = `${service.url}/assets/..%2f..%2fsecret?expires=9999999999&signature=${'A'.repeat(43)}`;
  const tries = [expired, forged, later, other, unsigned, `${link}&width=1`, escaped];
  const answers = await Promise.all(tries.map(async (uri) => (await fetch(uri)).status));
  expect(answers).toEqual([410, 403, 403, 403, 403, 403, 403]);
});

test('a link that is well signed for a picture that is not there is 404', async () => {
  const links = createLinks({ publicUrl: () => service.url, secrets: [SECRET] });
  const { uri } = links.sign('ast_01kxxxxxxxxxxxxxxxxxxxxxxx', 'jpg', 3600, new Date());
  expect((await fetch(uri)).status).toBe(404);
});

test('links read within half their ttl are the same, so that caches hold', async () => {
  const document = 'query($id: ID!) { node(id: $id) { ... on Asset { url(ttlSeconds: 604800) { uri } } } }';
  const answers = await Promise.all([1, 2].map(() => query(service.url, document, { id: asset.id })));
  expect(answers[0]?.data).toEqual(answers[1]?.data);
  const tooShort = document.replace('604800', '59');
  const { errors } = await query(service.url, tooShort, { id: asset.id });
  expect(only(errors).extensions).toMatchObject({ code: 'BAD_USER_INPUT', argument: 'ttlSeconds' });
});

const URL_OF =
  'query($id: ID!, $width: Int, $height: Int, $fit: ImageFit, $format: ImageFormat) { node(id: $id) { ... on Asset { width height url(width: $width, height: $height, fit: $fit, format: $format) { uri } } } }';

type Facts = { node: { width: number; height: number; url: { uri: string } } };

async function ask(wish: Record<string, unknown>) {
  return await query<Facts>(service.url, URL_OF, { id: asset.id, ...wish });
}

test.each([
  [{ width: 96, height: 64, format: 'WEBP' }, 'image/webp', '.webp', 96, 64],
  [{ width: 90, height: 30, fit: 'CONTAIN', format: 'PNG' }, 'image/png', '.png', 90, 30],
  [{ width: 64, height: 4096, fit: 'INSIDE', format: 'JPEG' }, 'image/jpeg', '.jpg', 64, 64],
  [{ width: 32, height: 48, format: 'AVIF' }, 'image/avif', '.avif', 32, 48],
])(
  '%j is served as %s in this size, made once, by a link that stays the same',
  async (wish, type, ending, width, height) => {
    const [{ data, text }, again] = [await ask(wish), await ask(wish)];
    const { uri } = data.node.url;
    expect(again.text).toBe(text);
    expect(new URL(uri).pathname.endsWith(ending)).toBe(true);
    expect([data.node.width, data.node.height]).toEqual([asset.width, asset.height]);
    const [one, other] = await Promise.all([fetch(uri), fetch(uri)]);
    const [body, same] = await Promise.all([one.arrayBuffer(), other.arrayBuffer()]);
    expect(Buffer.from(body).equals(Buffer.from(same))).toBe(true);
    expect([one.status, one.headers.get('content-type')]).toEqual([200, type]);
    const { width: seenWidth, height: seenHeight } = await sharp(Buffer.from(body)).metadata();
    expect([seenWidth, seenHeight]).toEqual([width, height]);
  },
);

test('without a wish, and past its size in its own shape, the link is that of the stored file', async () => {
  const { width, height } = asset;
  const wishes = [{}, { fit: null, format: null, width: null }, { width: 4096 }, { width, height, fit: 'INSIDE' }];
  const answers = await Promise.all(wishes.map(ask));
  const { data } = await query<Facts>(
    service.url,
    'query($id: ID!) { node(id: $id) { ... on Asset { url { uri } } } }',
    {
      id: asset.id,
    },
  );
  expect(answers.map((answer) => answer.data.node.url)).toEqual(wishes.map(() => data.node.url));
});

test.each([
  [{ width: 0 }, 'width'],
  [{ width: 4097 }, 'width'],
  [{ height: -1 }, 'height'],
])('%j is refused, with what is allowed', async (wish, argument) => {
  const { errors } = await ask(wish);
  const { code, argument: named, allowed } = only(errors).extensions;
  expect([code, named, allowed]).toEqual(['BAD_USER_INPUT', argument, ['1 to 4096']]);
});

test('nobody can ask for another variant than was signed', async () => {
  const { data } = await ask({ width: 96, height: 64, format: 'WEBP' });
  const { uri } = data.node.url;
  const tries = [uri.replace('96x64', '97x64'), uri.replace('.webp', '.png'), uri.replace(/\/\d+x\d+-\w+/, '')];
  expect(new Set([uri, ...tries]).size).toBe(4);
  expect(await Promise.all(tries.map(async (one) => (await fetch(one)).status))).toEqual([403, 403, 403]);
});

test('ORIGINAL as the format of a request is no wish: a provider that offers no format takes it', async () => {
  const input = { prompt: 'As it comes [[slow=0]]', output: { format: 'ORIGINAL' } };
  const { data } = await query<{ createGeneration: { generation: unknown; errors: unknown[] } }>(
    service.url,
    'mutation($input: CreateGenerationInput!) { createGeneration(input: $input) { generation { request { outputFormat } } errors { code } } }',
    { input },
  );
  expect(data.createGeneration).toEqual({ generation: { request: { outputFormat: null } }, errors: [] });
});
