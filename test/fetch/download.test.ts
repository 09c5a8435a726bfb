import { createHash, randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { pipeline, Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { DownloadOptions } from '../../src/fetch/download.ts';
import { createGuardedFetch, type GuardedFetch } from '../../src/fetch/guarded-fetch.ts';
import { startFarSide } from './far-side.ts';

let fetch: GuardedFetch;

beforeEach(() => {
  fetch = createGuardedFetch({ allowedHosts: [] });
});
afterEach(() => fetch.stop());

function get(url: string, allowedHosts: string[], options: Partial<DownloadOptions> = {}) {
  const chunks: Uint8Array[] = [];
  const sink = {
    async write(chunk: Uint8Array) {
      chunks.push(chunk);
    },
  };
  const signal = new AbortController().signal;
  const result = fetch.download(url, { maxBytes: 1e6, timeoutMs: 5_000, signal, allowedHosts, ...options }, sink);
  return result.then((settled) => ({ result: settled, bytes: Buffer.concat(chunks) }));
}

/** Writes as fast as the client reads, until it goes away. */
function writeForever(res: ServerResponse): void {
  const endless = new Readable({
    read() {
      this.push(Buffer.alloc(65_536));
    },
  });
  pipeline(endless, res, () => {});
}

test('a whole body arrives unchanged, with its size and hash', async () => {
  const picture = randomBytes(300_000);
  await using farSide = await startFarSide((_req, res) => res.setHeader('content-type', 'image/png').end(picture));
  const { result, bytes } = await get(`${farSide.url}/a%20b.png?x=1#f`, [farSide.host]);
  const sha256 = createHash('sha256').update(picture).digest('hex');
  expect(result).toEqual({ kind: 'OK', contentType: 'image/png', byteSize: 300_000, sha256 });
  expect(bytes.equals(picture)).toBe(true);
  expect(farSide.seen).toEqual(['/a%20b.png?x=1']);
});

test('without an exemption nothing is sent to loopback, by address or by name', async () => {
  await using farSide = await startFarSide((_req, res) => res.end('secret'));
  const port = farSide.host.split(':')[1];
  const results = [];
  for (const host of ['127.0.0.1', 'localhost', '[::ffff:127.0.0.1]', '2130706433']) {
    results.push((await get(`http://${host}:${port}/`, [])).result.kind);
  }
  expect(results).toEqual(['FORBIDDEN', 'FORBIDDEN', 'FORBIDDEN', 'FORBIDDEN']);
  expect(farSide.seen).toEqual([]);
});

test('an exemption of one call opens nothing for the next, though a socket is still open', async () => {
  await using farSide = await startFarSide((_req, res) => res.end('ok'));
  const url = farSide.url.replace('127.0.0.1', 'localhost');
  const port = farSide.host.split(':')[1];
  expect((await get(url, [`localhost:${port}`])).result.kind).toBe('OK');
  expect((await get(url, [])).result).toEqual({ kind: 'FORBIDDEN', reason: 'a name of an address that is not public' });
});

test.each([301, 302, 303, 307, 308])('a %i to a private address is refused and not asked', async (status) => {
  await using inner = await startFarSide((_req, res) => res.end('secret'));
  await using farSide = await startFarSide((_req, res) => res.writeHead(status, { location: inner.url }).end());
  expect((await get(farSide.url, [farSide.host])).result).toEqual({
    kind: 'FORBIDDEN',
    reason: 'an address that is not public',
  });
  expect(inner.seen).toEqual([]);
});

test.each(['file:///etc/passwd', 'data:,x', 'gopher://example.com/', 'http://u:p@example.com/', 'http://[::1'])(
  'a redirect to %s is refused',
  async (location) => {
    await using farSide = await startFarSide((_req, res) => res.writeHead(302, { location }).end());
    expect((await get(farSide.url, [farSide.host])).result.kind).toBe('FORBIDDEN');
  },
);

test('five redirects are followed, relative ones too, and a sixth is not', async () => {
  await using farSide = await startFarSide((req, res) => {
    const left = Number(req.url?.slice(1));
    if (left === 0) res.end('here');
    else res.writeHead(302, { location: `${left - 1}` }).end();
  });
  expect((await get(`${farSide.url}/5`, [farSide.host])).bytes.toString()).toBe('here');
  expect((await get(`${farSide.url}/6`, [farSide.host])).result).toEqual({ kind: 'REFUSED', status: 302 });
});

test.each([201, 204, 206, 304, 400, 403, 404, 410, 500])(
  'an answer of %i is REFUSED with its status',
  async (status) => {
    await using farSide = await startFarSide((_req, res) => res.writeHead(status).end());
    expect((await get(farSide.url, [farSide.host])).result).toEqual({ kind: 'REFUSED', status });
  },
);

test('a drip of one byte after another ends at the one deadline', async () => {
  await using farSide = await startFarSide((_req, res) => {
    const drip = setInterval(() => res.write('x'), 50);
    res.on('close', () => clearInterval(drip));
  });
  const started = Date.now();
  expect((await get(farSide.url, [farSide.host], { timeoutMs: 400 })).result).toEqual({ kind: 'TIMEOUT' });
  expect(Date.now() - started).toBeLessThan(2_000);
});

test('the deadline covers all redirects together and an answer that never begins', async () => {
  await using farSide = await startFarSide((req, res) => {
    if (req.url === '/never') return;
    setTimeout(() => res.writeHead(302, { location: '/again' }).end(), 150);
  });
  expect((await get(farSide.url, [farSide.host], { timeoutMs: 400 })).result).toEqual({ kind: 'TIMEOUT' });
  expect((await get(`${farSide.url}/never`, [farSide.host], { timeoutMs: 200 })).result).toEqual({ kind: 'TIMEOUT' });
});

test('an endless body is cut at the limit and its connection closed', async () => {
  await using farSide = await startFarSide((_req, res) => writeForever(res));
  const { result, bytes } = await get(farSide.url, [farSide.host], { maxBytes: 200_000 });
  expect(result).toEqual({ kind: 'TOO_LARGE' });
  expect(bytes.length).toBeLessThanOrEqual(200_000);
  await vi.waitFor(async () => expect(await farSide.connections()).toBe(0));
});

test('a body that is declared too large is not read; one of exactly the limit is kept', async () => {
  await using farSide = await startFarSide((req, res) => res.end(Buffer.alloc(Number(req.url?.slice(1)))));
  expect(await get(`${farSide.url}/1001`, [farSide.host], { maxBytes: 1000 })).toEqual({
    result: { kind: 'TOO_LARGE' },
    bytes: Buffer.alloc(0),
  });
  expect((await get(`${farSide.url}/1000`, [farSide.host], { maxBytes: 1000 })).result.kind).toBe('OK');
});

test('a gzip bomb is refused before it is read', async () => {
  const bomb = gzipSync(Buffer.alloc(50_000_000));
  const asked: unknown[] = [];
  await using farSide = await startFarSide((req, res) => {
    asked.push(req.headers['accept-encoding']);
    res.setHeader('content-encoding', 'gzip').end(bomb);
  });
  expect(await get(farSide.url, [farSide.host])).toEqual({
    result: { kind: 'UNREACHABLE', reason: 'a content-encoding that was not asked for' },
    bytes: Buffer.alloc(0),
  });
  expect(asked).toEqual(['identity']);
});

test('a body shorter than it was declared is not a whole one', async () => {
  await using farSide = await startFarSide((_req, res) => {
    res.writeHead(200, { 'content-length': 1000 });
    res.write('half', () => res.destroy());
  });
  expect((await get(farSide.url, [farSide.host])).result).toEqual({ kind: 'UNREACHABLE', reason: 'UND_ERR_SOCKET' });
});

test('100 kB of headers are not read', async () => {
  await using farSide = await startFarSide((_req, res) => res.setHeader('x-long', 'x'.repeat(100_000)).end('ok'));
  expect((await get(farSide.url, [farSide.host])).result).toEqual({
    kind: 'UNREACHABLE',
    reason: 'UND_ERR_HEADERS_OVERFLOW',
  });
});

test('a port where nobody listens, and a name that does not exist, are UNREACHABLE', async () => {
  const farSide = await startFarSide(() => {});
  await farSide[Symbol.asyncDispose]();
  expect((await get(farSide.url, [farSide.host])).result).toEqual({ kind: 'UNREACHABLE', reason: 'ECONNREFUSED' });
  expect((await get('http://nowhere.invalid/', [])).result.kind).toBe('UNREACHABLE');
});

test('a proxy in the environment is not used', async () => {
  await using proxy = await startFarSide((_req, res) => res.end('from the proxy'));
  await using farSide = await startFarSide((_req, res) => res.end('direct'));
  for (const name of ['HTTP_PROXY', 'http_proxy', 'ALL_PROXY', 'all_proxy']) vi.stubEnv(name, proxy.url);
  vi.stubEnv('NO_PROXY', '');
  await fetch.stop();
  fetch = createGuardedFetch({ allowedHosts: [farSide.host] });
  expect((await get(farSide.url, [])).bytes.toString()).toBe('direct');
  expect(proxy.seen).toEqual([]);
  vi.unstubAllEnvs();
});

test('what the sink throws is thrown, not put down to the far side', async () => {
  await using farSide = await startFarSide((_req, res) => writeForever(res));
  const full = new Error('disk full');
  const options = {
    maxBytes: 1e9,
    timeoutMs: 5_000,
    signal: new AbortController().signal,
    allowedHosts: [farSide.host],
  };
  await expect(fetch.download(farSide.url, options, { write: () => Promise.reject(full) })).rejects.toBe(full);
  await vi.waitFor(async () => expect(await farSide.connections()).toBe(0));
});

test("the caller's signal ends a download with the caller's reason", async () => {
  await using farSide = await startFarSide((_req, res) => res.write('begun'));
  const controller = new AbortController();
  const reason = new Error('the lease is lost');
  const running = get(farSide.url, [farSide.host], { signal: controller.signal });
  await vi.waitFor(() => expect(farSide.seen).toHaveLength(1));
  controller.abort(reason);
  await expect(running).rejects.toBe(reason);
  await expect(get(farSide.url, [farSide.host], { signal: controller.signal })).rejects.toBe(reason);
});

test('stop ends what is under way and closes every socket', async () => {
  await using farSide = await startFarSide((_req, res) => res.write('begun'));
  const running = get(farSide.url, [farSide.host]);
  const ended = expect(running).rejects.toThrow('The service is stopping.');
  await vi.waitFor(() => expect(farSide.seen).toHaveLength(1));
  await fetch.stop();
  await ended;
  await vi.waitFor(async () => expect(await farSide.connections()).toBe(0));
});

test('stop closes sockets that are idle between downloads', async () => {
  await using farSide = await startFarSide((_req, res) => res.end('ok'));
  await get(farSide.url, [farSide.host]);
  expect(await farSide.connections()).toBe(1);
  await fetch.stop();
  await vi.waitFor(async () => expect(await farSide.connections()).toBe(0));
});
