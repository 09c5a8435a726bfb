import sharp from 'sharp';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.ts';
import { PRESETS, toPixels } from '../../src/sandbox/threedaistudio/size.ts';
import { type Answer, createCaller, toShape } from './caller.ts';

const GENERATE = '/v1/images/seedream/v5/lite/generate/';
const EDIT = '/v1/images/seedream/v5/lite/edit/';

/** Seed 003's own requests and answers, to the letter. */
const SEED_GENERATE = {
  prompt: 'a photorealistic product shot of a leather watch',
  image_size: 'landscape_16_9',
  num_images: 2,
};
const SEED_EDIT = {
  prompt: 'Add a warm sunset lighting to this scene',
  image_urls: ['data:image/png;base64,iVBOR...'],
  image_size: 'auto_2K',
};
const SEED_SUBMITTED = { task_id: 'a1b2c3d4-e5f6-7890-abcd-ef1234567890', created_at: '2026-02-25T12:00:00Z' };
const SEED_FINISHED = {
  status: 'FINISHED',
  progress: 100,
  results: [
    {
      asset_url: 'https://cdn.3daistudio.com/images/img_001.png',
      asset: 'https://storage.3daistudio.com/assets/img_001.png',
      asset_type: 'IMAGE',
      thumbnail: 'https://storage.3daistudio.com/thumbnails/img_001.png',
    },
  ],
};

const image = 'data:image/jpeg;base64,/9j/4AAQ';

interface Result {
  asset_url: string | null;
  asset: string | null;
  thumbnail: string | null;
}

let sandbox: Sandbox;
let caller: ReturnType<typeof createCaller>;
beforeAll(async () => {
  sandbox = await startSandbox({ port: 0 });
  caller = createCaller(sandbox.url, 'threedaistudio');
});
afterAll(() => sandbox.stop());

function generate(prompt: string, more: Record<string, unknown> = {}): Promise<Answer> {
  return caller.post(GENERATE, { prompt, ...more });
}

async function order(prompt: string, more: Record<string, unknown> = {}): Promise<string> {
  const { status, json } = await generate(prompt, more);
  expect(status, JSON.stringify(json)).toBe(200);
  return json.task_id as string;
}

function poll(id: string): Promise<Answer> {
  return caller.get(`/v1/generation-request/${id}/status/`);
}

function resultsOf({ results }: Answer['json']): Result[] {
  return results as Result[];
}

/** The addresses, once the files can be had. */
async function linksOf(id: string): Promise<string[]> {
  const isThere = (json: Answer['json']) => resultsOf(json).some(({ asset }) => asset !== null);
  return resultsOf(await caller.until(() => poll(id), isThere)).map(({ asset }) => asset as string);
}

test("seed 003's own requests are answered with the fields and types of seed 003", async () => {
  for (const [path, body] of [
    [GENERATE, SEED_GENERATE],
    [EDIT, SEED_EDIT],
  ] as const) {
    const { status, json } = await caller.post(path, body);
    expect(status).toBe(200);
    expect(toShape(json)).toEqual(toShape(SEED_SUBMITTED));
    expect(json).toEqual({
      task_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    });
  }
});

test.concurrent('a task is PENDING, then IN_PROGRESS with whole, rising progress, then FINISHED at 100', async () => {
  const waiting = await poll(await order('a queue [[slow=1000]]'));
  expect(waiting.json).toEqual({ status: 'PENDING', progress: 0, failure_reason: null, results: [] });
  const id = await order('a slow sunrise [[slow=2]]');
  const seen: Answer['json'][] = [];
  await caller.until(
    () => poll(id),
    (json) => {
      if (json.status !== 'PENDING') seen.push(json);
      return json.status === 'FINISHED';
    },
  );
  expect([...new Set(seen.map(({ status }) => status))]).toEqual(['IN_PROGRESS', 'FINISHED']);
  const progress = seen.map((json) => json.progress as number);
  expect(progress).toEqual([...progress].sort((one, other) => one - other));
  expect(progress.every(Number.isInteger)).toBe(true);
  expect(new Set(progress).size).toBeGreaterThan(2);
  expect(progress.at(-1)).toBe(100);
});

test.concurrent('FINISHED is said before the files can be had', async () => {
  const empty = { asset_url: null, asset: null, asset_type: 'IMAGE', thumbnail: null, metadata: null };
  const lagging = { status: 'FINISHED', progress: 100, failure_reason: null, results: [empty, empty] };
  // A machine that has much to do may look too late: then once more.
  const id = await vi.waitFor(
    async () => {
      const fresh = await order('a lag [[slow=0]]', { num_images: 2 });
      expect((await poll(fresh)).json).toEqual(lagging);
      return fresh;
    },
    { timeout: 10_000 },
  );
  const links = await linksOf(id);
  expect(links).toEqual([0, 1].map((index) => `${sandbox.url}/threedaistudio/files/${id}/${index}.png`));
  const { json } = await poll(id);
  expect(toShape({ ...json, results: resultsOf(json).slice(0, 1) })).toMatchObject(toShape(SEED_FINISHED) as object);
});

