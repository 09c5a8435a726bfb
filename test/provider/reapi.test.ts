import { expect, test } from 'vitest';
import type { PollReport } from '../../src/generation/provider-report.ts';
import type { ProviderRequest } from '../../src/generation/provider-request.ts';
import { createReApi } from '../../src/provider/reapi/reapi.ts';
import { askOne, KEY, order, toOptions } from './adapters.ts';
import { readGolden } from './golden.ts';
import { createRequest, SENDING } from './gptimage2.ts';
import { findClosedUrl, json, startServer } from './server.ts';

const TASK = 'task_018f5a3a1b6e7d9f8c2b4d6e8f0a2c4e';
const RUNNING: PollReport = { kind: 'RUNNING', percent: null, etaSeconds: null };
const createAt = (url: string) => createReApi(toOptions(url));
const { compose, ...provider } = createAt('https://reapi.example');
const bare = { model: 'doubao-seedream-5-0-lite', prompt: 'a red kite' };
const references = [{ uri: 'https://a.example/1.png' }];
const error = (code: unknown, message = 'no') => ({ error: { code, message, request_id: 'req_1' } });

test("the request of seed 002 is composed as the seed's own body, but for its n of 1", () => {
  const { n, ...golden } = JSON.parse(readGolden('reapi-submit-request'));
  const request = createRequest({ prompt: golden.prompt, size: { aspectRatio: '16:9', resolution: 'R2K' }, images: n });
  expect(compose(request, SENDING)).toEqual(golden);
});

test.each<[string, Partial<ProviderRequest>, Record<string, unknown>]>([
  ['nothing but what was asked for', {}, {}],
  ['a ratio alone', { size: { aspectRatio: '21:9', resolution: null } }, { size: '21:9' }],
  ['a ratio with 3K', { size: { aspectRatio: '1:1', resolution: 'R3K' } }, { size: '1:1', resolution: '3K' }],
  [
    'the ratio of the first reference',
    { size: { aspectRatio: 'auto', resolution: null }, references },
    { size: 'auto', image_urls: ['https://a.example/1.png'] },
  ],
  ['several images, which n alone promotes', { images: 4 }, { n: 4 }],
  ['a series', { images: 4, series: true }, { n: 4, ...JSON.parse(readGolden('reapi-sequential')) }],
  ['jpeg', { outputFormat: 'JPEG' }, { output_format: 'jpeg' }],
  ['png', { outputFormat: 'PNG' }, { output_format: 'png' }],
  ['a watermark', { watermark: true }, { watermark: true }],
  ['no watermark', { watermark: false }, { watermark: false }],
  [
    'no field that no source documents',
    { seed: 7, style: 'anime', colors: ['#fff'], thinking: 'DEEP', safety: 'OFF', outputQuality: 90 },
    {},
  ],
])('a body holds %s', (_, changes, added) => {
  expect(compose(createRequest(changes), SENDING)).toEqual({ ...bare, ...added });
});

test('what it does not offer is an error, not a silent default', () => {
  const sizes = [
    { width: 2048, height: 2048 },
    { aspectRatio: '1:1', resolution: 'R4K' },
    { aspectRatio: 'auto', resolution: null },
  ] as const;
  for (const size of sizes) expect(() => compose(createRequest({ size }), SENDING)).toThrow('reAPI');
  expect(() => compose(createRequest({ outputFormat: 'WEBP' }), SENDING)).toThrow('reAPI does not offer WEBP.');
});

test('only the sizes of auto need references, and only the documented pixels are named', () => {
  const sizes = provider.models[0]?.sizes ?? [];
  expect(sizes.length).toBe(27);
  expect(sizes.filter((size) => size.needsReferences).map((size) => size.aspectRatio)).toEqual(Array(3).fill('auto'));
  expect(
    sizes.flatMap(({ resolution, pixels }) => (pixels ? [[resolution, pixels.width, pixels.height]] : [])),
  ).toEqual([
    [null, 2048, 2048],
    ['R2K', 2048, 2048],
    ['R3K', 3072, 3072],
    [null, 2848, 1600],
    ['R2K', 2848, 1600],
    ['R3K', 4096, 2304],
  ]);
});

test("seed 002's answer is an acceptance, to one POST with the key", async () => {
  const server = await startServer(json(200, readGolden('reapi-submit-response')));
  const { report } = await order(createAt(`${server.url}/prefix`));
  expect(report).toEqual({ kind: 'ACCEPTED', providerTaskId: TASK, credits: null, etaSeconds: null });
  expect(server.received).toMatchObject([
    { method: 'POST', path: '/prefix/api/v1/images/generations', headers: { authorization: `Bearer ${KEY}` } },
  ]);
  expect(JSON.parse(server.received[0]?.body ?? '')).toEqual(bare);
});

