import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { ProviderRequest } from '../../src/generation/provider-request.ts';
import { KEY } from './adapters.ts';
import { readGolden } from './golden.ts';
import { createRequest, SENDING } from './gptimage2.ts';
import { createSeedanceAt, WEBHOOK_SECRET } from './seedance.ts';
import { json, startServer } from './server.ts';

const { signal } = new AbortController();
const provider = createSeedanceAt('https://api.example');
const callbackUrl = 'https://darkroom.example/webhooks/seedance/token';
const size = (aspectRatio: string) => ({ aspectRatio, resolution: null });
const bare = { model: 'seedream-5.0-lite', prompt: 'a red kite', metadata: { submission_id: 'sub_1', place: 0 } };

describe('what is sent', () => {
  test("the minimal and the full request of seed 004 are composed as the seed's own bodies, with our metadata", () => {
    const [minimal, full] = ['seedance-minimal-request', 'seedance-full-request'].map((name) => parse(name));
    expect(provider.compose(createRequest({ prompt: minimal.prompt }), SENDING)).toEqual({
      ...minimal,
      metadata: bare.metadata,
    });
    const request = { prompt: full.prompt, size: size('16:9'), thinking: 'DEEP', style: 'photorealistic' } as const;
    const sending = { ...SENDING, callbackUrl: full.webhook_url };
    expect(provider.compose(createRequest(request), sending)).toEqual({ ...full, metadata: bare.metadata });
  });

  test("the batch of seed 004 is composed as the seed's own body, each order with its place", () => {
    const golden = parse('seedance-batch-request');
    const requests = golden.generations.map((order: { prompt: string; aspect_ratio: string; deep_thinking: boolean }) =>
      createRequest({
        prompt: order.prompt,
        size: size(order.aspect_ratio),
        thinking: order.deep_thinking ? 'DEEP' : 'FAST',
      }),
    );
    const composed = provider.batch?.compose(requests, { ...SENDING, callbackUrl: golden.webhook_url });
    const generations = golden.generations.map((order: object, place: number) => ({
      ...order,
      metadata: { submission_id: 'sub_1', place },
    }));
    expect(composed).toEqual({ ...golden, generations });
  });

  test.each<[string, Partial<ProviderRequest>, Record<string, unknown>]>([
    ['nothing but what was asked for', {}, {}],
    ['a ratio', { size: size('3:2') }, { aspect_ratio: '3:2' }],
    ['a ratio whose tier says the same', { size: { aspectRatio: '3:4', resolution: 'R1K' } }, { aspect_ratio: '3:4' }],
    ['deep thinking', { thinking: 'DEEP' }, { deep_thinking: true }],
    ['no thinking', { thinking: 'FAST' }, { deep_thinking: false }],
    ['a style of one’s own', { style: 'linocut, two colours' }, { style: 'linocut, two colours' }],
    ['colours', { colors: ['#ff0000', '#00ff00'] }, { colors: ['#ff0000', '#00ff00'] }],
    ['no empty list of colours', { colors: [] }, {}],
    ['no field that no source documents', { seed: 7, outputFormat: 'PNG', watermark: false, safety: 'OFF' }, {}],
  ])('a body holds %s', (_, changes, added) => {
    expect(provider.compose(createRequest(changes), SENDING)).toEqual({ ...bare, ...added });
  });

  test.each([size('21:9'), size('auto'), { width: 1024, height: 1024 }])('the size %j is an error', (wrong) => {
    expect(() => provider.compose(createRequest({ size: wrong }), SENDING)).toThrow('Seedance does not offer the size');
  });

  test('every size it offers can be composed, with the pixels of seed 004', () => {
    const [model] = provider.models;
    const made = model?.sizes.map((offer) => [
      provider.compose(createRequest({ size: offer }), SENDING).aspect_ratio,
      offer.resolution,
      `${offer.pixels?.width}x${offer.pixels?.height}`,
    ]);
    const documented = [
      '1:1 1024x1024',
      '16:9 1360x768',
      '9:16 768x1360',
      '4:3 1184x888',
      '3:4 888x1184',
      '3:2 1248x832',
    ];
    const lines = documented.map((line) => line.split(' '));
    expect(made).toEqual(lines.flatMap(([ratio, pixels]) => [null, 'R1K'].map((tier) => [ratio, tier, pixels])));
  });
});

