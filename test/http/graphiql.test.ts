import { gunzipSync } from 'node:zlib';
import { request } from 'undici';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TEST_KEY } from '../service/client.ts';
import { type Service, startService } from '../service/service.ts';

let service: Service;
let etag: string;
let page: string;
let length: number;
beforeAll(async () => {
  service = await startService();
  const { headers, body } = await get({ accept: BROWSER });
  etag = String(headers.etag);
  page = await body.text();
  length = Buffer.byteLength(page);
});
afterAll(() => service?.stop());

/** What Chromium sends for a page. */
const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8';

function get(headers: Record<string, string>, method: 'GET' | 'HEAD' = 'GET') {
  return request(`${service.url}/graphql`, { method, headers });
}

test('a browser gets the page whole or compressed, and caches keep the two apart', async () => {
  const { statusCode, headers, body } = await get({ accept: BROWSER, 'accept-encoding': 'gzip, deflate, br' });
  expect({ statusCode, headers }).toMatchObject({
    statusCode: 200,
    headers: {
      'content-encoding': 'gzip',
      'content-type': 'text/html; charset=utf-8',
      vary: 'accept, accept-encoding',
      etag,
    },
  });
  const compressed = Buffer.from(await body.arrayBuffer());
  expect(Number(headers['content-length'])).toBe(compressed.byteLength);
  expect(compressed.byteLength * 3).toBeLessThan(length);
  expect(gunzipSync(compressed).byteLength).toBe(length);
});

test('it is not compressed for a client that forbids that', async () => {
  const { headers, body } = await get({ accept: BROWSER, 'accept-encoding': 'identity, gzip;q=0' }, 'HEAD');
  expect([headers['content-encoding'], headers['content-length']]).toEqual([undefined, String(length)]);
  expect((await body.arrayBuffer()).byteLength).toBe(0);
});

test.each([
  ['its tag', (tag: string) => tag],
  ['a list with its tag', (tag: string) => `"another", ${tag}`],
  ['its tag as a proxy weakened it', (tag: string) => `W/${tag}`],
  ['any tag', () => '*'],
])('who has the page already, and says so with %s, gets 304 and nothing', async (_what, condition) => {
  const { statusCode, headers, body } = await get({ accept: BROWSER, 'if-none-match': condition(etag) });
  expect([statusCode, headers.etag, (await body.arrayBuffer()).byteLength]).toEqual([304, etag, 0]);
});

test('who has another page gets this one', async () => {
  const { statusCode, body } = await get({ accept: BROWSER, 'if-none-match': '"another"' });
  expect([statusCode, (await body.arrayBuffer()).byteLength]).toEqual([200, length]);
});

test('the page may load nothing, reach nothing and be framed by nothing outside this service', async () => {
  const { headers, body } = await get({ accept: BROWSER });
  await body.dump();
  const policy = String(headers['content-security-policy']).split('; ');
  expect(policy.filter((rule) => !rule.startsWith('script-src'))).toEqual([
    "default-src 'none'",
    'worker-src blob:',
    "style-src 'unsafe-inline'",
    'font-src data:',
    "img-src 'self' data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ]);
  expect(policy.find((rule) => rule.startsWith('script-src'))).toMatch(/^script-src( 'sha256-[\w+/]{43}=')+$/);
});

test('who does not ask for a page gets GraphQL', async () => {
  const { statusCode, headers, body } = await request(`${service.url}/graphql?query={__typename}`, {
    headers: { accept: 'application/json', authorization: `Bearer ${TEST_KEY}` },
  });
  expect([statusCode, headers['content-type'], await body.json()]).toEqual([
    200,
    expect.stringContaining('application/json'),
    { data: { __typename: 'Query' } },
  ]);
});

test('with GRAPHIQL=off there is no page, and with INTROSPECTION=off none that tells the schema', async () => {
  const without = await startService({ GRAPHIQL: 'off' });
  const silent = await startService({ INTROSPECTION: 'off' });
  const [none, bare] = await Promise.all(
    [without, silent].map(({ url }) => request(`${url}/graphql`, { headers: { accept: BROWSER } })),
  );
  const texts = await Promise.all([none?.body.text(), bare?.body.text()]);
  await Promise.all([without.stop(), silent.stop()]);
  expect([none?.headers['content-type'], bare?.headers['content-type']]).toEqual([
    expect.not.stringContaining('text/html'),
    'text/html; charset=utf-8',
  ]);
  const tells = [page, ...texts].map((text) => text?.includes('Stores the order and answers at once'));
  expect(tells).toEqual([true, false, false]);
});