test.each<[number, unknown, Record<string, string>, object]>([
  [200, { task_id: 'task_1' }, {}, { kind: 'ACCEPTED', providerTaskId: 'task_1' }],
  [
    400,
    readGolden('reapi-error'),
    {},
    {
      kind: 'REFUSED',
      failure: {
        code: 'PROVIDER_REJECTED',
        billed: 'NO',
        providerCode: '20002',
        providerMessage: 'Missing required parameter',
      },
    },
  ],
  [400, error(20001, 'blocked by content moderation'), {}, { kind: 'REFUSED', failure: { code: 'MODERATED_PROMPT' } }],
  [401, error(10003), {}, { kind: 'NOT_NOW', failure: { code: 'PROVIDER_REJECTED' }, retryAfterMs: 30_000 }],
  [402, error(30001), {}, { kind: 'NOT_NOW', failure: { code: 'PROVIDER_CREDITS_EXHAUSTED' }, retryAfterMs: 30_000 }],
  [429, error(4), { 'retry-after': '9' }, { kind: 'NOT_NOW', failure: { code: 'RATE_LIMITED' }, retryAfterMs: 9_000 }],
  [200, { id: '..' }, {}, { kind: 'AMBIGUOUS', failure: { code: 'OUTCOME_UNKNOWN', billed: 'UNKNOWN' } }],
  [200, error(20002), {}, { kind: 'AMBIGUOUS' }],
  [500, { id: 'task_1' }, {}, { kind: 'AMBIGUOUS' }],
])('a submission answered by HTTP %i with %j and %j is %j', async (status, body, headers, report) => {
  const server = await startServer(json(status, body, headers));
  expect((await order(createAt(server.url))).report).toMatchObject(report);
  expect(server.received.length).toBe(1);
});

test('a poll is one GET of the task', async () => {
  const server = await startServer(json(200, readGolden('reapi-completed')));
  await askOne(createAt(server.url), 'task/1');
  expect(server.received).toMatchObject([
    { method: 'GET', path: '/api/v1/tasks/task%2F1', headers: { authorization: `Bearer ${KEY}` }, body: '' },
  ]);
});

test.each<[string, number, unknown, object, string | null]>([
  [
    "seed 002's completed task",
    200,
    readGolden('reapi-completed'),
    { kind: 'FINISHED', images: [{ url: 'https://cdn.reapi.ai/...png', seed: null }], credits: null },
    null,
  ],
  ["seed 002's submission, read as a poll", 200, readGolden('reapi-submit-response'), RUNNING, null],
  ['a word nobody documented', 200, { status: 'polishing' }, RUNNING, 'unknown status "polishing"'],
  ['completed without any output', 200, { status: 'completed' }, RUNNING, 'completed without a usable result URL'],
  [
    'completed with nothing that can be fetched',
    200,
    { status: 'completed', output: { image_urls: [7, 'ftp://a.example/1', null] } },
    RUNNING,
    'completed without a usable result URL',
  ],
  ['404 in its own words', 404, error(40001), { kind: 'MISSING', failure: { code: 'PROVIDER_LOST' } }, null],
  ['404 of somebody else', 404, '<html>', { kind: 'SILENT' }, 'the answer is not JSON'],
  ['no status', 200, { id: TASK }, { kind: 'SILENT' }, 'the answer states no status'],
  ['401', 401, error(10004), { kind: 'SILENT', failure: { code: 'PROVIDER_REJECTED' } }, null],
  ['500', 500, { status: 'failed' }, { kind: 'SILENT', failure: { billed: 'UNKNOWN' } }, null],
])('a poll may answer with %s', async (_, status, body, report, oddity) => {
  const server = await startServer(json(status, body));
  const answer = await askOne(createAt(server.url), TASK);
  expect(answer.report).toMatchObject(report);
  expect(answer.exchange.error).toBe(oddity);
});

test.each<[unknown, string, boolean]>([
  [{ code: 50301, message: 'upstream' }, 'PROVIDER_ERROR', true],
  [{ code: 20007, message: 'unreadable reference' }, 'PROVIDER_REJECTED', false],
  [{ code: 1, message: 'Rejected by content policy' }, 'MODERATED_OUTPUT', false],
  [{ code: 'OutputImageSensitiveContentDetected' }, 'MODERATED_OUTPUT', false],
  ['bare words', 'PROVIDER_ERROR', true],
  [null, 'PROVIDER_ERROR', true],
])('a task failed with %j is FAILED as %s, and refunded', async (error, code, retryable) => {
  const server = await startServer(json(200, { status: 'failed', output: null, error }));
  const { report } = await askOne(createAt(server.url), TASK);
  expect(report).toMatchObject({ kind: 'FAILED', failure: { code, retryable, billed: 'NO' } });
});

test('without a connection nothing was sent, and a poll says nothing', async () => {
  const closed = createAt(await findClosedUrl());
  expect((await order(closed)).report).toMatchObject({ kind: 'NOT_NOW', failure: { billed: 'NO' } });
  expect((await askOne(closed, TASK)).report).toMatchObject({ kind: 'SILENT' });
});

test('a lost answer cannot be made good, and nobody calls back', () => {
  expect([provider.recover, provider.callback, provider.batch, provider.account]).toEqual([null, null, null, null]);
});
