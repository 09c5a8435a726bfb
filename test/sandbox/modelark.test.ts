import { createParser } from 'eventsource-parser';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
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
const model = 'seedream-5-0-260128';
const SOON = { timeout: 10_000 };

type More = Record<string, unknown>;
type Item = { url?: string; size?: string; b64_json?: string; error?: { code: string; message: string } };

async function generate(prompt: string, more: More = {}) {
  return caller.post(PATH, { model, prompt, ...more });
}

/** The images of a request that is answered. */
async function images(prompt: string, more: More = {}): Promise<Item[]> {
  const { status, json } = await generate(`${prompt} [[slow=0]]`, more);
  expect(status, JSON.stringify(json)).toBe(200);
  return json.data as Item[];
}

async function open(prompt: string, more: More = {}, signal?: AbortSignal): Promise<Response> {
  const body = JSON.stringify({ model, prompt, stream: true, ...more });
  return caller.open(PATH, { method: 'POST', body, ...(signal ? { signal } : {}) });
}

/** The events that come until the end, or until the connection is lost. */
async function readEvents(response: Response) {
  const events: { event: string | undefined; at: number; data: More }[] = [];
  const parser = createParser({
    onEvent: ({ event, data }) =>
      events.push({ event, at: performance.now(), data: data === '[DONE]' ? { done: true } : JSON.parse(data) }),
  });
  const decoder = new TextDecoder();
  let isWhole = true;
  try {
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) parser.feed(decoder.decode(chunk));
  } catch {
    isWhole = false;
  }
  return { events, isWhole };
}

function series(max_images: number): More {
  return { sequential_image_generation: 'auto', sequential_image_generation_options: { max_images } };
}

const refusedImage = {
  error: { code: 'OutputImageSensitiveContentDetected', message: expect.stringMatching(/Request ID: /) },
};

test('the answer comes when the image is there, with the fields of the official example', async () => {
  const began = performance.now();
  const { status, json } = await generate('a fox [[slow=0.2]]', { watermark: false });
  expect(performance.now() - began).toBeGreaterThan(190);
  expect({ status, json }).toEqual({
    status: 200,
    json: {
      model,
      created: expect.any(Number),
      data: [
        { url: expect.stringMatching(`^${sandbox.url}/modelark/files/ark_[a-z0-9]{16}/0.jpg$`), size: '2048x2048' },
      ],
      usage: { generated_images: 1, output_tokens: 16384, total_tokens: 16384 },
    },
  });
});

test('a series is bounded by max_images, and counts the tokens of all', async () => {
  const { json } = await generate('three [[slow=0]]', { size: '2720x1536', ...series(3) });
  expect(json.data).toHaveLength(3);
  expect(json.usage).toEqual({ generated_images: 3, output_tokens: 48960, total_tokens: 48960 });
  expect(
    await images('all it may', { sequential_image_generation: 'auto', image: ['https://a.test/b.png'] }),
  ).toHaveLength(14);
  expect(await images('not asked for', { ...series(5), sequential_image_generation: 'disabled' })).toHaveLength(1);
});

test('a file has the pixels and the format of the answer, and a watermark unless it is switched off', async () => {
  const bytes = async (more: More) => {
    const [image] = await images('a heron', { size: '2560x1440', ...more });
    return Buffer.from(await (await fetch(image?.url as string)).arrayBuffer());
  };
  const [marked, unmarked, png] = await Promise.all([
    bytes({}),
    bytes({ watermark: false }),
    bytes({ output_format: 'png' }),
  ]);
  expect(await sharp(marked).metadata()).toMatchObject({ format: 'jpeg', width: 2560, height: 1440 });
  expect(await sharp(png).metadata()).toMatchObject({ format: 'png', width: 2560, height: 1440 });
  expect(marked.equals(unmarked)).toBe(false);
  const [inline] = await images('a heron', { size: '2560x1440', watermark: false, response_format: 'b64_json' });
  expect(inline).toEqual({ b64_json: unmarked.toString('base64'), size: '2560x1440' });
});

