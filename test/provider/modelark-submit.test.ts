import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as take } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { SoFar } from '../../src/provider/provider.ts';
import { KEY } from './adapters.ts';
import { readGolden } from './golden.ts';
import {
  COMPLETED,
  createModelArkAt,
  DONE,
  fault,
  noPicture,
  orderOf,
  picture,
  sse,
  stream,
  urlOf,
} from './modelark.ts';
import { findClosedUrl, json, startServer } from './server.ts';

type Script = (response: ServerResponse, request: IncomingMessage) => void;

const { signal } = new AbortController();
const images = (...indexes: number[]) => indexes.map((index) => ({ url: urlOf(index), seed: null }));
const finished = (...indexes: number[]) => ({
  kind: 'FINISHED',
  images: images(...indexes),
  undelivered: [],
  credits: null,
});
const ambiguous = { kind: 'AMBIGUOUS', failure: { code: 'OUTCOME_UNKNOWN', billed: 'UNKNOWN', retryable: false } };
const blocked = { code: 'MODERATED_OUTPUT', billed: 'NO', retryable: false };
const broken = { code: 'PROVIDER_ERROR', billed: 'NO', retryable: true };

test('a submission is one POST of the composed body to the documented path, with the key, and takes events', async () => {
  const server = await startServer(stream([picture(0), COMPLETED, DONE]));
  const provider = createModelArkAt(`${server.url}/prefix/`);
  await provider.submit(orderOf(provider), signal);
  const headers = {
    authorization: `Bearer ${KEY}`,
    accept: 'text/event-stream, application/json',
    'accept-encoding': 'identity',
    connection: 'close',
  };
  expect(server.received).toMatchObject([{ method: 'POST', path: '/prefix/api/v3/images/generations', headers }]);
  expect(JSON.parse(server.received[0]?.body ?? '')).toEqual(orderOf(provider));
});

test('a stream ends with all its images, each of which was told of when it came', async () => {
  const { report, partials } = await submitted(stream([picture(0), picture(1), COMPLETED, DONE]), 2);
  expect(report).toEqual(finished(0, 1));
  expect(partials).toEqual([
    { images: images(0), undelivered: [] },
    { images: images(0, 1), undelivered: [] },
  ]);
});

test('an image is told of while the stream goes on, and the answer waits until it is stored', async () => {
  let finish = () => {};
  const server = await startServer((response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write(picture(0));
    finish = () => response.end(picture(1) + COMPLETED + DONE);
  });
  const provider = createModelArkAt(server.url);
  const story: string[] = [];
  const { report } = await provider.submit(orderOf(provider, 2), signal, async ({ images }) => {
    story.push(`told of ${images.length}`);
    finish();
    await take(50);
    story.push(`stored ${images.length}`);
  });
  story.push('answered');
  expect(report).toEqual(finished(0, 1));
  expect(story).toEqual(['told of 1', 'stored 1', 'told of 2', 'stored 2', 'answered']);
});

test('an image that could not be stored as it came is in the answer all the same, and so is the next', async () => {
  const server = await startServer(stream([picture(0), picture(1), COMPLETED, DONE]));
  const provider = createModelArkAt(server.url);
  const told: number[] = [];
  const { report } = await provider.submit(orderOf(provider, 2), signal, async ({ images }) => {
    told.push(images.length);
    throw new Error('the database is away');
  });
  expect([report, told]).toEqual([finished(0, 1), [1, 2]]);
});

test('events are read whatever their content type says', async () => {
  const events = picture(0) + picture(1) + COMPLETED + DONE;
  for (const type of ['text/plain', 'application/json']) {
    const { report, partials } = await submitted(json(200, events, { 'content-type': type }), 2);
    expect([report, partials.length]).toEqual([finished(0, 1), 2]);
  }
});

