import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { readGolden } from './golden.ts';
import { askAt, createProvider, submitTo } from './gptimage2.ts';
import { findClosedUrl, json, startServer, startSocketServer } from './server.ts';

const accepted = readGolden('gptimage2-submit-response');
const completed = readGolden('gptimage2-completed');
const notNow = { kind: 'NOT_NOW', failure: { code: 'PROVIDER_UNREACHABLE', billed: 'NO' }, retryAfterMs: null };
const ambiguous = { kind: 'AMBIGUOUS', failure: { code: 'OUTCOME_UNKNOWN', billed: 'UNKNOWN' } };

test('each submission is one request on a connection of its own', async () => {
  const server = await startServer(json(200, accepted, { connection: 'keep-alive' }));
  const provider = createProvider(server.url);
  for (let i = 0; i < 3; i += 1) await provider.submit({}, new AbortController().signal);
  expect([server.connections, server.received.length]).toEqual([3, 3]);
});

test('polls reuse their connections', async () => {
  const server = await startServer(json(200, completed));
  const provider = createProvider(server.url);
  for (let i = 0; i < 20; i += 1) await provider.ask(['a'], new AbortController().signal);
  expect(server.received.length).toBe(20);
  // undici opens a second one while it still tidies up the first.
  expect(server.connections).toBeLessThanOrEqual(2);
});

test('a refused connection sent nothing', async () => {
  const { report, exchange } = await submitTo(await findClosedUrl());
  expect(report).toMatchObject(notNow);
  expect(exchange).toMatchObject({ status: null, responseBody: null, error: expect.stringContaining('ECONNREFUSED') });
});

test('a host name that does not exist sent nothing', async () => {
  const { report } = await submitTo('http://nowhere.invalid');
  expect(report).toMatchObject(notNow);
});

test('a connection reset during the TLS handshake sent nothing', async () => {
  const server = await startSocketServer((socket) => socket.once('data', () => socket.resetAndDestroy()));
  const { report } = await submitTo(server.url.replace('http:', 'https:'));
  expect(report).toMatchObject(notNow);
});

test('a server that speaks no TLS was sent nothing', async () => {
  const server = await startServer(json(200, accepted));
  const { report } = await submitTo(server.url.replace('http:', 'https:'));
  expect(report).toMatchObject(notNow);
  expect(server.received).toEqual([]);
});

test('a deadline that passes while still connecting sent nothing, and leaves no connection behind', async () => {
  let onClosed = () => {};
  const closed = new Promise<void>((resolve) => {
    onClosed = resolve;
  });
  const server = await startSocketServer((socket) => socket.on('close', onClosed).resume());
  const { report, exchange } = await submitTo(server.url.replace('http:', 'https:'), { submitTimeoutMs: 150 });
  expect(report).toMatchObject(notNow);
  expect(exchange.error).toBe('no complete answer within 150 ms');
  await closed;
}, 3_000);

test('a key that no header can carry sent nothing', async () => {
  const server = await startServer(json(200, accepted));
  const { report } = await submitTo(server.url, { apiKey: 'two\nlines' });
  expect(report).toMatchObject(notNow);
  expect(server.connections).toBe(0);
});

test('a submission aborted before it began sent nothing', async () => {
  const server = await startServer(json(200, accepted));
  const { report } = await createProvider(server.url).submit({}, AbortSignal.abort());
  expect(report).toMatchObject(notNow);
  expect(server.connections).toBe(0);
});

test('a submission aborted after it was sent is ambiguous', async () => {
  const stop = new AbortController();
  const server = await startServer(() => stop.abort());
  const { report } = await createProvider(server.url).submit({}, stop.signal);
  expect(report).toMatchObject(ambiguous);
});

test('a poll aborted while still connecting ends at once', async () => {
  const server = await startSocketServer(() => {});
  const stop = new AbortController();
  setTimeout(() => stop.abort(), 50);
  const answers = await createProvider(server.url.replace('http:', 'https:')).ask(['a', 'b'], stop.signal);
  expect(answers).toMatchObject(
    ['a', 'b'].map(() => ({ report: { kind: 'SILENT' }, exchange: { error: 'stopped by this service' } })),
  );
});

