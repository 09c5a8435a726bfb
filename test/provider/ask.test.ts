import { expect, test } from 'vitest';
import type { PollReport } from '../../src/generation/provider-report.ts';
import { readGolden } from './golden.ts';
import { askAt, KEY, TASK } from './gptimage2.ts';
import { findClosedUrl, json, startServer } from './server.ts';

const running = (percent: number | null): PollReport => ({ kind: 'RUNNING', percent, etaSeconds: null });
const finished = (...urls: string[]): PollReport => ({
  kind: 'FINISHED',
  images: urls.map((url) => ({ url, seed: null })),
  credits: null,
});

test('a poll is one GET of the task, with the key, under the base URL', async () => {
  const server = await startServer(json(200, readGolden('gptimage2-completed')));
  await askAt(`${server.url}/prefix`, 'task/one?x');
  expect(server.received).toMatchObject([
    { method: 'GET', path: '/prefix/v1/tasks/task%2Fone%3Fx', headers: { authorization: `Bearer ${KEY}` }, body: '' },
  ]);
});

test.each<[string, unknown, PollReport]>([
  ["seed 000's completed task", readGolden('gptimage2-completed'), finished('http://example.com/image.jpg')],
  ['the submission, read as a poll', readGolden('gptimage2-submit-response'), { kind: 'PENDING', etaSeconds: null }],
  ['processing', { status: 'processing', progress: 40 }, running(40)],
  ['processing without progress', { status: 'processing' }, running(null)],
  ['a small progress, which is percent all the same', { status: 'processing', progress: 0.65 }, running(0.65)],
  ['progress past its end', { status: 'processing', progress: 180 }, running(100)],
  ['progress before its beginning', { status: 'processing', progress: -1 }, running(0)],
  ['progress past all numbers', '{"status":"processing","progress":1e999}', running(null)],
  ['progress in words', { status: 'processing', progress: 'half' }, running(null)],
  [
    'several results',
    { status: 'completed', results: ['https://a.example/1', 'https://a.example/2'] },
    finished('https://a.example/1', 'https://a.example/2'),
  ],
  [
    'results of which some are unusable',
    { status: 'completed', results: [null, 'ftp://a.example/1', 'https://a.example/2', 'javascript:alert(1)', {}] },
    finished('https://a.example/2'),
  ],
  [
    'results in result_data',
    { status: 'completed', result_data: [{ result_id: 'x', image_url: 'https://a.example/1' }, {}] },
    finished('https://a.example/1'),
  ],
  ['completed without any result', { status: 'completed', progress: 100, results: [] }, running(null)],
  ['a word nobody documented', { status: 'polishing', progress: 12 }, running(12)],
])('a poll may answer with %s', async (_, body, report) => {
  const server = await startServer(json(200, body));
  expect((await askAt(server.url)).report).toEqual(report);
});

test.each<[unknown, string | null]>([
  [{ status: 'processing' }, null],
  [{ status: 'polishing' }, 'unknown status "polishing"'],
  [{ status: 'completed', results: [] }, 'completed without a usable result URL'],
  [{ id: TASK }, 'the answer states no status'],
  ['<html>', 'the answer is not JSON'],
])('the record of %j says that it was odd: %s', async (body, error) => {
  const server = await startServer(json(200, body));
  expect((await askAt(server.url)).exchange.error).toBe(error);
});

test.each<[unknown, string, boolean]>([
  [{ code: 'content_policy_violation' }, 'MODERATED_OUTPUT', false],
  [{ code: 'request_cancelled' }, 'CANCELED', true],
  [{ code: 'invalid_parameters' }, 'PROVIDER_REJECTED', false],
  [{ code: 'image_dimension_mismatch' }, 'PROVIDER_REJECTED', false],
  [{ code: 'image_processing_error' }, 'PROVIDER_REJECTED', false],
  [{ code: 'resource_not_found' }, 'PROVIDER_ERROR', false],
  [{ code: 'model_unavailable' }, 'PROVIDER_ERROR', false],
  [{ code: 'generation_timeout' }, 'PROVIDER_ERROR', true],
  [{ code: 'quota_exceeded' }, 'PROVIDER_ERROR', true],
  [{ code: 'resource_exhausted' }, 'PROVIDER_ERROR', true],
  [{ code: 'generation_failed_no_content' }, 'PROVIDER_ERROR', true],
  [{ code: 'service_error' }, 'PROVIDER_ERROR', true],
  [{ code: 'service_unavailable' }, 'PROVIDER_ERROR', true],
  [{ code: 'upstream_error' }, 'PROVIDER_ERROR', true],
  [{ code: 'rate_limited' }, 'PROVIDER_ERROR', true],
  [{ code: 'unknown_error' }, 'PROVIDER_ERROR', true],
  [{ code: 500, message: 'x' }, 'PROVIDER_ERROR', true],
  [{ code: 'toString' }, 'PROVIDER_ERROR', true],
  ['bare words', 'PROVIDER_ERROR', true],
  [undefined, 'PROVIDER_ERROR', true],
])('a task failed with %j is FAILED as %s', async (error, code, retryable) => {
  const server = await startServer(json(200, { status: 'failed', progress: 0, error }));
  const { report } = await askAt(server.url);
  expect(report).toMatchObject({ kind: 'FAILED', failure: { code, retryable, billed: 'UNKNOWN' } });
});

