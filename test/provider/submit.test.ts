import { expect, test } from 'vitest';
import { readGolden } from './golden.ts';
import { createProvider, createRequest, KEY, SENDING, submitTo, TASK } from './gptimage2.ts';
import { json, startServer } from './server.ts';

const error = (code: unknown, message = 'no') => ({ error: { code, message, type: 'some_error' } });
const inTwoMinutes = { 'retry-after': 'Wed, 21 Oct 2026 07:30:00 GMT', date: 'Wed, 21 Oct 2026 07:29:10 GMT' };

test("seed 000's answer is an acceptance with its id, credits and estimate", async () => {
  const server = await startServer(json(200, readGolden('gptimage2-submit-response')));
  const { report, exchange } = await submitTo(server.url);
  expect(report).toEqual({ kind: 'ACCEPTED', providerTaskId: TASK, credits: '3', etaSeconds: 45 });
  expect(exchange).toMatchObject({ method: 'POST', status: 200, error: null, responseBody: { id: TASK } });
});

test('the composed body goes to the documented path under the base URL, with the key', async () => {
  const server = await startServer(json(200, readGolden('gptimage2-submit-response')));
  const provider = createProvider(`${server.url}/prefix/`);
  const body = provider.compose(createRequest({ images: 2 }), SENDING);
  await provider.submit(body, new AbortController().signal);
  expect(server.received).toMatchObject([
    {
      method: 'POST',
      path: '/prefix/v1/images/generations',
      headers: {
        authorization: `Bearer ${KEY}`,
        'content-type': 'application/json',
        'accept-encoding': 'identity',
        connection: 'close',
      },
    },
  ]);
  expect(server.received.map(({ body }) => JSON.parse(body))).toEqual([body]);
});

test.each<[string, unknown, string | null, number | null]>([
  ['fractional credits', { id: 'a', usage: { credits_reserved: 0.35 }, task_info: { estimated_time: 1.2 } }, '0.35', 2],
  ['credits as a string', { id: 'a', usage: { credits_reserved: '4.50' } }, '4.50', null],
  [
    'credits past any sense',
    { id: 'a', usage: { credits_reserved: 1e300 }, task_info: { estimated_time: -1 } },
    null,
    null,
  ],
  ['neither', { id: 'a', usage: null, task_info: 'soon' }, null, null],
])('an acceptance may come with %s', async (_, body, credits, etaSeconds) => {
  const server = await startServer(json(201, body));
  const { report } = await submitTo(server.url);
  expect(report).toEqual({ kind: 'ACCEPTED', providerTaskId: 'a', credits, etaSeconds });
});

test.each<[number, unknown, string]>([
  [400, error('invalid_parameters'), 'PROVIDER_REJECTED'],
  [400, error('content_policy_violation'), 'MODERATED_PROMPT'],
  [403, error('content_policy_violation'), 'MODERATED_PROMPT'],
  [404, error(404), 'PROVIDER_REJECTED'],
  [405, error(405), 'PROVIDER_REJECTED'],
  [413, error(413), 'PROVIDER_REJECTED'],
  [422, { error: 'bare words' }, 'PROVIDER_REJECTED'],
])('HTTP %i with %j is REFUSED as %s and bills nothing', async (status, body, code) => {
  const server = await startServer(json(status, body));
  const { report } = await submitTo(server.url);
  expect(report).toMatchObject({ kind: 'REFUSED', failure: { code, billed: 'NO', retryable: false } });
});