test('with a label the prompt chooses the ratio, always the same one', async () => {
  const areas = { '2K': 4_194_304, '3K': 9_437_184, '4K': 16_777_216 };
  for (const [size, area] of Object.entries(areas)) {
    const sizes = await Promise.all(
      ['a', 'b', 'c', 'd', 'e', 'a'].map(async (word) => (await images(word, { size }))[0]?.size),
    );
    expect(sizes[5]).toBe(sizes[0]);
    expect(new Set(sizes).size).toBeGreaterThan(1);
    for (const pixels of sizes) {
      const [width = 0, height = 0] = pixels?.split('x').map(Number) ?? [];
      expect(Math.abs(Math.log((width * height) / area))).toBeLessThan(0.15);
    }
  }
});

test('a stream brings each image when it is done, its headers with the first, usage and DONE at the end', async () => {
  const began = performance.now();
  const response = await open('a story [[slow=0.6]]', {
    size: '2560x1440',
    tools: [{ type: 'web_search' }],
    ...series(3),
  });
  const headersAt = performance.now();
  expect(headersAt - began).toBeGreaterThan(190);
  expect(response.headers.get('content-type')).toBe('text/event-stream');
  const { events } = await readEvents(response);
  const head = { model, created: expect.any(Number) };
  const partial = (image_index: number) => ({
    event: 'image_generation.partial_succeeded',
    at: expect.any(Number),
    data: {
      type: 'image_generation.partial_succeeded',
      ...head,
      image_index,
      url: expect.stringMatching(`/${image_index}.jpg$`),
      size: '2560x1440',
    },
  });
  const usage = { generated_images: 3, output_tokens: 43200, total_tokens: 43200, tool_usage: { web_search: 1 } };
  expect(events).toEqual([
    partial(0),
    partial(1),
    partial(2),
    {
      event: 'image_generation.completed',
      at: expect.any(Number),
      data: { type: 'image_generation.completed', ...head, usage },
    },
    { event: undefined, at: expect.any(Number), data: { done: true } },
  ]);
  expect((events[2]?.at ?? 0) - headersAt).toBeGreaterThan(100);
});

test('an image of a series can be fetched as soon as its event is there', async () => {
  const response = await open('early [[slow=2]]', { ...series(10), watermark: false });
  const reader = response.body?.getReader();
  const { value } = (await reader?.read()) ?? {};
  const data = /data: (.*)/.exec(new TextDecoder().decode(value))?.[1] ?? '';
  expect((await fetch(JSON.parse(data).url)).status).toBe(200);
  await reader?.cancel();
});

test('null is as good as nothing, and keys nobody documented are let through', async () => {
  const { status } = await generate('nulls [[slow=0]]', {
    image: null,
    size: null,
    seed: null,
    guidance_scale: null,
    stream: null,
    tools: null,
    watermark: null,
    response_format: null,
    sequential_image_generation: null,
    sequential_image_generation_options: { max_images: null },
    optimize_prompt_options: null,
    something_new: { deep: true },
  });
  expect(status).toBe(200);
});