describe('a submission', () => {
  test.each([
    ['one order', '/prefix/v1/images/generate', 'seedance-full-request', 'seedance-submit-response'],
    ['a batch', '/prefix/v1/images/batch', 'seedance-batch-request', 'seedance-batch-response'],
  ])('of %s is one POST of it to %s, with the key', async (_, path, request, response) => {
    const server = await startServer(json(200, readGolden(response)));
    await createSeedanceAt(`${server.url}/prefix/`).submit(parse(request), signal);
    expect(server.received).toMatchObject([
      { method: 'POST', path, headers: { authorization: `Bearer ${KEY}`, connection: 'close' } },
    ]);
    expect(JSON.parse(server.received[0]?.body ?? '')).toEqual(parse(request));
  });

  test("seed 004's answer is an acceptance with its id, credits and estimate", async () => {
    expect(await answered(200, readGolden('seedance-submit-response'))).toEqual({
      kind: 'ACCEPTED',
      providerTaskId: 'img_abc123def456',
      credits: '7',
      etaSeconds: 10,
    });
  });

  test("seed 004's answer to a batch is an acceptance with its id, and what each of its tasks costs", async () => {
    expect(await answered(200, readGolden('seedance-batch-response'), parse('seedance-batch-request'))).toEqual({
      kind: 'ACCEPTED',
      providerTaskId: 'batch_xyz789',
      credits: '7',
      etaSeconds: null,
    });
    expect(provider.batch?.idOf('batch_xyz789', 2)).toBe('batch_xyz789#2');
  });

  test('a total that is not that of so many orders tells nothing of one', async () => {
    const body = { batch_id: 'batch_1', total_credits_charged: 22 };
    expect(await answered(200, body, parse('seedance-batch-request'))).toMatchObject({
      kind: 'ACCEPTED',
      credits: null,
    });
  });

  test.each<[number, unknown, Record<string, string>, object]>([
    [400, error('invalid_prompt'), {}, { kind: 'REFUSED', failure: { code: 'PROVIDER_REJECTED', billed: 'NO' } }],
    [400, error('batch_too_large'), {}, { kind: 'REFUSED', failure: { code: 'PROVIDER_REJECTED', billed: 'NO' } }],
    [400, error('content_policy'), {}, { kind: 'REFUSED', failure: { code: 'MODERATED_PROMPT', billed: 'NO' } }],
    [401, error('invalid_api_key'), {}, { kind: 'NOT_NOW', failure: { code: 'PROVIDER_REJECTED', billed: 'NO' } }],
    [
      429,
      error('rate_limited'),
      { 'retry-after': '7' },
      { kind: 'NOT_NOW', failure: { code: 'RATE_LIMITED', billed: 'NO' }, retryAfterMs: 7_000 },
    ],
    [
      500,
      error('generation_failed'),
      {},
      { kind: 'AMBIGUOUS', failure: { code: 'OUTCOME_UNKNOWN', billed: 'UNKNOWN' } },
    ],
    [200, { batch_id: 'batch_1' }, {}, { kind: 'AMBIGUOUS' }],
    [200, { task_id: 'a#1' }, {}, { kind: 'AMBIGUOUS' }],
    [200, { task_id: '..' }, {}, { kind: 'AMBIGUOUS' }],
    [200, '<html>', {}, { kind: 'AMBIGUOUS' }],
  ])('answered by HTTP %i with %j and %j is %j', async (status, body, headers, report) => {
    expect(await answered(status, body, {}, headers)).toMatchObject(report);
  });

  test('a batch answered with the id of a task is ambiguous', async () => {
    const report = await answered(200, readGolden('seedance-submit-response'), parse('seedance-batch-request'));
    expect(report).toMatchObject({ kind: 'AMBIGUOUS' });
  });

  test("seed 004's lack of credits is told in its own words, to be tried again later", async () => {
    expect(await answered(402, readGolden('seedance-error'))).toEqual({
      kind: 'NOT_NOW',
      failure: {
        code: 'PROVIDER_CREDITS_EXHAUSTED',
        message: 'The credits of this service at Seedance are used up.',
        billed: 'NO',
        retryable: true,
        providerCode: 'insufficient_credits',
        providerMessage: 'Not enough credits to complete this generation. Required: 7, Available: 3',
      },
      retryAfterMs: 30_000,
    });
  });
});

