import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.ts';
import { createClient } from './client.ts';

let sandbox: Sandbox;
let client: ReturnType<typeof createClient>;
beforeAll(async () => {
  sandbox = await startSandbox({ port: 0 });
  client = createClient(sandbox.url);
});
afterAll(() => sandbox.stop());

async function chargesOf(prompt: string) {
  return (await client.list('/_billing')).filter((charge) => charge.prompt === prompt);
}

test('fail ends in the documented failure, at progress 0, and is refunded', async () => {
  const id = await client.order('doomed [[fail]] [[slow=0]]');
  expect((await client.poll(id)).json).toEqual({
    id,
    object: 'image.generation.task',
    status: 'failed',
    model: 'doubao-seedream-5.0-lite',
    progress: 0,
    error: { code: 'image_processing_error', message: 'Failed to process the image.' },
  });
  expect(await chargesOf('doomed [[fail]] [[slow=0]]')).toMatchObject([{ taskId: id, refunded: true }]);
});

test('fail=CODE ends in that documented code, and in the plain one when nobody documented it', async () => {
  for (const [asked, code] of [
    ['upstream_error', 'upstream_error'],
    ['toString', 'image_processing_error'],
  ]) {
    const { json } = await client.poll(await client.order(`doomed [[fail=${asked}]][[slow=0]]`));
    expect(json.error).toMatchObject({ code });
  }
});

test('moderated is accepted and fails at the end as a policy violation', async () => {
  const id = await client.order('[[moderated]] [[slow=0.3]] a scandal');
  expect((await client.poll(id)).json.status).not.toBe('failed');
  const task = await client.pollUntil(id, ({ status }) => status === 'failed');
  expect(task.error).toMatchObject({ code: 'content_policy_violation' });
});

test('partial=COUNT gives fewer pictures than asked and bills those it gave', async () => {
  const prompt = 'a few [[partial=2]] [[slow=0]]';
  expect(await client.results(prompt, { n: 4 })).toHaveLength(2);
  expect(await chargesOf(prompt)).toMatchObject([{ images: 2, credits: 6, refunded: false }]);
});

test('rate-limited=TIMES refuses that many submits of one prompt and key, and bills none of them', async () => {
  const prompt = 'busy [[rate-limited=2]] [[slow=0]]';
  const other = createClient(sandbox.url, 'sandbox-other');
  const refused = await client.submit(prompt);
  expect(refused.status).toBe(429);
  expect(refused.headers.get('retry-after')).toBe('1');
  expect(refused.json).toEqual({
    error: {
      code: 429,
      message: 'Rate limit exceeded',
      type: 'rate_limit_error',
      fallback_suggestion: 'retry after 60 seconds',
    },
  });
  expect((await client.submit(prompt)).status).toBe(429);
  expect((await client.submit(prompt)).status).toBe(200);
  expect((await other.submit(prompt)).status).toBe(429);
  expect(await chargesOf(prompt)).toHaveLength(1);
});

test('no-credits is a 402 and bills nothing', async () => {
  expect(await client.submit('poor [[no-credits]]')).toMatchObject({
    status: 402,
    json: { error: { code: 402, type: 'insufficient_quota_error' } },
  });
  expect(await chargesOf('poor [[no-credits]]')).toEqual([]);
});

test('lost-answer cuts the connection before the first byte, and bills', async () => {
  const prompt = 'lost [[lost-answer]] [[slow=0]]';
  await expect(client.submit(prompt)).rejects.toThrow('fetch failed');
  const [charge] = await chargesOf(prompt);
  expect((await client.poll(charge?.taskId as string)).json.status).toBe('completed');
  expect((await client.list('/_log')).at(-2)).toMatchObject({ status: null, body: { prompt } });
});

test('submit-500 answers 500 for a task that exists, and bills', async () => {
  const prompt = 'broken [[submit-500]] [[slow=0]]';
  expect(await client.submit(prompt)).toMatchObject({
    status: 500,
    json: { error: { code: 500, type: 'internal_server_error' } },
  });
  const [charge] = await chargesOf(prompt);
  expect((await client.poll(charge?.taskId as string)).json.status).toBe('completed');
});

test('stuck is processing for good, at a progress that no longer moves', async () => {
  const id = await client.order('[[stuck]] [[slow=0]] a traffic jam');
  const first = (await client.poll(id)).json;
  expect(first).toMatchObject({ status: 'processing', progress: 42 });
  expect((await client.poll(id)).json).toEqual(first);
});

