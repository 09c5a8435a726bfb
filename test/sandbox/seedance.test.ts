import { createHmac } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import sharp from 'sharp';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.ts';
import { createCaller } from './caller.ts';
import { SEED_BATCH, SEED_FULL, SEED_MINIMAL, SEED_SPREAD } from './seedance-seed.ts';

let sandbox: Sandbox;
let caller: ReturnType<typeof createCaller>;
let receiver: Server;
let webhook_url: string;
let received: { signature: unknown; raw: string }[];

beforeAll(async () => {
  sandbox = await startSandbox({ port: 0 });
  caller = createCaller(sandbox.url, 'seedance');
  receiver = createServer(async (request, response) => {
    received.push({ signature: request.headers['x-seedance-signature'], raw: await text(request) });
    response.end('{"status":"ok"}');
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  webhook_url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/webhook/image-complete`;
});
beforeEach(() => {
  received = [];
});
afterAll(async () => {
  await sandbox.stop();
  await new Promise((resolve) => receiver.close(resolve));
});

const model = 'seedream-5.0-lite';
const SOON = { timeout: 10_000 };

async function generate(prompt: string, more: Record<string, unknown> = {}) {
  return caller.post('/v1/images/generate', { model, prompt, ...more });
}

/** Submits and gives the id; fails the test when the provider would not take it. */
async function order(prompt: string, more: Record<string, unknown> = {}): Promise<string> {
  const { status, json } = await generate(prompt, more);
  expect(status, JSON.stringify(json)).toBe(200);
  return json.task_id as string;
}

async function batch(prompts: string[], more: Record<string, unknown> = {}): Promise<string> {
  const generations = prompts.map((prompt, index) => ({ model, prompt, metadata: { place: index } }));
  const { status, json } = await caller.post('/v1/images/batch', { generations, ...more });
  expect(status, JSON.stringify(json)).toBe(200);
  return json.batch_id as string;
}

async function poll(id: string) {
  return caller.get(`/v1/images/${id}`);
}

async function pollBatch(id: string) {
  return (await caller.get(`/v1/images/batch/${id}`)).json as { status: string; results: Record<string, unknown>[] };
}

test('the literal requests of seed 004 are accepted, and the answer has its fields', async () => {
  // One of its own, gone before it would call the hosts that the seed names.
  const own = await startSandbox({ port: 0 });
  const caller = createCaller(own.url, 'seedance');
  for (const body of [SEED_MINIMAL, SEED_FULL, SEED_SPREAD]) {
    const { status, json } = await caller.send('/v1/images/generate', { method: 'POST', body });
    expect({ status, json }).toEqual({
      status: 200,
      json: {
        task_id: expect.stringMatching(/^img_[a-z0-9]{12}$/),
        status: 'processing',
        model,
        credits_charged: 7,
        credits_remaining: expect.any(Number),
        estimated_time_seconds: 3,
      },
    });
  }
  const { status, json } = await caller.send('/v1/images/batch', { method: 'POST', body: SEED_BATCH });
  expect({ status, json }).toEqual({
    status: 200,
    json: {
      batch_id: expect.stringMatching(/^batch_[a-z0-9]{9}$/),
      status: 'processing',
      total_generations: 3,
      total_credits_charged: 21,
      credits_remaining: expect.any(Number),
    },
  });
  await own.stop();
});

test('seven credits leave the account with each submit, whatever becomes of it', async () => {
  const before = await caller.get('/v1/account/credits');
  expect(before.json).toEqual({ credits_remaining: expect.any(Number), tier: 'enterprise' });
  const had = before.json.credits_remaining as number;
  expect((await generate('paid [[slow=0]] [[fail]]')).json.credits_remaining).toBe(had - 7);
  await batch(['a [[slow=0]]', 'b [[slow=0]]']);
  expect((await caller.get('/v1/account/credits')).json.credits_remaining).toBe(had - 21);
  const charge = { provider: 'seedance', images: 1, credits: 7, refunded: false, unit: 'credits' };
  expect(await caller.chargesOf('paid [[slow=0]] [[fail]]')).toMatchObject([charge]);
});

test('progress is a fraction, and the end has the fields of seed 004', async () => {
  const metadata = { project: 'youtube-thumbnails', deep: [1] };
  const id = await order('a mountain [[slow=0.8]]', { deep_thinking: true, metadata, aspect_ratio: '3:2' });
  expect((await poll(id)).json).toEqual({
    task_id: id,
    status: 'processing',
    progress: expect.any(Number),
    estimated_time_remaining: 1,
  });
  const running = await vi.waitUntil(async () => {
    const { json } = await poll(id);
    return (json.progress as number) > 0 && json;
  }, SOON);
  expect(running.progress).toBeLessThan(1);
  await vi.waitUntil(async () => (await poll(id)).json.status === 'completed', SOON);
  expect((await poll(id)).json).toEqual({
    task_id: id,
    status: 'completed',
    image_url: `${sandbox.url}/seedance/files/${id}/0.png`,
    image_url_webp: `${sandbox.url}/seedance/files/${id}/0.webp`,
    width: 1248,
    height: 832,
    model,
    deep_thinking_used: true,
    credits_charged: 7,
    metadata,
    created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
  });
});

test('each ratio is a picture of its documented pixels, as PNG and as WebP', async () => {
  const ratios = { '1:1': '1024x1024', '16:9': '1360x768', '9:16': '768x1360', '4:3': '1184x888', '3:4': '888x1184' };
  for (const [aspect_ratio, pixels] of Object.entries(ratios)) {
    const { json } = await poll(await order('a ratio [[slow=0]]', { aspect_ratio }));
    expect(`${json.width}x${json.height}`).toBe(pixels);
  }
  const { json } = await poll(await order('the default [[slow=0]]'));
  for (const [link, format] of [
    [json.image_url, 'png'],
    [json.image_url_webp, 'webp'],
  ]) {
    const picture = await sharp(await (await fetch(link as string)).arrayBuffer()).metadata();
    expect(picture).toMatchObject({ format, width: 1024, height: 1024 });
  }
});

const REFUSED: [claim: string, body: Record<string, unknown>, code: string][] = [
  ['another model', { model: 'seedream-4.5' }, 'invalid_model'],
  ['no model', { model: undefined }, 'invalid_model'],
  ['no prompt', { prompt: undefined }, 'invalid_prompt'],
  ['an empty prompt', { prompt: ' ' }, 'invalid_prompt'],
  ['a prompt of 1001 characters', { prompt: 'x'.repeat(1001) }, 'invalid_prompt'],
  ['a ratio it does not have', { aspect_ratio: '2:3' }, 'invalid_aspect_ratio'],
  ['a ratio in pixels', { aspect_ratio: '1024x1024' }, 'invalid_aspect_ratio'],
  ['deep thinking as a word', { deep_thinking: 'yes' }, 'invalid_request'],
  ['a style that is no text', { style: ['retro'] }, 'invalid_request'],
  ['colours that are not hex', { colors: ['red'] }, 'invalid_request'],
  ['metadata that is no object', { metadata: ['a'] }, 'invalid_request'],
  ['a webhook that is no URL', { webhook_url: 'hook' }, 'invalid_request'],
];
test.each(REFUSED)('%s is a 400 of its code, alone and in a batch, and costs nothing', async (claim, wrong, code) => {
  const refused = { status: 400, json: { error: { code, message: expect.any(String), status: 400 } } };
  const { webhook_url: hook, ...item } = wrong;
  expect(await generate(claim, wrong)).toMatchObject(refused);
  const generations = [
    { model, prompt: `${claim}, the good one` },
    { model, prompt: claim, ...item },
  ];
  expect(await caller.post('/v1/images/batch', { generations, webhook_url: hook })).toMatchObject(refused);
  expect(await caller.chargesOf(claim)).toEqual([]);
  expect(await caller.chargesOf(`${claim}, the good one`)).toEqual([]);
});

test('the outermost allowed values, and keys nobody documented, are accepted', async () => {
  for (const more of [
    { prompt: '🌄'.repeat(1000) },
    { style: 'like a faded postcard' },
    { colors: ['#fff', '#A1B2C3'] },
    { something_new: { deep: true } },
  ]) {
    expect((await generate('allowed', more)).status).toBe(200);
  }
});

test('a batch takes 50, not 51, and what a tier allows when the key names one', async () => {
  const generations = (length: number) => Array.from({ length }, () => ({ model, prompt: 'many [[slow=0]]' }));
  expect((await caller.post('/v1/images/batch', { generations: generations(50) })).status).toBe(200);
  const error = { code: 'batch_too_large', message: 'Batch exceeds 50 items', status: 400 };
  expect(await caller.post('/v1/images/batch', { generations: generations(51) })).toMatchObject({
    status: 400,
    json: { error },
  });
  const free = createCaller(sandbox.url, 'seedance', 'sandbox-free');
  expect((await free.get('/v1/account/credits')).json.tier).toBe('free');
  expect((await free.post('/v1/images/batch', { generations: generations(5) })).status).toBe(200);
  expect((await free.post('/v1/images/batch', { generations: generations(6) })).json).toMatchObject({
    error: { code: 'batch_too_large' },
  });
});

test('a key that names a tier has no more images and batches at one time than it', async () => {
  const starter = createCaller(sandbox.url, 'seedance', 'sandbox-starter');
  const one = { model, prompt: 'at one time [[stuck]]' };
  const submits = Array.from({ length: 6 }, () => starter.post('/v1/images/generate', one));
  expect((await Promise.all(submits)).map(({ status }) => status).sort()).toEqual([200, 200, 200, 200, 200, 429]);
  const batches = Array.from({ length: 6 }, () => starter.post('/v1/images/batch', { generations: [one, one] }));
  expect((await Promise.all(batches)).map(({ status }) => status).sort()).toEqual([200, 200, 200, 200, 200, 429]);
});

test('results of a batch appear as they end, failed ones too, and it is completed when all have', async () => {
  const id = await batch(['first [[slow=0]]', 'second [[slow=0.8]]', 'third [[slow=0]] [[fail]]']);
  const early = await pollBatch(id);
  const task_id = expect.stringMatching(/^img_/);
  const first = { index: 0, status: 'completed', task_id, image_url: expect.stringMatching(/^http.*\.png$/) };
  const third = { index: 2, status: 'failed', task_id, error: 'The image could not be generated' };
  expect(early).toEqual({ batch_id: id, status: 'processing', results: [first, third] });
  const late = await vi.waitUntil(async () => {
    const report = await pollBatch(id);
    return report.status === 'completed' && report;
  }, SOON);
  expect(late.results).toEqual([first, { ...first, index: 1 }, third]);
  expect((await poll(late.results[1]?.task_id as string)).json).toMatchObject({ metadata: { place: 1 } });
});

test('a signed event comes for a single image, and one for each image of a batch', async () => {
  const id = await order('call me [[slow=0]]', { webhook_url, metadata: { project: 'x' } });
  await vi.waitFor(() => expect(received).toHaveLength(1), SOON);
  const event = { model, credits_charged: 7, created_at: expect.stringMatching(/Z$/) };
  const image_url = `${sandbox.url}/seedance/files/${id}/0.png`;
  const completed = { ...event, event: 'image.completed', status: 'completed', task_id: id, image_url };
  expect(JSON.parse(received[0]?.raw ?? '')).toEqual({ ...completed, metadata: { project: 'x' } });
  const batch_id = await batch(['one of two [[slow=0]]', 'two of two [[slow=0]] [[fail]]'], { webhook_url });
  await vi.waitFor(() => expect(received).toHaveLength(3), SOON);
  const events = received.slice(1).map(({ raw }) => JSON.parse(raw));
  expect(events.sort((a, b) => a.metadata.place - b.metadata.place)).toEqual([
    {
      ...completed,
      task_id: expect.stringMatching(/^img_/),
      batch_id,
      image_url: expect.any(String),
      metadata: { place: 0 },
    },
    {
      ...event,
      event: 'image.failed',
      status: 'failed',
      task_id: expect.stringMatching(/^img_/),
      batch_id,
      error: 'The image could not be generated',
      metadata: { place: 1 },
    },
  ]);
  for (const { raw, signature } of received) {
    expect(signature).toBe(createHmac('sha256', 'sandbox-webhook-secret').update(raw).digest('hex'));
  }
});

test('no-callback is silent, double-callback says the same twice, a lost answer is called back', async () => {
  await order('silence [[no-callback]] [[slow=0]]', { webhook_url });
  await order('echo [[double-callback]] [[slow=0]]', { webhook_url });
  await vi.waitFor(() => expect(received).toHaveLength(2), SOON);
  expect(received[1]).toEqual(received[0]);
  await expect(generate('lost [[lost-answer]] [[slow=0]]', { webhook_url })).rejects.toThrow('fetch failed');
  await vi.waitFor(() => expect(received).toHaveLength(3), SOON);
  const { task_id } = JSON.parse(received[2]?.raw ?? '');
  expect(await caller.chargesOf('lost [[lost-answer]] [[slow=0]]')).toMatchObject([{ taskId: task_id }]);
});

test('what cannot be accepted says so in the documented way, single or in a batch, and bills nothing', async () => {
  const refusals = [
    [
      'no-credits',
      402,
      'insufficient_credits',
      'Not enough credits to complete this generation. Required: 7, Available: 3',
    ],
    ['moderated', 400, 'content_policy', 'Prompt violates policy'],
    ['rate-limited=2', 429, 'rate_limited', 'Too many requests'],
  ] as const;
  for (const [directive, status, code, message] of refusals) {
    const prompt = `never [[${directive}]]`;
    const single = await generate(prompt);
    expect(single).toMatchObject({ status, json: { error: { code, message, status } } });
    expect(single.headers.get('retry-after')).toBe(status === 429 ? '1' : null);
    const generations = [
      { model, prompt: `beside ${directive}` },
      { model, prompt },
    ];
    expect(await caller.post('/v1/images/batch', { generations })).toMatchObject({ status, json: single.json });
    expect(await caller.chargesOf(`beside ${directive}`)).toEqual([]);
    expect(await caller.chargesOf(prompt)).toEqual([]);
  }
  expect((await generate('never [[rate-limited=2]]')).status).toBe(200);
});

test('submit-500 is generation_failed for a batch that exists, and bills', async () => {
  const prompts = ['broken [[submit-500]] [[slow=0]]', 'and its neighbour [[slow=0]]'];
  const generations = prompts.map((prompt) => ({ model, prompt }));
  expect(await caller.post('/v1/images/batch', { generations })).toMatchObject({
    status: 500,
    json: { error: { code: 'generation_failed', message: 'Internal generation error', status: 500 } },
  });
  for (const prompt of prompts) expect(await caller.chargesOf(prompt)).toHaveLength(1);
});

test('fail is a text, and with a code an object', async () => {
  const plain = await order('doomed [[fail]] [[slow=0]]');
  expect((await poll(plain)).json).toEqual({
    task_id: plain,
    status: 'failed',
    error: 'The image could not be generated',
  });
  const coded = await order('doomed [[fail=content_policy]] [[slow=0]]');
  expect((await poll(coded)).json.error).toEqual({
    code: 'content_policy',
    message: 'The image could not be generated',
    status: 400,
  });
});

test('stuck stays at one progress, alone and in a batch whose others have ended', async () => {
  const id = await order('[[stuck]] [[slow=0]] a traffic jam');
  const first = (await poll(id)).json;
  expect(first).toMatchObject({ status: 'processing', progress: 0.42 });
  expect((await poll(id)).json).toEqual(first);
  const report = await pollBatch(await batch(['quick [[slow=0]]', 'never [[stuck]]']));
  expect(report).toMatchObject({ status: 'processing', results: [{ index: 0 }] });
});

test('odd-status says a word nobody documented, alone and among the results of a batch', async () => {
  const id = await order('odd [[odd-status]] [[slow=0]]');
  expect((await poll(id)).json).toMatchObject({ status: 'upscaling_v2', progress: expect.any(Number) });
  const { status, results } = await pollBatch(await batch(['odd too [[odd-status]]']));
  expect({ status, results }).toEqual({
    status: 'processing',
    results: [{ index: 0, status: 'upscaling_v2', task_id: expect.any(String) }],
  });
});

test('late-asset and partial=0 are completed without an image, the first for a moment only', async () => {
  const missing = { status: 'completed', image_url: null, image_url_webp: null };
  const late = await order('late [[late-asset]] [[slow=0]]');
  expect((await poll(late)).json).toMatchObject(missing);
  const inBatch = await batch(['late too [[late-asset]] [[slow=0]]']);
  expect(await pollBatch(inBatch)).toMatchObject({ status: 'completed', results: [{ image_url: null }] });
  const never = await order('never [[partial=0]] [[slow=0]]');
  await vi.waitUntil(async () => (await poll(late)).json.image_url !== null, SOON);
  await vi.waitFor(
    async () => expect(await pollBatch(inBatch)).toMatchObject({ results: [{ image_url: expect.any(String) }] }),
    SOON,
  );
  expect((await poll(never)).json).toMatchObject(missing);
});

test('lost-poll is a 404 for a task that was billed, and leaves it out of its batch', async () => {
  const prompt = 'vanished [[lost-poll]] [[slow=0]]';
  const id = await order(prompt);
  const lost = { status: 404, json: { error: { code: 'not_found', message: 'Not found', status: 404 } } };
  expect(await poll(id)).toMatchObject(lost);
  expect(await caller.chargesOf(prompt)).toHaveLength(1);
  const report = await pollBatch(await batch(['left out [[lost-poll]]', 'found [[slow=0]]']));
  expect(report).toMatchObject({ status: 'completed', results: [{ index: 1 }] });
  expect(await caller.get(`/v1/images/batch/${await batch(['alone [[lost-poll]]'])}`)).toMatchObject(lost);
});

test('expired-url, bad-image and huge-image are in the files', async () => {
  const link = async (prompt: string) => (await poll(await order(`${prompt} [[slow=0]]`))).json.image_url as string;
  expect((await fetch(await link('[[expired-url]] x'))).status).toBe(403);
  expect(await (await fetch(await link('[[bad-image]] x'))).text()).toMatch(/^<!doctype html>/);
  const leaving = new AbortController();
  const { headers } = await fetch(await link('[[huge-image]] x'), { signal: leaving.signal });
  leaving.abort();
  expect([headers.get('content-type'), headers.get('content-length')]).toEqual(['image/png', null]);
});

test('a wrong key, an unknown id and an unknown path have the envelope', async () => {
  const stranger = createCaller(sandbox.url, 'seedance', 'sk-live');
  expect(await stranger.get('/v1/account/credits')).toMatchObject({
    status: 401,
    json: { error: { code: 'invalid_api_key', message: 'API key invalid or expired', status: 401 } },
  });
  for (const path of ['/v1/images/img_abc123def456', '/v1/images/batch/batch_xyz789', '/v1/models']) {
    expect(await caller.get(path)).toMatchObject({ status: 404, json: { error: { code: 'not_found' } } });
  }
  for (const body of ['{', '[]', '']) {
    expect(await caller.send('/v1/images/generate', { method: 'POST', body })).toMatchObject({
      status: 400,
      json: { error: {} },
    });
    expect(await caller.send('/v1/images/batch', { method: 'POST', body })).toMatchObject({
      status: 400,
      json: { error: {} },
    });
  }
});
