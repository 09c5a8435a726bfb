import { afterAll, beforeAll, expect, test } from 'vitest';
import { createRateLimit } from '../../src/sandbox/rate-limit.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.ts';
import { createCaller } from './caller.ts';

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await startSandbox({ port: 0, requestsPerMinute: { seedance: 3, modelark: 1 } });
});
afterAll(() => sandbox.stop());

test('a provider that was given a limit takes so many requests a minute of one key, submits and polls alike', async () => {
  const caller = createCaller(sandbox.url, 'seedance');
  const { json } = await caller.post('/v1/images/generate', { model: 'seedream-5.0-lite', prompt: 'one [[slow=0]]' });
  const poll = `/v1/images/${json.task_id}`;
  expect((await caller.send(poll)).status).toBe(200);
  expect((await caller.send('/v1/account/credits')).status).toBe(200);
  const refused = await caller.send(poll);
  expect(refused).toMatchObject({
    status: 429,
    json: { error: { code: 'rate_limited', message: 'Too many requests', status: 429 } },
  });
  const waitS = Number(refused.headers.get('retry-after'));
  expect(waitS).toBeGreaterThan(30);
  expect(waitS).toBeLessThanOrEqual(60);
  expect((await fetch(`${sandbox.url}/seedance/files/${json.task_id}/0.png`)).status).toBe(200);
  expect((await createCaller(sandbox.url, 'seedance', 'sandbox-other').send(poll)).status).toBe(200);
});

test('a provider that names no wait names none then either, and one without a limit has none', async () => {
  const modelark = createCaller(sandbox.url, 'modelark');
  await modelark.post('/', {});
  const refused = await modelark.post('/', {});
  expect(refused).toMatchObject({ status: 429, json: { error: { type: 'TooManyRequests' } } });
  expect(refused.headers.get('retry-after')).toBeNull();
  const gptimage2 = createCaller(sandbox.url, 'gptimage2');
  for (let sent = 0; sent < 5; sent++) expect((await gptimage2.send('/v1/tasks/task-unified-1-x')).status).toBe(404);
});

test('a request passes again when the oldest of the minute is a minute old; refused ones do not count', () => {
  const limit = createRateLimit(2);
  expect([0, 30_000, 30_001, 59_999].map((now) => limit.take('a', now))).toEqual([0, 0, 30, 1]);
  expect([60_000, 60_001, 90_000].map((now) => limit.take('a', now))).toEqual([0, 30, 0]);
  expect(limit.take('b', 90_000)).toBe(0);
});

test('one that counts as several passes when there is room for all of it', () => {
  const limit = createRateLimit(5);
  expect([limit.take('a', 0, 2), limit.take('a', 10_000, 2), limit.take('a', 20_000, 4)]).toEqual([0, 0, 50]);
  expect([limit.take('a', 20_000), limit.take('a', 69_999, 4), limit.take('a', 70_000, 4)]).toEqual([0, 1, 0]);
});

test('of ModelArk the images of a series count', async () => {
  const many = await startSandbox({ port: 0, requestsPerMinute: { modelark: 10 } });
  try {
    const series = { model: 'seedream-5-0-260128', prompt: 'one [[slow=0]]', sequential_image_generation: 'auto' };
    const post = async (most: number) => {
      const body = { ...series, sequential_image_generation_options: { max_images: most } };
      return (await createCaller(many.url, 'modelark').post('/api/v3/images/generations', body)).status;
    };
    expect([await post(6), await post(5), await post(4)]).toEqual([200, 429, 200]);
  } finally {
    await many.stop();
  }
});