test('pieces may be cut anywhere, within a character too', async () => {
  const bytes = Buffer.from(`: ö ping\n\n${picture(0)}${sse('reviewing_v2', { note: '„schön“' })}${COMPLETED}${DONE}`);
  const pieces = Array.from({ length: Math.ceil(bytes.length / 7) }, (_, i) => bytes.subarray(i * 7, i * 7 + 7));
  const { report, exchange } = await submitted(stream(pieces));
  expect(report).toEqual(finished(0));
  expect(exchange.error).toBe(null);
  expect(JSON.stringify(exchange.responseBody)).toContain('„schön“');
});

test("an answer in one piece is read as well: ModelArk's own example, three images", async () => {
  const { report, partials } = await submitted(json(200, readGolden('modelark-answer')), 3);
  const images = Array(3).fill({ url: 'https://...', seed: null });
  expect(report).toEqual({ kind: 'FINISHED', images, undelivered: [], credits: null });
  expect(partials).toEqual([]);
});

test('an image that was not made says why, whether in a stream or in an answer in one piece', async () => {
  const code = 'OutputImageSensitiveContentDetected';
  const events = [picture(0), noPicture(1, code), picture(2), COMPLETED, DONE];
  const data = [{ url: urlOf(0) }, { error: { code, message: 'no 1' } }, { url: urlOf(2), size: '2048x2048' }];
  const undelivered = [{ ...blocked, providerCode: code, providerMessage: 'no 1' }];
  for (const script of [stream(events), json(200, { data })]) {
    const { report } = await submitted(script, 3);
    expect(report).toMatchObject({ kind: 'FINISHED', images: images(0, 2), undelivered });
  }
});

test.each<[string, string[], number, object]>([
  ['nothing but the end', [COMPLETED, DONE], 1, { ...finished(), undelivered: [] }],
  ['the only image blocked', [noPicture(0, 'OutputImageRiskDetection')], 1, { images: [], undelivered: [blocked] }],
  [
    'the only image failed',
    [noPicture(0, 'InternalServiceError'), COMPLETED],
    1,
    { images: [], undelivered: [broken] },
  ],
  [
    'an internal error, which ends a series',
    [picture(0), noPicture(1, 'InternalServiceError')],
    4,
    { images: images(0), undelivered: [broken] },
  ],
  [
    'an error of the whole after an image',
    [picture(0), fault('RateLimitExceeded.EndpointRPMExceeded')],
    4,
    { images: images(0), undelivered: [broken] },
  ],
  [
    'a block of the whole after an image',
    [picture(0), fault('OutputImageSensitiveContentDetected')],
    4,
    { images: images(0), undelivered: [blocked] },
  ],
  [
    'an image without an address',
    [sse('partial_succeeded', { image_index: 0, url: 'ftp://a.example/1', size: '1x1' }), COMPLETED],
    1,
    { images: [], undelivered: [{ code: 'RESULT_UNAVAILABLE', billed: 'UNKNOWN' }] },
  ],
  ['fewer images than there may be', [picture(0), picture(1), COMPLETED], 4, finished(0, 1)],
  ['its end without a blank line after it', [picture(0), COMPLETED.trimEnd()], 4, finished(0)],
])('a stream that brings %s is FINISHED', async (_, pieces, most, report) => {
  expect((await submitted(stream(pieces), most)).report).toMatchObject({ kind: 'FINISHED', ...report });
});

test.each<[string, string[], number]>([
  ['before the first image', [': ping\n\n'], 1],
  ['within the first image', [picture(0).slice(0, 120)], 1],
  ['after one image of a series', [picture(0)], 2],
  ['within the second image of a series', [picture(0), picture(1).slice(0, -20)], 2],
])('a stream that ends or breaks %s is AMBIGUOUS: there may be more', async (_, pieces, most) => {
  for (const end of ['END', 'BREAK'] as const) {
    const { report, exchange, partials } = await submitted(stream(pieces, end), most);
    expect(report).toMatchObject(ambiguous);
    expect(exchange.error).not.toBe(null);
    expect(partials.length).toBe(most - 1);
  }
});