test.each<[number, unknown, Record<string, string>, string, number | null]>([
  [301, '', { location: 'https://elsewhere.example/' }, 'PROVIDER_UNREACHABLE', 30_000],
  [307, '', { location: 'https://elsewhere.example/' }, 'PROVIDER_UNREACHABLE', 30_000],
  [308, '', { location: 'https://elsewhere.example/' }, 'PROVIDER_UNREACHABLE', 30_000],
  [404, '<html>', {}, 'PROVIDER_UNREACHABLE', 30_000],
  [405, '<html>', {}, 'PROVIDER_UNREACHABLE', 30_000],
  [401, error('invalid_api_key'), {}, 'PROVIDER_REJECTED', 30_000],
  [403, error(403), {}, 'PROVIDER_REJECTED', 30_000],
  [402, error('insufficient_quota_error'), {}, 'PROVIDER_CREDITS_EXHAUSTED', 30_000],
  [402, error(402), { 'retry-after': '5' }, 'PROVIDER_CREDITS_EXHAUSTED', 5_000],
  [429, error(429), {}, 'RATE_LIMITED', null],
  [429, error(429), { 'retry-after': '7' }, 'RATE_LIMITED', 7_000],
  [429, error(429), { 'retry-after': '86400' }, 'RATE_LIMITED', 120_000],
  [429, error(429), { 'retry-after': 'soon' }, 'RATE_LIMITED', null],
  [429, error(429), { 'retry-after': '-5' }, 'RATE_LIMITED', null],
  [429, error(429), inTwoMinutes, 'RATE_LIMITED', 50_000],
  [429, error(429), { ...inTwoMinutes, date: 'Wed, 21 Oct 2026 08:00:00 GMT' }, 'RATE_LIMITED', 0],
  [429, { error: { code: 429, fallback_suggestion: 'retry after 60 seconds' } }, {}, 'RATE_LIMITED', 60_000],
])(
  'HTTP %i with %j and %j is NOT_NOW as %s, to be tried again after %s ms',
  async (status, body, headers, code, after) => {
    const server = await startServer(json(status, body, headers));
    const { report } = await submitTo(server.url);
    expect(report).toMatchObject({
      kind: 'NOT_NOW',
      failure: { code, billed: 'NO', retryable: true },
      retryAfterMs: after,
    });
  },
);

test.each<[number, unknown]>([
  [200, ''],
  [200, '<html>busy</html>'],
  [200, '{"id":'],
  [200, { status: 'pending' }],
  [200, { id: '' }],
  [200, { id: '..' }],
  [200, { id: 17 }],
  [200, { id: 'a\u0000b' }],
  [200, error('content_policy_violation')],
  [204, ''],
  [302, ''],
  [303, ''],
  [408, error(408)],
  [409, error(409)],
  [500, error(500)],
  [500, { id: 'task-unified-1' }],
  [502, '<html>'],
  [503, { error: { code: 503, fallback_suggestion: 'retry after 30 seconds' } }],
  [520, ''],
])('HTTP %i with %j is AMBIGUOUS: it may have been accepted', async (status, body) => {
  const server = await startServer(json(status, body));
  const { report } = await submitTo(server.url);
  expect(report).toMatchObject({
    kind: 'AMBIGUOUS',
    failure: { code: 'OUTCOME_UNKNOWN', billed: 'UNKNOWN', retryable: false },
  });
  expect(server.received.length).toBe(1);
});

test.each<[number, unknown, string | null]>([
  [200, { status: 'pending' }, 'the answer names no task'],
  [200, '<html>', 'the answer is not JSON'],
  [500, error(500), null],
])('of HTTP %i with %j the record says what was odd: %s', async (status, body, oddity) => {
  const server = await startServer(json(status, body));
  const { exchange } = await submitTo(server.url);
  expect(exchange.error).toBe(oddity);
});

test("a refusal carries the provider's own words, whether its code is a number or a string", async () => {
  const server = await startServer(json(400, error(400, 'bad size')));
  const { report } = await submitTo(server.url);
  expect(report).toEqual({
    kind: 'REFUSED',
    failure: {
      code: 'PROVIDER_REJECTED',
      message: 'GPTImage2 refused the request (HTTP 400).',
      billed: 'NO',
      retryable: false,
      providerCode: '400',
      providerMessage: 'bad size',
    },
  });
});

test('a byte order mark before the JSON changes nothing', async () => {
  const server = await startServer(json(200, `\uFEFF${readGolden('gptimage2-submit-response')}`));
  const { report } = await submitTo(server.url);
  expect(report).toMatchObject({ kind: 'ACCEPTED', providerTaskId: TASK });
});
