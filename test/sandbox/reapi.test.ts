import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { RATIOS, toPixels } from '../../src/sandbox/reapi/size.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.ts';
import { type Answer, createCaller, toShape } from './caller.ts';

const SUBMIT = '/api/v1/images/generations';
const MODEL = 'doubao-seedream-5-0-lite';

/** Seed 002's own request and answers, to the letter. */
const SEED_REQUEST = {
  model: 'doubao-seedream-5-0-lite',
  prompt: 'a kitten yawning into the camera, cinematic warm tones',
  size: '16:9',
  resolution: '2K',
  n: 1,
};
const SEED_SUBMITTED = {
  id: 'task_018f5a3a1b6e7d9f8c2b4d6e8f0a2c4e',
  model: 'doubao-seedream-5-0-lite',
  status: 'processing',
  created_at: 1735000000,
};
const SEED_COMPLETED = {
  id: 'task_019dfd44b7fd74168541552a3260a623',
  model: 'doubao-seedream-5-0-lite',
  status: 'completed',
  output: { image_urls: ['https://cdn.reapi.ai/...png'] },
};
const SEED_GROUP = { sequential_image_generation: 'auto', sequential_image_generation_options: { max_images: 4 } };

const image = 'https://example.com/a.png';

let sandbox: Sandbox;
let caller: ReturnType<typeof createCaller>;
beforeAll(async () => {
  sandbox = await startSandbox({ port: 0 });
  caller = createCaller(sandbox.url, 'reapi');
});
afterAll(() => sandbox.stop());

function submit(prompt: string, more: Record<string, unknown> = {}): Promise<Answer> {
  return caller.post(SUBMIT, { model: MODEL, prompt, ...more });
}

async function order(prompt: string, more: Record<string, unknown> = {}): Promise<string> {
  const { status, json } = await submit(prompt, more);
  expect(status, JSON.stringify(json)).toBe(200);
  return json.id as string;
}

function poll(id: string): Promise<Answer> {
  return caller.send(`/api/v1/tasks/${id}`);
}

async function linksOf(id: string): Promise<string[]> {
  const task = await caller.until(
    () => poll(id),
    ({ status }) => status === 'completed',
  );
  return (task.output as { image_urls: string[] }).image_urls;
}

test("seed 002's own requests are answered with the fields and types of seed 002", async () => {
  const { status, json } = await caller.post(SUBMIT, SEED_REQUEST);
  expect(status).toBe(200);
  expect(toShape(json)).toEqual(toShape(SEED_SUBMITTED));
  expect(json).toMatchObject({ model: MODEL, status: 'processing', id: expect.stringMatching(/^task_[0-9a-f]{32}$/) });
  expect((await caller.post(SUBMIT, { ...SEED_REQUEST, ...SEED_GROUP, n: 4 })).status).toBe(200);
});

test('a task keeps the envelope of its submit until it is completed, then has one link per picture', async () => {
  const submitted = (await submit('three tulips [[slow=0.3]]', { n: 3 })).json;
  const id = submitted.id as string;
  expect((await poll(id)).json).toEqual(submitted);
  const links = await linksOf(id);
  expect(links).toEqual([0, 1, 2].map((index) => `${sandbox.url}/reapi/files/${id}/${index}.jpg`));
  const { json } = await poll(id);
  expect(json).toEqual({ ...submitted, status: 'completed', output: { image_urls: links }, error: null });
  expect(toShape(json)).toMatchObject({
    ...(toShape(SEED_COMPLETED) as object),
    output: { image_urls: ['string', 'string', 'string'] },
  });
});

test('a key that is not a sandbox key gets the numeric code of one that is invalid', async () => {
  const { status, json } = await createCaller(sandbox.url, 'reapi', 'rk_live_xxx').send('/api/v1/tasks/task_1');
  expect({ status, json }).toEqual({
    status: 401,
    json: { error: { code: 10003, message: 'API key invalid', request_id: expect.stringMatching(/^req_/) } },
  });
});