test('a stream that breaks after all it could bring has brought all, and its record has the events', async () => {
  const { report, exchange } = await submitted(stream([picture(0)], 'BREAK'));
  expect(report).toEqual(finished(0));
  expect(exchange).toMatchObject({ status: 200, responseBody: [{ url: urlOf(0), image_index: 0 }] });
  expect(exchange.error).not.toBe(null);
  expect((await submitted(stream([picture(0), picture(1)], 'BREAK'), 2)).report).toEqual(finished(0, 1));
});

test.each<[string, object]>([
  ['InputTextSensitiveContentDetected', { kind: 'REFUSED', failure: { code: 'MODERATED_PROMPT', billed: 'NO' } }],
  ['OutputImageRiskDetection', { kind: 'REFUSED', failure: blocked }],
  ['InvalidParameter.Size', { kind: 'REFUSED', failure: { code: 'PROVIDER_REJECTED', billed: 'NO' } }],
  ['RateLimitExceeded.EndpointTPMExceeded', { kind: 'NOT_NOW', failure: { code: 'RATE_LIMITED', billed: 'NO' } }],
  ['AccountOverdueError', { kind: 'NOT_NOW', failure: { code: 'PROVIDER_CREDITS_EXHAUSTED', billed: 'NO' } }],
  ['InternalServiceError', ambiguous],
  ['NobodyDocumentedThis', ambiguous],
])('a stream that says %s before any image is %j', async (code, report) => {
  expect((await submitted(stream([fault(code)]), 4)).report).toMatchObject(report);
});

test.each<[number, string, Record<string, string>, object]>([
  [400, 'MissingParameter', {}, { kind: 'REFUSED', failure: { code: 'PROVIDER_REJECTED', billed: 'NO' } }],
  [400, 'InvalidParameter.Size', {}, { kind: 'REFUSED', failure: { code: 'PROVIDER_REJECTED', billed: 'NO' } }],
  [400, 'SensitiveContentDetected.Violence', {}, { kind: 'REFUSED', failure: { code: 'MODERATED_PROMPT' } }],
  [400, 'InputTextRiskDetection', {}, { kind: 'REFUSED', failure: { code: 'MODERATED_PROMPT', billed: 'NO' } }],
  [
    400,
    'InputImageSensitiveContentDetected.PrivacyInformation',
    {},
    { kind: 'REFUSED', failure: { code: 'MODERATED_PROMPT', billed: 'NO' } },
  ],
  [400, 'ContentSecurityDetectionError', {}, { kind: 'REFUSED', failure: { code: 'MODERATED_PROMPT', billed: 'NO' } }],
  [400, 'OutputImageSensitiveContentDetected', {}, { kind: 'REFUSED', failure: blocked }],
  [403, 'AccessDenied', {}, { kind: 'NOT_NOW', failure: { code: 'PROVIDER_REJECTED', billed: 'NO' } }],
  [403, 'AccountOverdueError', {}, { kind: 'NOT_NOW', failure: { code: 'PROVIDER_CREDITS_EXHAUSTED', billed: 'NO' } }],
  [
    404,
    'InvalidEndpointOrModel.ModelIDAccessDisabled',
    {},
    { kind: 'REFUSED', failure: { code: 'PROVIDER_REJECTED' } },
  ],
  [
    429,
    'RateLimitExceeded.EndpointRPMExceeded',
    { 'retry-after': '7' },
    { kind: 'NOT_NOW', failure: { code: 'RATE_LIMITED', billed: 'NO' }, retryAfterMs: 7_000 },
  ],
  [500, 'InternalServiceError', {}, ambiguous],
  [502, 'InvalidParameter', {}, ambiguous],
])('HTTP %i with the code %s and %j is %j', async (status, code, headers, report) => {
  const body = { error: { code, message: 'no. Request ID: 1', param: '', type: 'x' } };
  expect((await submitted(json(status, body, headers))).report).toMatchObject(report);
});