const url = 'https://example.com/a.png';
const REFUSED: [claim: string, body: More, param: string, code?: string, status?: number][] = [
  ['no model', { model: undefined }, 'model', 'MissingParameter'],
  ['no prompt', { prompt: undefined }, 'prompt', 'MissingParameter'],
  ['a null prompt', { prompt: null }, 'prompt', 'MissingParameter'],
  ['another model', { model: 'doubao-seedream-5-0-260128' }, 'model', 'UnsupportedModel', 404],
  ['a model that is no text', { model: 5 }, 'model'],
  ['an empty prompt', { prompt: '' }, 'prompt'],
  ['15 references', { image: Array(15).fill(url) }, 'image'],
  ['references and images over 15', { image: Array(13).fill(url), ...series(3) }, 'image'],
  ['a series of 16', series(16), 'sequential_image_generation_options.max_images'],
  ['a series of none', series(0), 'sequential_image_generation_options.max_images'],
  ['a series by another word', { sequential_image_generation: 'on' }, 'sequential_image_generation'],
  ['a reference that is neither URL nor data', { image: 'cat.png' }, 'image'],
  ['a reference with its format in capitals', { image: 'data:image/PNG;base64,AAAA' }, 'image'],
  ['a reference of another format', { image: 'data:image/svg+xml;base64,AAAA' }, 'image'],
  ['a reference that is no base64', { image: 'data:image/bmp;base64,A A!' }, 'image'],
  ['a reference that is no picture', { image: 'data:image/png;base64,AAAA' }, 'image'],
  ['too few pixels', { size: '1500x1500' }, 'size'],
  ['too many pixels', { size: '4096x4112' }, 'size'],
  ['a strip beyond 1:16', { size: '8000x480' }, 'size'],
  ['a ratio for a size', { size: '16:9' }, 'size'],
  ['a label it does not have', { size: '1K' }, 'size'],
  ['webp', { output_format: 'webp' }, 'output_format'],
  ['fast', { optimize_prompt_options: { mode: 'fast' } }, 'optimize_prompt_options.mode'],
  ['a tool it does not have', { tools: [{ type: 'calculator' }] }, 'tools.type'],
  ['a seed', { seed: 5 }, 'seed'],
  ['a watermark by word', { watermark: 'no' }, 'watermark'],
  ['another form of answer', { response_format: 'bytes' }, 'response_format'],
];
test.each(REFUSED)(
  '%s is refused at once, streamed or not, and costs nothing',
  async (claim, wrong, param, code, status) => {
    for (const stream of [false, true]) {
      const refused = await generate(claim, { stream, ...wrong });
      expect({ status: refused.status, json: refused.json }).toEqual({
        status: status ?? 400,
        json: {
          error: {
            code: code ?? 'InvalidParameter',
            message: expect.stringMatching(/\. Request ID: [0-9a-f-]{36}$/),
            param,
            type: status === 404 ? 'NotFound' : 'BadRequest',
          },
        },
      });
      expect(refused.headers.get('content-type')).toBe('application/json');
    }
    expect(await caller.chargesOf(claim)).toEqual([]);
  },
);

test('the words for fast and for 15 references are those that were measured', async () => {
  const fast = await generate('x', { optimize_prompt_options: { mode: 'fast' } });
  expect(fast.json).toMatchObject({ error: { message: /^optimize_prompt_options\.mode must be 'standard'/ } });
  const many = await generate('x', { image: Array(15).fill(url) });
  expect(many.json).toMatchObject({ error: { message: /^number of reference images cannot exceed 14/ } });
});

async function draw(width: number, height: number, format: 'png' | 'jpeg' | 'webp'): Promise<string> {
  const picture = sharp({ create: { width, height, channels: 3, background: '#369' } });
  return `data:image/${format};base64,${(await picture.toFormat(format).toBuffer()).toString('base64')}`;
}

test('references are taken as links and as pictures, of the sides and ratios it documents', async () => {
  const [png, jpeg, webp] = [await draw(15, 240, 'png'), await draw(600, 400, 'jpeg'), await draw(64, 64, 'webp')];
  expect(await images('all forms', { image: [url, png, jpeg, webp] })).toHaveLength(1);
  expect(await images('one alone', { image: png })).toHaveLength(1);
  expect(await images('fourteen', { image: Array(14).fill(url) })).toHaveLength(1);
  for (const wrong of [await draw(14, 100, 'png'), await draw(20, 321, 'png'), await draw(6001, 6000, 'png')]) {
    expect(await generate('unfit', { image: wrong })).toMatchObject({
      status: 400,
      json: { error: { code: 'InvalidParameter', param: 'image' } },
    });
  }
});

test('partial=COUNT gives the rest an error of their own inside the 200, and bills what came', async () => {
  const prompt = 'a few [[partial=2]] [[slow=0]]';
  const { status, json } = await generate(prompt, series(4));
  expect(status).toBe(200);
  expect(json.data).toEqual([
    { url: expect.any(String), size: '2048x2048' },
    expect.anything(),
    refusedImage,
    refusedImage,
  ]);
  expect(json.usage).toMatchObject({ generated_images: 2 });
  expect(await caller.chargesOf(prompt)).toMatchObject([{ images: 2, credits: 2, unit: 'images', refunded: false }]);
  const { events } = await readEvents(await open(prompt, series(3)));
  expect(events.map(({ event }) => event)).toEqual([
    'image_generation.partial_succeeded',
    'image_generation.partial_succeeded',
    'image_generation.partial_failed',
    'image_generation.completed',
    undefined,
  ]);
  expect(events[2]?.data).toEqual({
    type: 'image_generation.partial_failed',
    model,
    created: expect.any(Number),
    image_index: 2,
    ...refusedImage,
  });
});