test('what was aborted while connecting is not sent once the connection stands', async () => {
  const server = await startServer(json(200, completed));
  const provider = createProvider(server.url);
  const stop = new AbortController();
  const poll = provider.ask(['aborted'], stop.signal);
  const submission = provider.submit({}, stop.signal);
  stop.abort();
  await Promise.all([poll, submission]);
  await provider.ask(['later'], new AbortController().signal);
  expect(server.received.map(({ path }) => path)).toEqual(['/v1/tasks/later']);
});

test('an interim answer is no answer', async () => {
  const server = await startSocketServer((socket) =>
    socket.once('data', () => socket.end('HTTP/1.1 102 Processing\r\n\r\n')),
  );
  const { report, exchange } = await submitTo(server.url);
  expect(report).toMatchObject(ambiguous);
  expect(exchange.status).toBe(null);
});

test('a connection reset after the request arrived is ambiguous, and the request is not sent again', async () => {
  const server = await startServer((response) => response.socket?.resetAndDestroy());
  const { report } = await submitTo(server.url);
  expect(report).toMatchObject(ambiguous);
  expect([server.connections, server.received.length]).toEqual([1, 1]);
});

test('a connection closed as soon as it is made is ambiguous, and is not made again', async () => {
  let connections = 0;
  const server = await startSocketServer((socket) => {
    connections += 1;
    socket.destroy();
  });
  const { report } = await submitTo(server.url);
  expect(report).toMatchObject(ambiguous);
  expect(connections).toBe(1);
});

test('a server that never answers is given up at the deadline, as ambiguous', async () => {
  const server = await startServer(() => {});
  const { report, exchange } = await submitTo(server.url, { submitTimeoutMs: 200 });
  expect(report).toMatchObject(ambiguous);
  expect(exchange.durationMs).toBeGreaterThanOrEqual(190);
  expect(exchange.durationMs).toBeLessThan(1_500);
});

test('a body that drips is given up at the same deadline', async () => {
  const server = await startServer((response) => {
    response.writeHead(200);
    const drip = setInterval(() => response.write(' '), 20);
    response.on('close', () => clearInterval(drip));
  });
  const { report, exchange } = await submitTo(server.url, { submitTimeoutMs: 200 });
  expect(report).toMatchObject(ambiguous);
  expect(exchange).toMatchObject({ status: 200, error: 'no complete answer within 200 ms' });
  expect(exchange.durationMs).toBeLessThan(1_500);
});

test('an answer cut off in its body is ambiguous, even when its status was a refusal', async () => {
  const server = await startServer((response) => {
    response.writeHead(400, { 'content-length': '100' }).write('{"error":');
    setTimeout(() => response.destroy(), 20);
  });
  const { report } = await submitTo(server.url);
  expect(report).toMatchObject(ambiguous);
});

test('a huge body is not read to its end, and its status still counts', async () => {
  const huge = JSON.stringify({ id: 'a', status: 'completed', results: ['x'.repeat(10_000_000)] });
  const success = await startServer(json(200, huge));
  const refusal = await startServer(json(400, huge));
  const submitted = await submitTo(success.url);
  expect(submitted.report).toMatchObject(ambiguous);
  expect(submitted.exchange.error).toBe('the answer is longer than 4194304 bytes');
  expect((await submitTo(refusal.url)).report.kind).toBe('REFUSED');
  expect((await askAt(success.url)).report.kind).toBe('SILENT');
  expect(JSON.stringify(submitted.exchange).length).toBeLessThan(20_000);
});

test('a compressed answer is not inflated', async () => {
  const bomb = gzipSync(Buffer.alloc(50_000_000, ' '));
  const server = await startServer((response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb));
  const { report } = await submitTo(server.url);
  expect(report).toMatchObject(ambiguous);
});

test('headers past 16 kB break the call', async () => {
  const server = await startServer(json(200, accepted, { 'x-long': 'x'.repeat(100_000) }));
  const { report, exchange } = await submitTo(server.url);
  expect(report).toMatchObject(ambiguous);
  expect(exchange.error).toContain('UND_ERR_HEADERS_OVERFLOW');
});

test.each([301, 302, 303, 307, 308])('a redirect by HTTP %i is not followed', async (status) => {
  const target = await startServer(json(200, accepted));
  const server = await startServer(json(status, '', { location: target.url }));
  const submitted = await submitTo(server.url);
  const asked = await askAt(server.url);
  expect([submitted.report.kind, asked.report.kind]).toEqual([
    [302, 303].includes(status) ? 'AMBIGUOUS' : 'NOT_NOW',
    'SILENT',
  ]);
  expect(target.connections).toBe(0);
});
