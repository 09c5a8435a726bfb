import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.ts';
import { createCaller } from './caller.ts';

let sandbox: Sandbox;
let caller: ReturnType<typeof createCaller>;
beforeAll(async () => {
  sandbox = await startSandbox({ port: 0 });
  caller = createCaller(sandbox.url, 'modelark');
});
afterAll(() => sandbox.stop());

const PATH = '/api/v3/images/generations';

/** A picture with bytes behind its end, which no decoder minds. */
async function draw(bytes: number): Promise<string> {
  const picture = await sharp({ create: { width: 64, height: 64, channels: 3, background: '#369' } })
    .jpeg()
    .toBuffer();
  return `data:image/jpeg;base64,${Buffer.concat([picture, Buffer.alloc(bytes)]).toString('base64')}`;
}

test('references of megabytes are taken, and the log keeps the request without their bytes', async () => {
  const image = await draw(4 * 1024 * 1024);
  const request = { model: 'seedream-5-0-260128', prompt: 'heavy [[slow=0]]', image: [image, 'https://a.test/b.png'] };
  expect((await caller.post(PATH, request)).status).toBe(200);
  const short = `${image.slice(0, 40)}… (${image.length} characters)`;
  expect((await caller.list('/_log')).at(-1)).toMatchObject({
    status: 200,
    body: { ...request, image: [short, 'https://a.test/b.png'] },
  });
});

test('a reference over 30 MB is refused by name, a body over 64 MiB as a whole', async () => {
  const image = `data:image/bmp;base64,${'A'.repeat(42_000_000)}`;
  const heavy = await caller.post(PATH, { model: 'seedream-5-0-260128', prompt: 'too heavy', image });
  expect(heavy).toMatchObject({ status: 400, json: { error: { code: 'InvalidParameter', param: 'image' } } });
  const whole = await caller.send(PATH, { method: 'POST', body: Buffer.alloc(64 * 1024 * 1024 + 1, ' ') });
  expect(whole).toMatchObject({ status: 413, json: { error: { code: 'InvalidParameter', type: 'BadRequest' } } });
  expect((await caller.list('/_log')).at(-1)).toMatchObject({ status: 413, body: null });
});

test('a long text is cut down in the log too, and of a long list of short ones only the length is kept', async () => {
  const gptimage2 = createCaller(sandbox.url, 'gptimage2');
  await gptimage2.post('/v1/images/generations', { prompt: 'word '.repeat(20_000), n: 3 });
  expect((await caller.list('/_log')).at(-1)).toMatchObject({
    body: { prompt: `${'word '.repeat(8)}… (100000 characters)`, n: 3 },
  });
  const body = JSON.stringify({ words: Array(20_000).fill('word') });
  for (const long of [body, `${body}!`]) {
    await gptimage2.send('/v1/images/generations', { method: 'POST', body: long });
    expect((await caller.list('/_log')).at(-1)).toMatchObject({ body: `(${long.length} characters)` });
  }
});
