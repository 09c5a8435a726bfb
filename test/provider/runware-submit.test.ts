import { expect, test } from 'vitest';
import { KEY, order } from './adapters.ts';
import { readGolden } from './golden.ts';
import { createRequest } from './gptimage2.ts';
import { createAt, failed, item, made, SENDING_TASK, TASK } from './runware.ts';
import { findClosedUrl, json, startServer } from './server.ts';

const ACCEPTED = { kind: 'ACCEPTED', providerTaskId: TASK, credits: null, etaSeconds: null };
const errors = (...list: unknown[]) => ({ errors: list });

test('what is sent is the array of its one task, to the one address, with the key', async () => {
  const server = await startServer(json(200, readGolden('runware-acknowledged')));
  const { report, exchange } = await order(createAt(`${server.url}/prefix/`), { images: 2 }, SENDING_TASK);
  const { tasks } = createAt(server.url).compose(createRequest({ images: 2 }), SENDING_TASK);
  expect(report).toEqual(ACCEPTED);
  expect(server.received).toMatchObject([
    { method: 'POST', path: '/prefix/v1', headers: { authorization: `Bearer ${KEY}`, connection: 'close' } },
  ]);
  expect(server.received.map(({ body }) => JSON.parse(body))).toEqual([tasks]);
  expect(exchange).toMatchObject({ status: 200, requestBody: tasks, error: null });
});

test.each<[string, number, unknown]>([
  ['its acknowledgment', 200, { data: [item()] }],
  ['its own result', 200, { data: [made('1')] }],
  ['an acknowledgment beside an error', 200, { data: [item()], ...errors(failed('providerError')) }],
  ['the refusal of a second one of that name', 400, errors(failed('conflictTaskUUID'))],
  ['that refusal with another status', 200, errors(failed('conflictTaskUUID'))],
])('a submission is accepted by %s', async (_, status, body) => {
  const server = await startServer(json(status, body));
  expect((await order(createAt(server.url), {}, SENDING_TASK)).report).toEqual(ACCEPTED);
});

test.each<[number, unknown, string]>([
  [400, errors(failed('invalidPositivePrompt')), 'PROVIDER_REJECTED'],
  [200, errors(failed('missingWidth')), 'PROVIDER_REJECTED'],
  [400, errors(failed('unsupportedDimensions')), 'PROVIDER_REJECTED'],
  [400, errors(failed('invalidProviderSettings')), 'PROVIDER_REJECTED'],
  [400, errors(failed('conflictWidthHeight')), 'PROVIDER_REJECTED'],
  [200, { data: [item({ status: 'error', error: { code: 'valueTooLong', message: 'no' } })] }, 'PROVIDER_REJECTED'],
  [400, errors(failed('somethingNew')), 'PROVIDER_REJECTED'],
  [400, errors(failed('contentPolicyViolation')), 'MODERATED_PROMPT'],
  [403, errors(failed('promptBlocked')), 'MODERATED_PROMPT'],
  [200, errors(failed('nsfwContentDetected')), 'MODERATED_PROMPT'],
])('HTTP %i with %j is REFUSED as %s and bills nothing', async (status, body, code) => {
  const server = await startServer(json(status, body));
  const { report } = await order(createAt(server.url), {}, SENDING_TASK);
  expect(report).toMatchObject({ kind: 'REFUSED', failure: { code, billed: 'NO', retryable: false } });
});

test.each<[number, unknown, Record<string, string>, string, number | null]>([
  [401, readGolden('runware-error'), {}, 'PROVIDER_REJECTED', 30_000],
  [200, readGolden('runware-error'), {}, 'PROVIDER_REJECTED', 30_000],
  [400, errors(failed('missingApiKey')), {}, 'PROVIDER_REJECTED', 30_000],
  [404, '<html>', {}, 'PROVIDER_UNREACHABLE', 30_000],
  [402, '', {}, 'PROVIDER_CREDITS_EXHAUSTED', 30_000],
  [400, errors(failed('insufficientCredits')), {}, 'PROVIDER_CREDITS_EXHAUSTED', 30_000],
  [200, errors(failed('quotaExceeded')), {}, 'PROVIDER_CREDITS_EXHAUSTED', 30_000],
  [429, errors(failed('rateLimitExceeded')), { 'retry-after': '3' }, 'RATE_LIMITED', 3_000],
  [400, errors(failed('inferenceRateLimitExceeded', { message: 'retry in 7 seconds' })), {}, 'RATE_LIMITED', 7_000],
])(
  'HTTP %i with %j and %j is NOT_NOW as %s, to be tried again after %s ms',
  async (status, body, headers, code, after) => {
    const server = await startServer(json(status, body, headers));
    const { report } = await order(createAt(server.url), {}, SENDING_TASK);
    expect(report).toMatchObject({
      kind: 'NOT_NOW',
      failure: { code, billed: 'NO', retryable: true },
      retryAfterMs: after,
    });
  },
);

test('without a connection nothing was sent', async () => {
  const { report } = await order(createAt(await findClosedUrl()), {}, SENDING_TASK);
  expect(report).toMatchObject({ kind: 'NOT_NOW', failure: { code: 'PROVIDER_UNREACHABLE', billed: 'NO' } });
});

test.each<[number, unknown]>([
  [200, ''],
  [200, '{"data":'],
  [200, {}],
  [200, { data: [] }],
  [200, { data: [item({ taskUUID: '00000000-0000-4000-8000-000000000000' })] }],
  [200, { data: [{ taskType: 'imageInference' }] }],
  [200, errors(failed('somethingNew'))],
  [200, errors(failed('timeoutProvider'))],
  [400, errors(failed('providerError'))],
  [400, errors(failed('taskFailedOrNotFound'))],
  [408, errors(failed('invalidPositivePrompt'))],
  [409, errors(failed('conflictOfSomeKind'))],
  [500, errors(failed('invalidPositivePrompt'))],
  [503, errors(failed('rateLimitExceeded'))],
  [500, { data: [item()] }],
])('HTTP %i with %j is AMBIGUOUS: it may have been accepted', async (status, body) => {
  const server = await startServer(json(status, body));
  const { report } = await order(createAt(server.url), {}, SENDING_TASK);
  expect(report).toMatchObject({ kind: 'AMBIGUOUS', failure: { code: 'OUTCOME_UNKNOWN', billed: 'UNKNOWN' } });
  expect(server.received.length).toBe(1);
});

test("a refusal carries the provider's own words", async () => {
  const server = await startServer(json(400, errors(failed('invalidTtl', { message: 'ttl must be 60 or more' }))));
  expect((await order(createAt(server.url), {}, SENDING_TASK)).report).toEqual({
    kind: 'REFUSED',
    failure: {
      code: 'PROVIDER_REJECTED',
      message: 'Runware refused the request.',
      billed: 'NO',
      retryable: false,
      providerCode: 'invalidTtl',
      providerMessage: 'ttl must be 60 or more',
    },
  });
});
