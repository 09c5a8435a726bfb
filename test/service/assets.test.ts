import { createHash } from 'node:crypto';
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
