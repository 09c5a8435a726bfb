import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.ts';
import { createClient } from './client.ts';

const SEED_SUBMITTED = {
  created: 1757165031,
  id: 'task-unified-1757165031-seedream5d',
  model: 'doubao-seedream-5.0-lite',
  object: 'image.generation.task',
  progress: 0,
  status: 'pending',
  task_info: { can_cancel: true, estimated_time: 45 },
  type: 'image',
  usage: { billing_rule: 'per_call', credits_reserved: 3.0, user_group: 'default' },
};
const SEED_COMPLETED = {
  created: 1756817821,
  id: 'task-unified-1756817821-4x3rx6ny',
  model: 'gpt-4o-image',
  object: 'image.generation.task',
  progress: 100,
  results: ['http://example.com/image.jpg'],
  status: 'completed',
  task_info: { can_cancel: false },
  type: 'image',
};

let sandbox: Sandbox;
let client: ReturnType<typeof createClient>;
beforeAll(async () => {
  sandbox = await startSandbox({ port: 0 });
  client = createClient(sandbox.url);
});
afterAll(() => sandbox.stop());

test("seed 000's own request is answered with the fields and types of seed 000", async () => {
  const { status, json } = await client.submit('A clean product poster of a solar street light', {
    size: '16:9',
    quality: '2K',
  });
  expect(status).toBe(200);
  expect(toShape(json)).toEqual(toShape(SEED_SUBMITTED));
  expect(json).toMatchObject({
    model: SEED_SUBMITTED.model,
    object: SEED_SUBMITTED.object,
    status: 'pending',
    progress: 0,
  });
  expect(json.usage).toEqual(SEED_SUBMITTED.usage);
  expect(json.id).toMatch(new RegExp(`^task-unified-${json.created}-[a-z0-9]{8}$`));
});

test('a completed task has the fields and types of seed 000, and one link per picture on its own origin', async () => {
  const id = await client.order('three tulips [[slow=0]]', { n: 3 });
  const { status, json } = await client.poll(id);
  expect(status).toBe(200);
  expect(toShape({ ...json, results: ['one'] })).toEqual(toShape(SEED_COMPLETED));
  expect(json).toMatchObject({ progress: 100, status: 'completed', task_info: { can_cancel: false } });
  expect(json.results).toEqual([0, 1, 2].map((index) => `${sandbox.url}/gptimage2/files/${id}/${index}.jpg`));
});

test('a task goes from pending through processing to completed with whole, rising progress and no results before the end', async () => {
  const seen: Record<string, unknown>[] = [];
  await client.pollUntil(await client.order('a slow sunrise [[slow=1]]'), (task) => {
    seen.push(task);
    return task.status === 'completed';
  });
  const progress = seen.map((task) => task.progress as number);
  expect([...new Set(seen.map((task) => task.status))]).toEqual(['pending', 'processing', 'completed']);
  expect(progress).toEqual([...progress].sort((a, b) => a - b));
  expect(progress.every(Number.isInteger)).toBe(true);
  expect(new Set(progress).size).toBeGreaterThan(5);
  expect(seen.filter((task) => 'results' in task)).toHaveLength(1);
});

test('a plain prompt takes about three seconds', async () => {
  const id = await client.order('a plain prompt');
  const began = performance.now();
  await client.pollUntil(id, ({ status }) => status === 'completed');
  expect(performance.now() - began).toBeGreaterThan(2500);
  expect(performance.now() - began).toBeLessThan(4500);
});

test('a key that is not a sandbox key gets the provider’s own 401', async () => {
  for (const authorization of ['Bearer sk-live', 'sandbox-bare', 'Bearer xsandbox', '']) {
    const { status, json } = await client.send('/v1/tasks/task-unified-1-abcdefgh', { headers: { authorization } });
    expect({ status, json }).toEqual({
      status: 401,
      json: { error: { code: 401, message: 'Invalid or missing API key', type: 'authentication_error' } },
    });
  }
});

test('an id of the wrong form is a 400 with a code that is a word, an unknown one a 404 with a number', async () => {
  expect(await client.poll('job-1')).toMatchObject({
    status: 400,
    json: {
      error: {
        code: 'invalid_task_id',
        message: "Invalid task ID format, must start with 'task-unified-'",
        type: 'invalid_request_error',
        param: 'task_id',
      },
    },
  });
  expect(await client.poll('task-unified-1757165031-seedream5d')).toMatchObject({
    status: 404,
    json: { error: { code: 404, message: 'Task not found or expired', type: 'not_found_error' } },
  });
});