test("a refused key is told in ModelArk's own words", async () => {
  expect((await submitted(json(401, readGolden('modelark-unauthorized')))).report).toEqual({
    kind: 'NOT_NOW',
    failure: {
      code: 'PROVIDER_REJECTED',
      message: 'ModelArk does not accept the API key of this service for this (HTTP 401).',
      billed: 'NO',
      retryable: true,
      providerCode: 'AuthenticationError',
      providerMessage: 'the API key or AK/SK in the request is missing or invalid. request id: ...',
    },
    retryAfterMs: 30_000,
  });
});

test.each<[unknown]>([[''], ['<html>'], [{ usage: {} }], ['{"data":[{"url":'], [[]]])(
  'HTTP 200 with %j is AMBIGUOUS',
  async (body) => {
    expect((await submitted(json(200, body))).report).toMatchObject(ambiguous);
  },
);

test('a stream that drips is given up at the deadline of the submission, with what it brought told of', async () => {
  const server = await startServer((response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write(picture(0));
    const drip = setInterval(() => response.write(': ping\n\n'), 20);
    response.on('close', () => clearInterval(drip));
  });
  const provider = createModelArkAt(server.url, 200);
  const partials: SoFar[] = [];
  const { report, exchange } = await provider.submit(orderOf(provider, 2), signal, async (partial) => {
    partials.push(partial);
  });
  expect(report).toMatchObject(ambiguous);
  expect(exchange).toMatchObject({ status: 200, error: 'no complete answer within 200 ms' });
  expect(partials).toEqual([{ images: images(0), undelivered: [] }]);
});

test('a stream without end is read to a bound, and what it brought by then is told of', async () => {
  const flood = sse('reviewing_v2', { note: 'x'.repeat(100_000) });
  const { report, exchange, partials } = await submitted(stream([picture(0), ...Array(50).fill(flood)]), 2);
  expect(report).toMatchObject(ambiguous);
  expect(exchange.error).toBe('the answer is longer than 4194304 bytes');
  expect(JSON.stringify(exchange).length).toBeLessThan(20_000);
  expect(partials.length).toBe(1);
});

test('nothing that was not sent is ambiguous', async () => {
  const provider = createModelArkAt(await findClosedUrl());
  const { report } = await provider.submit(orderOf(provider), signal);
  expect(report).toMatchObject({ kind: 'NOT_NOW', failure: { code: 'PROVIDER_UNREACHABLE', billed: 'NO' } });
});

test('the key shows in nothing that comes of a stream, and nothing is kept that jsonb refuses', async () => {
  const url = `https://ark.example/${KEY}\\u0000.png`;
  const events = [
    `data: {"type":"image_generation.partial_succeeded","url":"${url}"}\n\n`,
    `data: was ${KEY}\n\n`,
    noPicture(1, KEY),
    COMPLETED,
  ];
  const answers = await submitted(stream(events), 2);
  expect(JSON.stringify(answers)).not.toContain(KEY);
  expect(JSON.stringify(answers)).not.toContain('\\u0000');
  expect(answers.exchange.responseBody).toMatchObject([{}, 'was [redacted]', {}, {}]);
});

test('nothing can be asked about later, and whoever asks is told so', async () => {
  const provider = createModelArkAt('https://api.example');
  const answers = await provider.ask(['a', 'b'], signal);
  const exchange = { status: null, error: 'nothing was sent: there is nothing to ask' };
  expect(answers).toMatchObject(Array(2).fill({ report: { kind: 'SILENT' }, exchange }));
  const { isSynchronous, callback, recover, batch, account } = provider;
  expect([isSynchronous, callback, recover, batch, account]).toEqual([true, null, null, null, null]);
});

async function submitted(script: Script, most = 1) {
  const server = await startServer(script);
  const provider = createModelArkAt(server.url);
  const partials: SoFar[] = [];
  const answer = await provider.submit(orderOf(provider, most), signal, async (partial) => {
    partials.push(partial);
  });
  expect(server.received.length).toBe(1);
  return { ...answer, partials };
}
