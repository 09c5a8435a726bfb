import { expect, test } from 'vitest';
import type { PollReport } from '../../src/generation/provider-report.ts';
import { KEY } from './adapters.ts';
import { readGolden } from './golden.ts';
import { createSeedanceAt } from './seedance.ts';
import { findClosedUrl, json, startServer } from './server.ts';

const { signal } = new AbortController();
const running = (percent: number | null, etaSeconds: number | null = null) => ({
  kind: 'RUNNING',
  percent,
  etaSeconds,
});
const png = (id: string) => `https://cdn.seedance.it.com/generated/${id}.png`;
const finished = (url: string, credits: string | null): PollReport => ({
  kind: 'FINISHED',
  images: [{ url, seed: null }],
  credits,
});
const failed = { kind: 'FAILED', failure: { code: 'PROVIDER_ERROR', billed: 'UNKNOWN', retryable: true } };

test('a poll of one task is one GET of it, with the key, under the base URL', async () => {
  const server = await startServer(json(200, readGolden('seedance-processing')));
  await createSeedanceAt(`${server.url}/prefix`).ask(['img/one?x'], signal);
  expect(server.received).toMatchObject([
    { method: 'GET', path: '/prefix/v1/images/img%2Fone%3Fx', headers: { authorization: `Bearer ${KEY}` } },
  ]);
});

test.each<[string, unknown, object]>([
  ["seed 004's task under way", readGolden('seedance-processing'), running(65, 5)],
  ["seed 004's completed task", readGolden('seedance-completed'), finished(png('img_abc123def456'), '7')],
  ['progress whose percent is no round number', { status: 'processing', progress: 0.29 }, running(29)],
  ['progress past its end', { status: 'processing', progress: 65 }, running(100)],
  ['progress before its beginning', { status: 'processing', progress: -1 }, running(0)],
  ['no progress', { status: 'processing', progress: 'half' }, running(null)],
  ['a word nobody documented', { status: 'upscaling_v2', progress: 0.5 }, running(50)],
  [
    'the WebP alone',
    { status: 'completed', image_url: null, image_url_webp: 'https://a.example/1.webp' },
    finished('https://a.example/1.webp', null),
  ],
  ['completed without a picture', { status: 'completed', image_url: 'javascript:alert(1)' }, running(null)],
  [
    'a failure in words',
    { status: 'failed', error: 'out of paint' },
    { ...failed, failure: { ...failed.failure, providerMessage: 'out of paint' } },
  ],
  [
    'a failure as an object',
    { status: 'failed', error: { code: 'generation_failed', message: 'no' } },
    { ...failed, failure: { ...failed.failure, providerCode: 'generation_failed', providerMessage: 'no' } },
  ],
  ['a failure without a reason', { status: 'FAILED' }, failed],
  [
    'a blocked picture',
    { status: 'failed', error: { code: 'content_policy' } },
    { kind: 'FAILED', failure: { code: 'MODERATED_OUTPUT', billed: 'UNKNOWN', retryable: false } },
  ],
])('a poll may answer with %s', async (_, body, report) => {
  const server = await startServer(json(200, body));
  const [answer] = await createSeedanceAt(server.url).ask(['img_1'], signal);
  expect(answer?.report).toMatchObject(report);
});

test("seed 004's batch is asked about once, and answers for each of its tasks", async () => {
  const server = await startServer(json(200, readGolden('seedance-batch-completed')));
  const provider = createSeedanceAt(server.url);
  const ids = [2, 0, 1].map((place) => `batch_xyz789#${place}`);
  const answers = await provider.ask(ids, signal);
  expect(server.received.map(({ path }) => path)).toEqual(['/v1/images/batch/batch_xyz789']);
  expect(answers.map(({ report }) => report)).toEqual(
    ['img_003', 'img_001', 'img_002'].map((id) => finished(png(id), null)),
  );
  expect(new Set(answers.map(({ exchange }) => exchange)).size).toBe(1);
  expect([...ids, 'img_1'].map(provider.together)).toEqual([...Array(3).fill('batch_xyz789'), null]);
});

test('batches and single tasks are asked about together, each batch once, and answered in order', async () => {
  const server = await startServer((response, request) => {
    const isBatch = request.url?.includes('/batch/');
    const result = { status: 'processing', progress: isBatch ? 0.2 : 0.1 };
    json(200, isBatch ? { status: 'processing', results: [{ index: 1, ...result }] } : result)(response, request);
  });
  const answers = await createSeedanceAt(server.url).ask(['b1#1', 'img_1', 'b2#1', 'b1#0', 'img_2'], signal);
  expect(server.received.map(({ path }) => path).sort()).toEqual([
    '/v1/images/batch/b1',
    '/v1/images/batch/b2',
    '/v1/images/img_1',
    '/v1/images/img_2',
  ]);
  expect(answers.map(({ report }) => report)).toEqual([20, 10, 20, null, 10].map((percent) => running(percent)));
});

test.each<[string, unknown, object, string | null]>([
  ['no results yet', { status: 'processing' }, running(null), null],
  ['results of others', { status: 'processing', results: [{ index: 1, status: 'completed' }] }, running(null), null],
  ['one that failed', { status: 'completed', results: [{ index: 0, status: 'failed', error: 'no' }] }, failed, null],
  [
    'its end without this task',
    { status: 'completed', results: [null, {}] },
    running(null),
    'completed without a result for this task',
  ],
  ['a failure of all', { status: 'failed', error: 'timeout' }, failed, null],
  ['a word nobody documented', { status: 'partial', results: [] }, running(null), null],
  ['no status, but a result', { results: [{ index: 0, status: 'processing', progress: 0.5 }] }, running(50), null],
  ['no status', { results: [] }, { kind: 'SILENT' }, 'the answer states no status'],
])('a poll of a batch may answer with %s', async (_, body, report, oddity) => {
  const server = await startServer(json(200, body));
  const [answer] = await createSeedanceAt(server.url).ask(['batch_1#0'], signal);
  expect(answer?.report).toMatchObject(report);
  expect(answer?.exchange.error).toBe(oddity);
});

test.each<[number, unknown, Record<string, string>, object]>([
  [
    404,
    { error: { code: 'not_found' } },
    {},
    { kind: 'MISSING', failure: { code: 'PROVIDER_LOST', billed: 'UNKNOWN' } },
  ],
  [404, '<html>', {}, { kind: 'SILENT' }],
  [401, { error: { code: 'invalid_api_key' } }, {}, { kind: 'SILENT', failure: { code: 'PROVIDER_REJECTED' } }],
  [
    429,
    { error: { code: 'rate_limited' } },
    { 'retry-after': '3' },
    { kind: 'SILENT', failure: { code: 'RATE_LIMITED' }, retryAfterMs: 3_000 },
  ],
  [500, { status: 'failed' }, {}, { kind: 'SILENT', failure: { code: 'PROVIDER_ERROR' } }],
  [200, [], {}, { kind: 'SILENT' }],
])('HTTP %i with %j and %j is %j, of a task as of a batch', async (status, body, headers, report) => {
  const server = await startServer(json(status, body, headers));
  const answers = await createSeedanceAt(server.url).ask(['img_1', 'batch_1#0'], signal);
  expect(answers).toMatchObject([{ report }, { report }]);
});

test('no connection is SILENT for all', async () => {
  const answers = await createSeedanceAt(await findClosedUrl()).ask(['b#0', 'b#1', 'img_1'], signal);
  expect(answers).toMatchObject(
    Array(3).fill({ report: { kind: 'SILENT', failure: { code: 'PROVIDER_UNREACHABLE' } } }),
  );
});