const image = 'https://example.com/a.png';
const REFUSED: [claim: string, body: Record<string, unknown>, param: string][] = [
  ['another model', { model: 'doubao-seedream-4.5' }, 'model'],
  ['no model', { model: undefined }, 'model'],
  ['no prompt', { prompt: undefined }, 'prompt'],
  ['an empty prompt', { prompt: '  ' }, 'prompt'],
  ['a prompt that is no string', { prompt: 5 }, 'prompt'],
  ['a prompt of more than 2000 tokens', { prompt: 'word'.repeat(2001) }, 'prompt'],
  ['n = 0', { n: 0 }, 'n'],
  ['n = 16', { n: 16 }, 'n'],
  ['a fractional n', { n: 1.5 }, 'n'],
  ['n as a string', { n: '1' }, 'n'],
  ['references and pictures over 15', { n: 5, image_urls: Array(11).fill(image) }, 'n'],
  ['15 references', { image_urls: Array(15).fill(image) }, 'image_urls'],
  ['references that are no URLs', { image_urls: ['data:image/png;base64,AAAA'] }, 'image_urls'],
  ['one reference outside an array', { image_urls: image }, 'image_urls'],
  ['a ratio it does not know', { size: '9:21' }, 'size'],
  ['a word for a size', { size: 'large' }, 'size'],
  ['too few pixels', { size: '1500x1500' }, 'size'],
  ['too many pixels', { size: '4096x4112' }, 'size'],
  ['a strip beyond 1:16', { size: '8000x480' }, 'size'],
  ['quality 3K', { quality: '3K' }, 'quality'],
  ['quality with a pixel size', { size: '2048x2048', quality: '2K' }, 'quality'],
  ['prompt_priority fast', { prompt_priority: 'fast' }, 'prompt_priority'],
  ['a callback over http', { callback_url: 'http://example.com/hook' }, 'callback_url'],
  ['a callback over something else on loopback', { callback_url: 'ftp://127.0.0.1/hook' }, 'callback_url'],
  ['a callback that is no URL', { callback_url: 'hook' }, 'callback_url'],
  ['a callback over 2048 characters', { callback_url: `https://example.com/${'x'.repeat(2048)}` }, 'callback_url'],
];
test.each(REFUSED)('%s is refused with the documented 400 and costs nothing', async (claim, body, param) => {
  const { status, json } = await client.submit(claim, body);
  expect(status).toBe(400);
  expect(json).toEqual({ error: { code: 400, message: expect.any(String), type: 'invalid_request_error', param } });
  expect((await client.list('/_billing')).filter(({ prompt }) => prompt === claim)).toEqual([]);
});

test('the outermost allowed values, and keys nobody documented, are accepted', async () => {
  const allowed = [
    { n: 15 },
    { n: 1, image_urls: Array(14).fill(image) },
    { size: '2560x1440' },
    { size: '4096x4096' },
    { size: '7680x480' },
    { prompt_priority: 'standard' },
    { callback_url: 'https://example.com/hook', prompt: 'quiet [[no-callback]]' },
    { prompt: 'word'.repeat(2000) },
    { size: '21:9' },
    { quality: '4K' },
    { something_new: { deep: true } },
  ];
  for (const more of allowed) expect((await client.submit('allowed', more)).status).toBe(200);
});

test('a body that is not a JSON object is a 400, one over a mebibyte a 413', async () => {
  for (const body of ['{', '[]', '"text"', 'null', '']) {
    expect(await client.send('/v1/images/generations', { method: 'POST', body })).toMatchObject({
      status: 400,
      json: { error: { code: 400, type: 'invalid_request_error' } },
    });
  }
  expect(await client.submit('x'.repeat(1024 * 1024))).toMatchObject({
    status: 413,
    json: { error: { code: 413, type: 'request_too_large_error' } },
  });
});

test('what is neither a submit nor a poll is not there', async () => {
  expect(await client.send('/v1/images/generations')).toMatchObject({ status: 404, json: { error: { code: 404 } } });
  expect(await client.send('/v1/models')).toMatchObject({ status: 404 });
  expect((await fetch(`${sandbox.url}/nobody/v1/tasks/1`)).status).toBe(404);
});

/** The same tree with each leaf replaced by its type. */
function toShape(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toShape);
  if (typeof value !== 'object' || value === null) return typeof value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, toShape(inner)]));
}