test.concurrent('late-asset is FINISHED without any results for a while', async () => {
  const id = await order('late [[late-asset]] [[slow=0]]');
  expect((await poll(id)).json).toEqual({ status: 'FINISHED', progress: 100, failure_reason: null, results: [] });
  expect(await linksOf(id)).toHaveLength(1);
});

test.concurrent('stuck never ends, odd-status says a word nobody documented, lost-poll is a 404', async () => {
  const odd = await order('odd [[odd-status]] [[slow=0]]');
  expect(['PENDING', 'IN_PROGRESS', 'FINISHED', 'FAILED']).not.toContain((await poll(odd)).json.status);
  const stuck = await order('a jam [[stuck]] [[slow=0]]');
  expect((await poll(stuck)).json).toMatchObject({ status: 'IN_PROGRESS', progress: 42, results: [] });
  const vanished = await order('vanished [[lost-poll]] [[slow=0]]');
  expect(await poll(vanished)).toMatchObject({ status: 404, json: { error: 'Not found.', code: 'not_found' } });
  expect(await caller.chargesOf('vanished [[lost-poll]] [[slow=0]]')).toHaveLength(1);
  expect(await linksOf(odd)).toHaveLength(1);
});

test.concurrent('fail and moderated end as FAILED with a reason, and are refunded', async () => {
  for (const [prompt, failure_reason] of [
    ['doomed [[fail]] [[slow=0.1]]', 'Image generation failed.'],
    ['doomed [[fail=Out of memory]] [[slow=0.1]]', 'Out of memory'],
    ['a scandal [[moderated]] [[slow=0.1]]', 'Content was blocked by the safety checker.'],
  ] as const) {
    const id = await order(prompt);
    const task = await caller.until(
      () => poll(id),
      ({ status }) => status === 'FAILED',
    );
    expect(task).toEqual({ status: 'FAILED', progress: 0, failure_reason, results: [] });
    expect(await caller.chargesOf(prompt)).toMatchObject([{ taskId: id, credits: 10, refunded: true }]);
  }
});

test.concurrent('partial gives fewer results, and a picture costs ten credits', async () => {
  const prompt = 'a few [[partial=2]] [[slow=0]]';
  expect(await linksOf(await order(prompt, { num_images: 6 }))).toHaveLength(2);
  expect(await caller.chargesOf(prompt)).toMatchObject([{ images: 2, credits: 20, refunded: false }]);
});

test.concurrent('expired-url, bad-image and huge-image spoil the file behind the links', async () => {
  const [gone] = await linksOf(await order('gone [[expired-url]] [[slow=0]]'));
  expect((await fetch(gone as string)).status).toBe(403);
  const [fake] = await linksOf(await order('fake [[bad-image]] [[slow=0]]'));
  expect(await (await fetch(fake as string)).text()).toMatch(/^<!doctype html>/);
  const [huge] = await linksOf(await order('huge [[huge-image]] [[slow=0]]'));
  const response = await fetch(huge as string);
  expect(response.headers.get('content-length')).toBeNull();
  await response.body?.cancel();
});

test('a file is a PNG of the pixels of its preset, and an automatic one of one of its tier', async () => {
  const [link] = await linksOf(await order('a size [[slow=0]]', { image_size: 'square' }));
  const metadata = await sharp(await (await fetch(link as string)).arrayBuffer()).metadata();
  expect(metadata).toMatchObject({ format: 'png', width: 1920, height: 1920 });
  expect(toPixels('landscape_16_9', 'any')).toEqual({ width: 2848, height: 1600 });
  expect(toPixels('portrait_4_3', 'any')).toEqual({ width: 1728, height: 2304 });
  const automatic = ['a', 'b', 'c', 'd', 'e', 'f'].map((prompt) => JSON.stringify(toPixels('auto_3K', prompt)));
  expect(new Set(automatic).size).toBeGreaterThan(1);
  for (const size of automatic.map((json) => JSON.parse(json))) expect(size.width * size.height).toBeGreaterThan(8.9e6);
});

test('a path without its slash is not there, nor is anything else', async () => {
  const id = await order('slashes [[slow=0]]');
  const notFound = { status: 404, json: { error: 'Not found.', code: 'not_found' } };
  for (const path of [GENERATE, EDIT]) {
    expect(await caller.post(path.slice(0, -1), SEED_EDIT)).toMatchObject(notFound);
    expect(await caller.get(path)).toMatchObject(notFound);
  }
  for (const path of [
    `/v1/generation-request/${id}/status`,
    `/v1/generation-request/nobody/status/`,
    '/user/wallet/',
  ]) {
    expect(await caller.get(path)).toMatchObject(notFound);
  }
});

test('a key that is not a sandbox key gets the documented code', async () => {
  const { status, json } = await createCaller(sandbox.url, 'threedaistudio', 'live').post(GENERATE, SEED_GENERATE);
  expect({ status, json }).toEqual({ status: 401, json: { error: 'Invalid API key.', code: 'invalid_api_key' } });
});