const REFUSED: [claim: string, body: Record<string, unknown>, code: number][] = [
  ['no model', { model: undefined }, 20002],
  ['a dotted model', { model: 'doubao-seedream-5.0-lite' }, 20001],
  ['a capitalised model', { model: 'Doubao-Seedream-5-0-Lite' }, 20001],
  ['no prompt', { prompt: undefined }, 20002],
  ['an empty prompt', { prompt: '' }, 20001],
  ['a prompt of 4001 characters', { prompt: 'x'.repeat(4001) }, 20001],
  ['the ratio 9:21', { size: '9:21' }, 20001],
  ['a pixel size', { size: '2048x2048' }, 20001],
  ['auto without references', { size: 'auto' }, 20001],
  ['1K', { resolution: '1K' }, 20001],
  ['4K', { resolution: '4K' }, 20001],
  ['n = 0', { n: 0 }, 20001],
  ['n = 5', { n: 5 }, 20001],
  ['a fractional n', { n: 1.5 }, 20001],
  ['several pictures with an explicit disabled', { n: 2, sequential_image_generation: 'disabled' }, 20001],
  ['a data URI', { image_urls: ['data:image/png;base64,AAAA'] }, 20001],
  ['bare base64', { image_urls: ['iVBORw0KGgo'] }, 20001],
  ['a reference over http', { image_urls: ['http://example.com/a.png'] }, 20001],
  ['21 references', { image_urls: Array(21).fill(image) }, 20001],
  ['webp', { output_format: 'webp' }, 20001],
  ['a third mode', { sequential_image_generation: 'on' }, 20001],
  ['max_images = 0', { ...SEED_GROUP, sequential_image_generation_options: { max_images: 0 } }, 20001],
  ['a watermark that is a word', { watermark: 'yes' }, 20001],
];
test.each(REFUSED)(
  '%s is refused with a 400 and a code of five digits, and costs nothing',
  async (claim, body, code) => {
    const { status, json } = await submit(claim, body);
    expect(status).toBe(400);
    expect(json).toEqual({ error: { code, message: expect.any(String), request_id: expect.any(String) } });
    expect(await caller.chargesOf(claim)).toEqual([]);
  },
);

test('the outermost allowed values, and keys nobody documented, are accepted', async () => {
  const allowed = [
    { prompt: 'x'.repeat(4000) },
    { prompt: '🏔'.repeat(4000) },
    { size: 'auto', image_urls: [image] },
    { image_urls: Array(20).fill(image) },
    { image_urls: ['http://127.0.0.1:9/a.png'] },
    { resolution: '3k' },
    { n: 4 },
    { sequential_image_generation: 'disabled' },
    { sequential_image_generation_options: { max_images: 9 } },
    { watermark: true },
    { something_new: 1 },
  ];
  for (const more of allowed) expect((await submit('allowed [[slow=0]]', more)).status, JSON.stringify(more)).toBe(200);
});

test('a body that is no JSON object is a 400, one over a mebibyte a 413', async () => {
  for (const body of ['{', '[]', 'null', '']) {
    expect(await caller.send(SUBMIT, { method: 'POST', body })).toMatchObject({
      status: 400,
      json: { error: { code: 20001 } },
    });
  }
  expect(await submit('x'.repeat(1024 * 1024))).toMatchObject({ status: 413 });
});

test('a ratio and a tier are the documented pixels, and auto is one of its tier', () => {
  expect(toPixels('1:1', '2K', '')).toEqual({ width: 2048, height: 2048 });
  expect(toPixels('16:9', '2K', '')).toEqual({ width: 2848, height: 1600 });
  expect(toPixels('1:1', '3K', '')).toEqual({ width: 3072, height: 3072 });
  expect(toPixels('16:9', '3K', '')).toEqual({ width: 4096, height: 2304 });
  const shapes = RATIOS.filter((ratio) => ratio !== 'auto').map((ratio) => toPixels(ratio, '3K', ''));
  expect(shapes).toContainEqual(toPixels('auto', '3K', image));
  expect(new Set(shapes.map((shape) => JSON.stringify(shape))).size).toBe(8);
});

test('the file has the pixels and the format of the request', async () => {
  const more = { size: '2:3', resolution: '2k', output_format: 'png' };
  const [link] = await linksOf(await order('a size [[slow=0]]', more));
  const metadata = await sharp(await (await fetch(link as string)).arrayBuffer()).metadata();
  expect(metadata).toMatchObject({ format: 'png', width: 1664, height: 2496 });
});

test('max_images caps n, and gives no more than n', async () => {
  const capped = { sequential_image_generation_options: { max_images: 2 } };
  expect(await linksOf(await order('a group [[slow=0]]', { ...capped, n: 3 }))).toHaveLength(2);
  expect(await linksOf(await order('no more [[slow=0]]', { ...capped, n: 1 }))).toHaveLength(1);
});

test('every POST is a new order, whatever its Idempotency-Key', async () => {
  const body = { model: MODEL, prompt: 'twice [[slow=0]]', n: 2 };
  const key = { 'idempotency-key': 'one' };
  const [first, second] = [await caller.post(SUBMIT, body, key), await caller.post(SUBMIT, body, key)];
  expect(first.json.id).not.toBe(second.json.id);
  expect(await caller.chargesOf(body.prompt)).toMatchObject([
    { images: 2, credits: 8, refunded: false },
    { images: 2, credits: 8, refunded: false },
  ]);
});