test('fail is an internal error that ends the series, and bills nothing', async () => {
  const prompt = 'doomed [[fail]] [[slow=0]]';
  const { status, json } = await generate(prompt, series(3));
  expect({ status, json }).toMatchObject({
    status: 200,
    json: { data: [{ error: { code: 'InternalServiceError' } }], usage: { generated_images: 0, output_tokens: 0 } },
  });
  expect(json.data).toHaveLength(1);
  const { events } = await readEvents(await open(prompt, series(3)));
  expect(events.map(({ data }) => data.type ?? data)).toEqual([
    'image_generation.partial_failed',
    'image_generation.completed',
    { done: true },
  ]);
  const none = { images: 0, credits: 0, refunded: true };
  expect(await caller.chargesOf(prompt)).toMatchObject([none, none]);
});

test('fail=CODE is of each image or of the request, as the code is', async () => {
  const each = await generate('x [[fail=OutputImageRiskDetection]] [[slow=0]]', series(2));
  expect(each).toMatchObject({
    status: 200,
    json: { data: Array(2).fill({ error: { code: 'OutputImageRiskDetection' } }) },
  });
  const prompt = 'x [[fail=ContentSecurityDetectionError]] [[slow=0.1]]';
  const whole = { error: { code: 'ContentSecurityDetectionError', type: 'BadRequest' } };
  expect(await generate(prompt)).toMatchObject({ status: 400, json: whole });
  const response = await open(prompt);
  expect(response.status).toBe(200);
  expect((await readEvents(response)).events).toMatchObject([{ event: undefined, data: whole }]);
});

test('what cannot be accepted says so in the documented way, and bills nothing', async () => {
  const refusals = [
    ['no-credits', 403, 'AccountOverdueError', 'Forbidden'],
    ['moderated', 400, 'InputTextSensitiveContentDetected', 'BadRequest'],
    ['rate-limited=2', 429, 'RateLimitExceeded.EndpointRPMExceeded', 'TooManyRequests'],
  ] as const;
  for (const [directive, status, code, type] of refusals) {
    const prompt = `never [[${directive}]] [[slow=0]]`;
    for (const stream of [false, true]) {
      expect(await generate(prompt, { stream })).toMatchObject({ status, json: { error: { code, type, param: '' } } });
    }
    expect(await caller.chargesOf(prompt)).toEqual([]);
  }
  expect((await generate('never [[rate-limited=2]] [[slow=0]]')).status).toBe(200);
});

test('lost-answer cuts before the first byte, and every image is made and billed all the same', async () => {
  const prompt = 'lost [[lost-answer]] [[slow=0.6]]';
  await expect(open(prompt, series(2))).rejects.toThrow('fetch failed');
  expect(await caller.chargesOf(prompt)).toMatchObject([{ images: 0, refunded: false }]);
  await vi.waitFor(async () => expect(await caller.chargesOf(prompt)).toMatchObject([{ images: 2, credits: 2 }]), SOON);
});

test('lost-answer=COUNT cuts a stream after that many events', async () => {
  const { events, isWhole } = await readEvents(await open('cut [[lost-answer=2]] [[slow=0.1]]', series(4)));
  expect(events.map(({ data }) => data.image_index)).toEqual([0, 1]);
  expect(isWhole).toBe(false);
});

test('a caller that leaves does not stop the billing', async () => {
  const leaving = new AbortController();
  const prompt = 'left alone [[slow=1.2]]';
  const response = await open(prompt, series(12), leaving.signal);
  leaving.abort();
  await expect(response.text()).rejects.toThrow();
  const [charge] = await caller.chargesOf(prompt);
  expect(charge?.images).toBeLessThan(12);
  await vi.waitFor(async () => expect(await caller.chargesOf(prompt)).toMatchObject([{ images: 12 }]), SOON);
});

