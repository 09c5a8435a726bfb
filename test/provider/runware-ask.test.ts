import { expect, test } from 'vitest';
import type { Finished, PollReport } from '../../src/generation/provider-report.ts';
import { askOne, KEY } from './adapters.ts';
import { readGolden } from './golden.ts';
import { createAt, failed, item, made, TASK } from './runware.ts';
import { findClosedUrl, json, startServer } from './server.ts';

const OTHER = '0b5b5f2e-7f0a-4a7e-9d55-0d7a5a3f1c11';
/** The `imageUUID` of the documented success. */
const IMAGE = 'b7db282d-2943-4f12-992f-77df3ad3ec71';
const { signal } = new AbortController();
const image = (at: string, seed: string | null = null, name: string | null = null) => {
  return { name, url: `https://im.runware.ai/image/${at}`, seed };
};
/** With the names of the images that are there already. */
const running = (percent: number | null, ...made: string[]): PollReport => {
  const there = made.length > 0 ? { images: made.map((name) => image(name)) } : {};
  return { kind: 'RUNNING', percent, etaSeconds: null, ...there };
};
const finished = (images: Finished['images'], amount: string | null = null): PollReport => ({
  kind: 'FINISHED',
  images,
  undelivered: [],
  credits: null,
  cost: amount === null ? null : { amount, currency: 'USD' },
});
const PENDING: PollReport = { kind: 'PENDING', etaSeconds: null };

test('many tasks are asked about in one request, and their answers share its exchange', async () => {
  const server = await startServer(json(200, { data: [made('1'), item({ taskUUID: OTHER, status: 'processing' })] }));
  const answers = await createAt(server.url).ask([OTHER, TASK], signal);
  expect(answers.map(({ report }) => report)).toEqual([running(null), finished([image('1')])]);
  expect(answers[0]?.exchange).toBe(answers[1]?.exchange);
  expect(server.received).toMatchObject([{ method: 'POST', path: '/v1', headers: { authorization: `Bearer ${KEY}` } }]);
  expect(server.received.map(({ body }) => JSON.parse(body))).toEqual([
    [OTHER, TASK].map((taskUUID) => ({ taskType: 'getResponse', taskUUID })),
  ]);
});

test.each<[string, unknown, PollReport]>([
  ['the official example, of which one is in the making', readGolden('runware-poll'), running(null)],
  ['a success as it is documented', { data: [golden()] }, finished([image('…', '123', IMAGE)], '0.0013')],
  ['the acknowledgment', readGolden('runware-acknowledged'), PENDING],
  ['pending, as it once was called', { data: [item({ status: 'pending' })] }, PENDING],
  ['progress', { data: [item({ status: 'processing', progress: 40 })] }, running(40)],
  [
    'progress beside an image that is made',
    { data: [made('1'), item({ status: 'processing', progress: 50 })] },
    running(75, '1'),
  ],
  ['one of several made', { data: [made('1'), item({ status: 'processing' })] }, running(null, '1')],
  [
    'one of several made, one failed',
    { data: [made('1'), item({ status: 'processing' })], errors: [failed('x')] },
    running(null, '1'),
  ],
  ['a word nobody documented', { data: [made('1'), item({ status: 'polishing' })] }, running(null, '1')],
  ['success before the image is there', { data: [made('1'), item({ status: 'success' })] }, running(null, '1')],
  ['an address that nobody can fetch', { data: [made('1', { imageURL: 'ftp://a.example/1' })] }, running(null)],
  [
    'several images, seeds and costs',
    { data: [made('1', { seed: 1, cost: 0.1 }), made('2', { seed: 2, cost: 0.2 })] },
    finished([image('1', '1'), image('2', '2')], '0.3'),
  ],
  [
    'a cost that is not told of each',
    { data: [made('1', { cost: 0.035 }), made('2')] },
    finished([image('1'), image('2')]),
  ],
  ['one image twice', { data: [made('1', { cost: 1 }), made('1', { cost: 1 })] }, finished([image('1')], '1')],
  [
    'a seed past what a number can tell',
    `{"data":[${JSON.stringify(made('1', { seed: 0 })).replace('0}', '9223372036854775807}')}]}`,
    finished([image('1')]),
  ],
  ['the name in capitals', { data: [made('1', { taskUUID: TASK.toUpperCase() })] }, finished([image('1')])],
  ['a task of somebody else', { data: [made('1'), made('2', { taskUUID: OTHER })] }, finished([image('1')])],
])('a poll may answer with %s', async (_, body, report) => {
  const server = await startServer(json(200, body));
  expect((await askOne(createAt(server.url), TASK)).report).toEqual(report);
});

test.each<[string, unknown]>([
  ['beside the data', { data: [made('1')], errors: [failed('inferenceError'), failed('imageBlocked')] }],
  [
    'among the data',
    {
      data: [
        made('1'),
        item({ status: 'error', error: { code: 'inferenceError', message: 'no' } }),
        item({ status: 'error', code: 'imageBlocked', message: 'no' }),
      ],
    },
  ],
])('an image that failed hides none that was made, and is told as not delivered: %s', async (_, body) => {
  const server = await startServer(json(200, body));
  expect((await askOne(createAt(server.url), TASK)).report).toMatchObject({
    kind: 'FINISHED',
    images: [image('1')],
    undelivered: [
      { code: 'PROVIDER_ERROR', billed: 'UNKNOWN', providerCode: 'inferenceError', providerMessage: 'no' },
      { code: 'MODERATED_OUTPUT', billed: 'UNKNOWN', providerCode: 'imageBlocked', providerMessage: 'no' },
    ],
  });
});