test('fail and moderated end in an error of the same envelope, and are refunded', async () => {
  for (const [prompt, code] of [
    ['doomed [[fail]] [[slow=0.1]]', 20500],
    ['doomed [[fail=61234]] [[slow=0.1]]', 61234],
    ['a scandal [[moderated]] [[slow=0.1]]', 20400],
  ] as const) {
    const submitted = (await submit(prompt)).json;
    const task = await caller.until(
      () => poll(submitted.id as string),
      ({ status }) => status === 'failed',
    );
    const error = { code, message: expect.any(String), request_id: expect.any(String) };
    expect(task).toEqual({ ...submitted, status: 'failed', output: null, error });
    expect(await caller.chargesOf(prompt)).toMatchObject([{ taskId: submitted.id, refunded: true }]);
  }
});

test.concurrent('partial gives fewer links and bills those; late-asset is completed without links first', async () => {
  const prompt = 'a few [[partial=2]] [[slow=0]]';
  expect(await linksOf(await order(prompt, { n: 4 }))).toHaveLength(2);
  expect(await caller.chargesOf(prompt)).toMatchObject([{ images: 2, credits: 8, refunded: false }]);
  const id = await order('late [[late-asset]] [[slow=0]]');
  expect((await poll(id)).json).toMatchObject({ status: 'completed', output: { image_urls: [] } });
  const isThere = ({ output }: Answer['json']) => (output as { image_urls: string[] }).image_urls.length === 1;
  expect(await caller.until(() => poll(id), isThere)).toMatchObject({ status: 'completed' });
});

test.concurrent('stuck never ends, odd-status says a word nobody documented, lost-poll is a 404', async () => {
  const odd = await order('odd [[odd-status]] [[slow=0]]');
  expect(['processing', 'completed', 'failed']).not.toContain((await poll(odd)).json.status);
  const stuck = await order('a jam [[stuck]] [[slow=0]]');
  expect((await poll(stuck)).json).toMatchObject({ id: stuck, status: 'processing' });
  expect(await linksOf(odd)).toHaveLength(1);
  const vanished = await order('vanished [[lost-poll]] [[slow=0]]');
  expect(await poll(vanished)).toMatchObject({
    status: 404,
    json: { error: { code: 40001, message: 'Task not found' } },
  });
  expect(await caller.chargesOf('vanished [[lost-poll]] [[slow=0]]')).toHaveLength(1);
});

test('rate-limited and no-credits refuse the submit in the envelope, and bill nothing', async () => {
  const busy = await submit('busy [[rate-limited]]');
  expect(busy).toMatchObject({ status: 429, json: { error: { code: 50001 } } });
  expect(busy.headers.get('retry-after')).toBe('1');
  expect((await submit('busy [[rate-limited]]')).status).toBe(200);
  expect(await submit('poor [[no-credits]]')).toMatchObject({ status: 402, json: { error: { code: 30001 } } });
  expect(await caller.chargesOf('poor [[no-credits]]')).toEqual([]);
});

test('lost-answer and submit-500 make and bill a task that nobody was told of', async () => {
  await expect(submit('lost [[lost-answer]] [[slow=0]]')).rejects.toThrow('fetch failed');
  expect(await submit('broken [[submit-500]] [[slow=0]]')).toMatchObject({
    status: 500,
    json: { error: { code: 60001 } },
  });
  for (const prompt of ['lost [[lost-answer]] [[slow=0]]', 'broken [[submit-500]] [[slow=0]]']) {
    const [charge] = await caller.chargesOf(prompt);
    expect(await linksOf(charge?.taskId as string)).toHaveLength(1);
  }
});

test('expired-url, bad-image and huge-image spoil the file behind the link', async () => {
  const [gone] = await linksOf(await order('gone [[expired-url]] [[slow=0]]'));
  expect((await fetch(gone as string)).status).toBe(403);
  const [fake] = await linksOf(await order('fake [[bad-image]] [[slow=0]]'));
  expect(await (await fetch(fake as string)).text()).toMatch(/^<!doctype html>/);
  const [huge] = await linksOf(await order('huge [[huge-image]] [[slow=0]]'));
  const response = await fetch(huge as string);
  expect(response.headers.get('content-length')).toBeNull();
  await response.body?.cancel();
});

test('what is neither a submit nor a poll is not there', async () => {
  for (const path of [SUBMIT, '/api/v1/tasks/', '/v1/tasks/task_1', '/api/v1/balance']) {
    expect(await caller.send(path)).toMatchObject({ status: 404, json: { error: { code: 40001 } } });
  }
});