test("a failed task carries the provider's own words", async () => {
  const server = await startServer(json(200, readGolden('gptimage2-failed')));
  expect((await askAt(server.url)).report).toEqual({
    kind: 'FAILED',
    failure: {
      code: 'MODERATED_OUTPUT',
      message: 'GPTImage2 blocked this for its content.',
      billed: 'UNKNOWN',
      retryable: false,
      providerCode: 'content_policy_violation',
      providerMessage: 'Content policy violation.\nYour request was blocked by safety filters...',
    },
  });
});

test.each(['cancelled', 'canceled', 'CANCELLED'])('the status %s is a failure by cancellation', async (status) => {
  const server = await startServer(json(200, { status }));
  expect((await askAt(server.url)).report).toMatchObject({ kind: 'FAILED', failure: { code: 'CANCELED' } });
});

test.each<[number, unknown]>([
  [404, { error: { code: 404, message: 'Task not found or expired' } }],
  [400, { error: { code: 'invalid_task_id', type: 'invalid_request_error', param: 'task_id' } }],
])('HTTP %i with %j is MISSING', async (status, body) => {
  const server = await startServer(json(status, body));
  const { report } = await askAt(server.url);
  expect(report).toMatchObject({ kind: 'MISSING', failure: { code: 'PROVIDER_LOST', billed: 'UNKNOWN' } });
});

test.each<[number, unknown, Record<string, string>, string, number | null]>([
  [200, '', {}, 'PROVIDER_ERROR', null],
  [200, '[]', {}, 'PROVIDER_ERROR', null],
  [200, '{"status":"processing","progress":NaN}', {}, 'PROVIDER_ERROR', null],
  [200, { status: 7 }, {}, 'PROVIDER_ERROR', null],
  [400, { error: { code: 400 } }, {}, 'PROVIDER_ERROR', null],
  [401, { error: { code: 401 } }, {}, 'PROVIDER_REJECTED', 30_000],
  [402, { error: { code: 402 } }, {}, 'PROVIDER_CREDITS_EXHAUSTED', 30_000],
  [403, { error: { code: 403 } }, {}, 'PROVIDER_REJECTED', 30_000],
  [404, '<html>', {}, 'PROVIDER_UNREACHABLE', 30_000],
  [408, '', {}, 'PROVIDER_ERROR', null],
  [429, { error: { code: 429 } }, { 'retry-after': '3' }, 'RATE_LIMITED', 3_000],
  [500, { status: 'failed' }, {}, 'PROVIDER_ERROR', null],
  [500, { status: 'completed', results: ['https://a.example/1'] }, {}, 'PROVIDER_ERROR', null],
  [502, '<html>', {}, 'PROVIDER_ERROR', null],
  [503, { error: { code: 503, fallback_suggestion: 'retry after 30 seconds' } }, {}, 'PROVIDER_ERROR', 30_000],
])(
  'HTTP %i with %j and %j is SILENT as %s, to be asked again after %s ms',
  async (status, body, headers, code, after) => {
    const server = await startServer(json(status, body, headers));
    const { report } = await askAt(server.url);
    expect(report).toMatchObject({ kind: 'SILENT', failure: { code, billed: 'UNKNOWN' }, retryAfterMs: after });
  },
);

test('no connection, and a connection that breaks, are SILENT', async () => {
  const server = await startServer((response) => response.destroy());
  const silent = { kind: 'SILENT', failure: { code: 'PROVIDER_UNREACHABLE', billed: 'UNKNOWN' }, retryAfterMs: null };
  expect((await askAt(server.url)).report).toMatchObject(silent);
  expect((await askAt(await findClosedUrl())).report).toMatchObject(silent);
});

test('a byte order mark before the JSON changes nothing', async () => {
  const server = await startServer(json(200, `\uFEFF${readGolden('gptimage2-completed')}`));
  expect((await askAt(server.url)).report.kind).toBe('FINISHED');
});