describe('the account', () => {
  test('of seed 004 has credits and a tier, asked for with the key', async () => {
    const server = await startServer(json(200, readGolden('seedance-credits')));
    expect(await createSeedanceAt(server.url).account?.(signal)).toEqual({ creditsRemaining: '1050', tier: 'starter' });
    expect(server.received).toMatchObject([
      { method: 'GET', path: '/v1/account/credits', headers: { authorization: `Bearer ${KEY}` } },
    ]);
  });

  test.each<[number, unknown, object | null]>([
    [200, { credits_remaining: 0.5 }, { creditsRemaining: '0.5', tier: null }],
    [200, { tier: 'gold' }, { creditsRemaining: null, tier: 'gold' }],
    [200, { credits_remaining: 'many', tier: 7 }, null],
    [200, '<html>', null],
    [401, { credits_remaining: 1 }, null],
    [500, '', null],
  ])('answered by HTTP %i with %j is %j', async (status, body, account) => {
    const server = await startServer(json(status, body));
    expect(await createSeedanceAt(server.url).account?.(signal)).toEqual(account);
  });

  test('has the limits of its tier, those of the lowest where the tier is not known', () => {
    const tiers = ['free', 'Starter', 'popular', 'pro', 'enterprise', 'gold'];
    const limits = tiers.map((tier) => provider.limitsOf?.(tier));
    const toLimits = ([requestsPerMinute, concurrency, batch]: number[]) => {
      return { requestsPerMinute, concurrency, batches: 5, batch };
    };
    expect(limits).toEqual([
      ...[
        [10, 2, 5],
        [30, 5, 20],
        [60, 10, 30],
        [120, 20, 50],
        [240, 50, 50],
      ].map(toLimits),
      null,
    ]);
    expect(provider.limits).toEqual(limits[0]);
  });
});

describe('a callback', () => {
  const raw = Buffer.from(readGolden('seedance-callback'));
  const signature = createHmac('sha256', WEBHOOK_SECRET).update(raw).digest('hex');
  const isGenuine = (body: Buffer, headers: Record<string, string | string[] | undefined>) =>
    provider.callback?.isGenuine?.(body, headers);

  test('is genuine with the signature of its raw bytes, and only then', () => {
    expect(isGenuine(raw, { 'x-seedance-signature': signature })).toBe(true);
    expect(isGenuine(raw, { 'x-seedance-signature': signature.toUpperCase() })).toBe(true);
    const otherSecret = createHmac('sha256', 'another').update(raw).digest('hex');
    const forgeries = [otherSecret, '', 'x', signature.slice(1), `${signature}0`, 'é'.repeat(32), undefined];
    for (const each of forgeries) expect(isGenuine(raw, { 'x-seedance-signature': each })).toBe(false);
    expect(isGenuine(raw, { 'x-seedance-signature': [signature, signature] })).toBe(false);
    expect(isGenuine(raw, {})).toBe(false);
    expect(isGenuine(Buffer.from(`${raw} `), { 'x-seedance-signature': signature })).toBe(false);
  });

  test('names its task, and its batch where there is one, and else nothing', () => {
    const read = (body: unknown) => provider.callback?.read(body);
    const both = { providerTaskId: 'img_abc123def456', batchId: 'batch_xyz789' };
    expect(read(JSON.parse(raw.toString()))).toEqual(both);
    expect(read({ task_id: 'img_1', batch_id: null })).toEqual({ providerTaskId: 'img_1' });
    expect([{}, null, 'x', { task_id: '..' }, { task_id: 7 }].map(read)).toEqual(Array(5).fill(null));
  });

  test('is asked for where it can be verified only', () => {
    const sending = { ...SENDING, callbackUrl };
    expect(provider.compose(createRequest(), sending)).toEqual({ ...bare, webhook_url: callbackUrl });
    expect(createSeedanceAt('https://api.example', null).callback).toBe(null);
    expect([provider, createSeedanceAt('http://127.0.0.1:1')].map((each) => each.callback?.isLocal)).toEqual([
      false,
      true,
    ]);
  });
});

async function answered(status: number, body: unknown, request = {}, headers: Record<string, string> = {}) {
  const server = await startServer(json(status, body, headers));
  const { report } = await createSeedanceAt(server.url).submit(request, signal);
  expect(server.received.length).toBe(1);
  return report;
}

function error(code: string) {
  return { error: { code, message: 'no', status: 400 } };
}

function parse(name: string) {
  return JSON.parse(readGolden(name));
}