test.each<[string, string, boolean]>([
  ['timeoutProvider', 'PROVIDER_ERROR', true],
  ['providerRateLimitExceeded', 'PROVIDER_ERROR', true],
  ['inferenceRateLimitExceeded', 'PROVIDER_ERROR', true],
  ['somethingNew', 'PROVIDER_ERROR', true],
  ['invalidReferenceImage', 'PROVIDER_REJECTED', false],
  ['providerContentPolicyViolation', 'MODERATED_OUTPUT', false],
  ['taskCancelled', 'CANCELED', true],
])('a task whose only answer is the error %s is FAILED as %s, from either place', async (code, ours, retryable) => {
  for (const body of [{ errors: [failed(code)] }, { data: [item({ status: 'error', error: { code } })] }]) {
    const server = await startServer(json(200, body));
    const { report } = await askOne(createAt(server.url), TASK);
    expect(report).toMatchObject({ kind: 'FAILED', failure: { code: ours, retryable, billed: 'UNKNOWN' } });
  }
});

test('an error that comes with a refusing status is read all the same', async () => {
  const server = await startServer(json(400, { errors: [failed('timeoutProvider')] }));
  expect((await askOne(createAt(server.url), TASK)).report).toMatchObject({ kind: 'FAILED' });
});

test('that a task failed or is not known is MISSING', async () => {
  const server = await startServer(json(200, { errors: [failed('taskFailedOrNotFound')] }));
  expect((await askOne(createAt(server.url), TASK)).report).toMatchObject({
    kind: 'MISSING',
    failure: { code: 'PROVIDER_LOST' },
  });
});

test.each<[number, unknown, Record<string, string>, string, number | null]>([
  [200, '', {}, 'PROVIDER_ERROR', null],
  [200, {}, {}, 'PROVIDER_ERROR', null],
  [200, '[]', {}, 'PROVIDER_ERROR', null],
  [200, readGolden('runware-error'), {}, 'PROVIDER_REJECTED', 30_000],
  [200, { errors: [failed('rateLimitExceeded', { taskType: 'getResponse' })] }, {}, 'RATE_LIMITED', null],
  [200, { errors: [{ code: 'insufficientCredits' }] }, {}, 'PROVIDER_CREDITS_EXHAUSTED', 30_000],
  [200, { errors: [failed('conflictTaskUUID')] }, {}, 'PROVIDER_ERROR', null],
  [400, { errors: [failed('invalidTaskUUID', { taskType: 'getResponse' })] }, {}, 'PROVIDER_ERROR', null],
  [400, { data: [] }, {}, 'PROVIDER_ERROR', null],
  [401, readGolden('runware-error'), {}, 'PROVIDER_REJECTED', 30_000],
  [404, '<html>', {}, 'PROVIDER_UNREACHABLE', 30_000],
  [429, { errors: [failed('rateLimitExceeded')] }, { 'retry-after': '2' }, 'RATE_LIMITED', 2_000],
  [500, { data: [made('1')] }, {}, 'PROVIDER_ERROR', null],
  [503, { errors: [failed('providerError')] }, {}, 'PROVIDER_ERROR', null],
])(
  'HTTP %i with %j and %j is SILENT as %s, to be asked again after %s ms',
  async (status, body, headers, code, after) => {
    const server = await startServer(json(status, body, headers));
    const { report } = await askOne(createAt(server.url), TASK);
    expect(report).toMatchObject({ kind: 'SILENT', failure: { code, billed: 'UNKNOWN' }, retryAfterMs: after });
  },
);

test('no connection is SILENT', async () => {
  const { report } = await askOne(createAt(await findClosedUrl()), TASK);
  expect(report).toMatchObject({ kind: 'SILENT', failure: { code: 'PROVIDER_UNREACHABLE' } });
});

test('an answer with nothing about a task is PENDING, and never that it is missing', async () => {
  const server = await startServer(json(200, { data: [] }));
  expect((await askOne(createAt(server.url), TASK)).report).toEqual(PENDING);
});

test.each<[string, unknown, PollReport]>([
  ['images', { data: [made('1', { status: undefined, cost: 0.035 })] }, finished([image('1')], '0.035')],
  ['images, as a bare list', [made('1')], finished([image('1')])],
  ['the acknowledgment', { data: [item()] }, PENDING],
  ['an error, which may be that of a second sending', { errors: [failed('inferenceRateLimitExceeded')] }, PENDING],
  ['nothing readable', 7, PENDING],
])('of a task that polls know nothing of, the archive is asked: %s', async (_, response, report) => {
  const found = { taskType: 'getTaskDetails', taskUUID: TASK, request: [item()], response };
  const server = await startServer((answer, request) => {
    const isPoll = server.received.at(-1)?.body.includes('getResponse');
    json(200, { data: isPoll ? [made('2', { taskUUID: OTHER })] : [found] })(answer, request);
  });
  const answers = await createAt(server.url).ask([TASK, OTHER], signal);
  expect(answers.map((answer) => answer.report)).toEqual([report, finished([image('2')])]);
  expect(server.received.map(({ body }) => JSON.parse(body))).toEqual([
    [TASK, OTHER].map((taskUUID) => ({ taskType: 'getResponse', taskUUID })),
    [{ taskType: 'getTaskDetails', taskUUID: TASK }],
  ]);
});

test.each<[unknown, string | null]>([
  [{ data: [item({ status: 'processing' })] }, null],
  [{ data: [item({ status: 'polishing' })] }, 'unknown status "polishing"'],
  [{ data: [item({ status: 'success' })] }, 'success without a usable result URL'],
  ['<html>', 'the answer is not JSON'],
])('the record of %j says that it was odd: %s', async (body, error) => {
  const server = await startServer(json(200, body));
  expect((await askOne(createAt(server.url), TASK)).exchange.error).toBe(error);
});

function golden(): unknown {
  return JSON.parse(readGolden('runware-success'));
}