test('expired-url gives links that answer 403, and fresh ones that do too', async () => {
  const id = await client.order('gone [[expired-url]] [[slow=0]]');
  const links = [];
  for (let look = 0; look < 2; look++) links.push(((await client.poll(id)).json.results as string[])[0] as string);
  expect(new Set(links).size).toBe(2);
  for (const link of links) expect((await fetch(link)).status).toBe(403);
});

test('bad-image is HTML that says it is a JPEG', async () => {
  const [link] = await client.results('fake [[bad-image]] [[slow=0]]');
  const response = await fetch(link as string);
  expect(response.headers.get('content-type')).toBe('image/jpeg');
  expect(await response.text()).toMatch(/^<!doctype html>/);
});

test('huge-image goes on past 200 MB and stops when the client leaves', async () => {
  const [link] = await client.results('endless [[huge-image]] [[slow=0]]');
  const leaving = new AbortController();
  const response = await fetch(link as string, { signal: leaving.signal });
  let bytes = 0;
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    if (bytes > 200 * 1024 * 1024) break;
  }
  leaving.abort();
  expect(bytes).toBeGreaterThan(200 * 1024 * 1024);
});

test('late-asset is completed with no results first, then with them', async () => {
  const id = await client.order('late [[late-asset]] [[slow=0]]');
  expect((await client.poll(id)).json).toMatchObject({ status: 'completed', progress: 100, results: [] });
  const task = await client.pollUntil(id, ({ results }) => (results as string[]).length > 0);
  expect(task).toMatchObject({ status: 'completed', results: [expect.any(String)] });
});

test('odd-status says a word nobody documented, then completes', async () => {
  const id = await client.order('odd [[odd-status]] [[slow=0]]');
  const { status } = (await client.poll(id)).json;
  expect(['pending', 'processing', 'completed', 'failed']).not.toContain(status);
  await client.pollUntil(id, (task) => task.status === 'completed');
});

test('lost-poll is a 404 on every poll of a task that was billed', async () => {
  const prompt = 'vanished [[lost-poll]] [[slow=0]]';
  const id = await client.order(prompt);
  for (let look = 0; look < 2; look++) {
    expect(await client.poll(id)).toMatchObject({
      status: 404,
      json: { error: { code: 404, message: 'Task not found or expired', type: 'not_found_error' } },
    });
  }
  expect(await chargesOf(prompt)).toHaveLength(1);
});

test('directives combine', async () => {
  const prompt = '[[rate-limited]] [[late-asset]] [[partial=1]] [[slow=0]] all at once';
  expect((await client.submit(prompt, { n: 3 })).status).toBe(429);
  const id = await client.order(prompt, { n: 3 });
  const task = await client.pollUntil(id, ({ results }) => (results as string[]).length > 0);
  expect(task.results).toHaveLength(1);
});

test('one prompt ordered twice is billed twice, with the same request hash', async () => {
  const prompt = 'twice [[slow=0]]';
  const ids = [await client.order(prompt, { n: 2 }), await client.order(prompt, { n: 2 })];
  const [first, second] = await chargesOf(prompt);
  expect([first?.taskId, second?.taskId]).toEqual(ids);
  expect(first).toEqual({
    provider: 'gptimage2',
    taskId: ids[0],
    prompt,
    images: 2,
    credits: 6,
    refunded: false,
    unit: 'credits',
    chargedAt: expect.stringMatching(/^\d{4}-.*Z$/),
    requestHash: expect.stringMatching(/^[0-9a-f]{64}$/),
  });
  expect(second?.requestHash).toBe(first?.requestHash);
});

test('the log holds each request in order, with its body and status, and no key', async () => {
  const id = await client.order('logged [[slow=0]]');
  await client.poll(id);
  await client.send('/v1/images/generations', { method: 'POST', body: 'not json' });
  const log = await client.list('/_log');
  expect(log.slice(-3)).toMatchObject([
    { method: 'POST', path: '/gptimage2/v1/images/generations', status: 200, body: { prompt: 'logged [[slow=0]]' } },
    { method: 'GET', path: `/gptimage2/v1/tasks/${id}`, status: 200, body: null },
    { method: 'POST', path: '/gptimage2/v1/images/generations', status: 400, body: 'not json' },
  ]);
  expect(JSON.stringify(log)).not.toContain('sandbox-test');
});