const REFUSED: [claim: string, path: string, body: Record<string, unknown>][] = [
  ['no prompt', GENERATE, { prompt: undefined }],
  ['an empty prompt', GENERATE, { prompt: '' }],
  ['an unknown preset', GENERATE, { image_size: 'auto_4K' }],
  ['a pixel size', GENERATE, { image_size: '2048x2048' }],
  ['no picture', GENERATE, { num_images: 0 }],
  ['seven pictures', GENERATE, { num_images: 7 }],
  ['a fractional number of pictures', GENERATE, { num_images: 1.5 }],
  ['a seed below zero', GENERATE, { seed: -1 }],
  ['a seed that is a word', GENERATE, { seed: '7' }],
  ['a checker that is a word', GENERATE, { enable_safety_checker: 'no' }],
  ['an edit of nothing', EDIT, {}],
  ['an edit of an empty list', EDIT, { image_urls: [] }],
  ['an edit of eleven pictures', EDIT, { image_urls: Array(11).fill(image) }],
  ['an edit of an address', EDIT, { image_urls: ['https://example.com/a.png'] }],
  ['an edit of bare base64', EDIT, { image_urls: ['iVBORw0KGgo'] }],
  ['an edit of a text', EDIT, { image_urls: ['data:text/plain;base64,AAAA'] }],
];
test.each(REFUSED)('%s is refused with the documented 400 and costs nothing', async (claim, path, body) => {
  const { status, json } = await caller.post(path, { prompt: claim, ...body });
  expect({ status, json }).toEqual({ status: 400, json: { error: expect.any(String), code: 'validation_failed' } });
  expect(await caller.chargesOf(claim)).toEqual([]);
});

test('the outermost allowed values, and keys nobody documented, are accepted', async () => {
  for (const image_size of PRESETS) expect((await generate('allowed', { image_size })).status).toBe(200);
  for (const more of [
    { num_images: 6 },
    { seed: 0 },
    { seed: 2 ** 40 },
    { enable_safety_checker: false },
    { something_new: 1 },
    { prompt: 'x'.repeat(100_000) },
  ]) {
    expect((await generate('allowed', more)).status, JSON.stringify(more).slice(0, 80)).toBe(200);
  }
  const large = `data:image/png;base64,${'A'.repeat(150_000)}`;
  expect((await caller.post(EDIT, { prompt: 'ten', image_urls: Array(10).fill(large) })).status).toBe(200);
});

test('a body that is no JSON object is a 400', async () => {
  for (const body of ['{', '[]', 'null', '']) {
    expect(await caller.post(GENERATE, body)).toMatchObject({ status: 400, json: { code: 'validation_failed' } });
  }
});

test('rate-limited says in words when it is over, no-credits is a 402, and neither bills', async () => {
  const busy = await generate('busy [[rate-limited]]');
  expect(busy).toMatchObject({
    status: 429,
    json: { error: 'Request was throttled. Expected available in 1 seconds.', code: 'rate_limited' },
  });
  expect(busy.headers.get('retry-after')).toBe('1');
  expect((await generate('busy [[rate-limited]]')).status).toBe(200);
  expect(await generate('poor [[no-credits]]')).toMatchObject({ status: 402, json: { code: 'insufficient_credits' } });
  expect(await caller.chargesOf('poor [[no-credits]]')).toEqual([]);
});

test('with 3 requests a minute the fourth is throttled, submit or poll, with the true wait in words', async () => {
  const narrow = await startSandbox({ port: 0, requestsPerMinute: { threedaistudio: 3 } });
  const one = createCaller(narrow.url, 'threedaistudio');
  const { task_id } = (await one.post(GENERATE, SEED_GENERATE)).json;
  const path = `/v1/generation-request/${task_id}/status/`;
  expect([(await one.get(path)).status, (await one.get(path)).status]).toEqual([200, 200]);
  for (const answer of [await one.get(path), await one.post(GENERATE, SEED_GENERATE)]) {
    const seconds = Number(/available in (\d+) seconds/.exec(answer.json.error as string)?.[1]);
    expect(answer).toMatchObject({ status: 429, json: { code: 'rate_limited' } });
    expect(answer.headers.get('retry-after')).toBe(String(seconds));
    expect(seconds).toBeGreaterThan(50);
    expect(seconds).toBeLessThanOrEqual(60);
  }
  await narrow.stop();
});

test('lost-answer and submit-500 make and bill a task that nobody was told of', async () => {
  await expect(generate('lost [[lost-answer]] [[slow=0]]')).rejects.toThrow('fetch failed');
  expect(await generate('broken [[submit-500]] [[slow=0]]')).toMatchObject({ status: 500 });
  for (const prompt of ['lost [[lost-answer]] [[slow=0]]', 'broken [[submit-500]] [[slow=0]]']) {
    const [charge] = await caller.chargesOf(prompt);
    expect((await poll(charge?.taskId as string)).json.status).toBe('FINISHED');
  }
});