test('submit-500 is an internal error for a request that goes on, and bills', async () => {
  const prompt = 'broken [[submit-500]] [[slow=0]]';
  expect(await generate(prompt)).toMatchObject({
    status: 500,
    json: { error: { code: 'InternalServiceError', type: 'InternalServerError' } },
  });
  expect(await caller.chargesOf(prompt)).toMatchObject([{ images: 1 }]);
});

test('stuck never answers, bills nothing, and does not keep the sandbox from stopping', async () => {
  const own = await startSandbox({ port: 0 });
  const stuck = createCaller(own.url, 'modelark');
  const answers = [false, true].map((stream) =>
    stuck.post(PATH, { model, prompt: 'never [[stuck]] [[slow=0]]', stream }),
  );
  const settled = Promise.allSettled(answers);
  await vi.waitFor(async () => expect(await stuck.chargesOf('never [[stuck]] [[slow=0]]')).toHaveLength(2), SOON);
  expect(await stuck.chargesOf('never [[stuck]] [[slow=0]]')).toMatchObject(
    Array(2).fill({ images: 0, refunded: false }),
  );
  expect((await stuck.list('/_log')).map(({ status }) => status)).toEqual([null, null]);
  await own.stop();
  expect((await settled).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
});

test('odd-status is an event nobody documented, and without events a field', async () => {
  const prompt = 'odd [[odd-status]] [[slow=0]]';
  const [{ events }, { json }] = await Promise.all([open(prompt).then(readEvents), generate(prompt)]);
  expect(events.map(({ event }) => event)).toEqual([
    'image_generation.partial_succeeded',
    'image_generation.reviewing_v2',
    'image_generation.completed',
    undefined,
  ]);
  expect(json).toMatchObject({ status: 'reviewing_v2', data: [{ size: '2048x2048' }] });
});

test('late-asset is a link that leads nowhere for a moment', async () => {
  const [image] = await images('late [[late-asset]]', { size: '2560x1440' });
  expect((await fetch(image?.url as string)).status).toBe(403);
  await vi.waitUntil(async () => (await fetch(image?.url as string)).status === 200, { ...SOON, interval: 100 });
});

test('expired-url, bad-image and huge-image are in the files', async () => {
  const link = async (prompt: string) => (await images(prompt))[0]?.url as string;
  expect((await fetch(await link('[[expired-url]] x'))).status).toBe(403);
  expect(await (await fetch(await link('[[bad-image]] x'))).text()).toMatch(/^<!doctype html>/);
  const leaving = new AbortController();
  const { headers } = await fetch(await link('[[huge-image]] x'), { signal: leaving.signal });
  leaving.abort();
  expect([headers.get('content-type'), headers.get('content-length')]).toEqual(['image/jpeg', null]);
  const [inline] = await images('[[bad-image]] x', { response_format: 'b64_json' });
  expect(Buffer.from(inline?.b64_json as string, 'base64').toString()).toMatch(/^<!doctype html>/);
});

test('what it has no such thing for changes nothing: callbacks and polls', async () => {
  expect(await images('[[no-callback]] [[double-callback]] [[lost-poll]] plain')).toEqual([
    { url: expect.any(String), size: '2048x2048' },
  ]);
});

test('a wrong key and an unknown path have the envelope', async () => {
  expect(await createCaller(sandbox.url, 'modelark', 'ark-live').post(PATH, { model, prompt: 'x' })).toMatchObject({
    status: 401,
    json: {
      error: {
        code: 'AuthenticationError',
        message: /^the API key or AK\/SK in the request is missing or invalid\. Request ID: /,
        param: '',
        type: 'Unauthorized',
      },
    },
  });
  expect(await caller.get(PATH)).toMatchObject({ status: 404, json: { error: { type: 'NotFound' } } });
  for (const body of ['{', '[]', 'null', '']) {
    expect(await caller.send(PATH, { method: 'POST', body })).toMatchObject({
      status: 400,
      json: { error: { code: 'InvalidParameter' } },
    });
  }
});
