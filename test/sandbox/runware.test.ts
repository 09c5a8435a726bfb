import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.ts';
import { type Answer, createCaller } from './caller.ts';

type Fields = Record<string, unknown>;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const image = 'https://example.com/a.png';

let sandbox: Sandbox;
let caller: ReturnType<typeof createCaller>;
let receiver: Server;
let webhookURL: string;
let received: Fields[];
beforeAll(async () => {
  sandbox = await startSandbox({ port: 0 });
  caller = createCaller(sandbox.url, 'runware');
  received = [];
  receiver = createServer(async (request, response) => {
    received.push(JSON.parse(await text(request)));
    response.writeHead(204).end();
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  webhookURL = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`;
});
afterAll(async () => {
  await sandbox.stop();
  await new Promise((resolve) => receiver.close(resolve));
});

function toTask(positivePrompt: string, more: Fields = {}): Fields {
  return {
    taskType: 'imageInference',
    taskUUID: randomUUID(),
    model: 'bytedance:seedream@5.0-lite',
    positivePrompt,
    width: 2048,
    height: 2048,
    deliveryMethod: 'async',
    ...more,
  };
}

function send(...tasks: unknown[]): Promise<Answer> {
  return caller.post('/v1', tasks);
}

async function order(prompt: string, more: Fields = {}): Promise<string> {
  const task = toTask(prompt, more);
  const { status, json } = await send(task);
  expect(status, JSON.stringify(json)).toBe(200);
  return task.taskUUID as string;
}

function look(...ids: string[]): Promise<Answer> {
  return send(...ids.map((taskUUID) => ({ taskType: 'getResponse', taskUUID })));
}

function dataOf({ data = [] }: Answer['json']): Fields[] {
  return data as Fields[];
}

/** What getResponse says when nothing of the task is processing any more. */
function end(id: string): Promise<Answer['json']> {
  return caller.until(
    () => look(id),
    (json) => 'errors' in json || (dataOf(json).length > 0 && dataOf(json).every(({ imageURL }) => imageURL)),
  );
}

function urlOf(id: string, index: number, format = 'jpg'): string {
  return `${sandbox.url}/runware/files/${id}/${index}.${format}`;
}

test("every field of seed 001 with its seed's own values is accepted, and acknowledged by its taskUUID alone", async () => {
  const task = toTask('A still image of high quality [[slow=0]]', {
    outputType: 'URL',
    outputFormat: 'JPG',
    outputQuality: 95,
    uploadEndpoint:
      'https://your-bucket.s3.amazonaws.com/generated/content.mp4?X-Amz-Signature=abc123&X-Amz-Expires=3600',
    safety: { checkContent: false, mode: 'none' },
    ttl: 60,
    includeCost: false,
    numberResults: 1,
    inputs: { referenceImages: [image] },
    providerSettings: { bytedance: { maxSequentialImages: 1, optimizePromptMode: 'standard' } },
  });
  const { status, json } = await send(task);
  expect({ status, json }).toEqual({
    status: 200,
    json: { data: [{ taskType: 'imageInference', taskUUID: task.taskUUID }] },
  });
});

test('a synchronous task answers with its results, with the cost of each when that is asked for', async () => {
  const task = toTask('at once [[slow=0.1]]', { deliveryMethod: undefined, numberResults: 2, includeCost: true });
  const { status, json } = await send(task);
  const item = (index: number) => ({
    taskType: 'imageInference',
    taskUUID: task.taskUUID,
    imageUUID: expect.stringMatching(UUID),
    imageURL: urlOf(task.taskUUID as string, index),
    seed: expect.any(Number),
    NSFWContent: false,
    cost: 0.035,
  });
  expect({ status, json }).toEqual({ status: 200, json: { data: [item(0), item(1)] } });
  const [first, second] = dataOf(json);
  expect(first?.seed).not.toBe(second?.seed);
  expect(first?.imageUUID).not.toBe(second?.imageUUID);
});

test('one request asks about many tasks, and an id nobody submitted says nothing', async () => {
  const ids = [await order('one [[slow=0]]'), await order('two [[slow=0]]'), randomUUID()];
  const { status, json } = await look(...ids);
  expect(status).toBe(200);
  expect(dataOf(json).map(({ taskUUID }) => taskUUID)).toEqual(ids.slice(0, 2));
  const unknown = { taskUUID: randomUUID() };
  expect(await look(unknown.taskUUID)).toMatchObject({ status: 200, json: { data: [] } });
  const details = await send({ taskType: 'getTaskDetails', ...unknown });
  expect({ status: details.status, json: details.json }).toEqual({ status: 200, json: { data: [] } });
});

test('a taskUUID that is known is a conflict while it runs, when it has finished and when it is lost, billed once', async () => {
  for (const prompt of [
    'again [[slow=1000]]',
    'again [[slow=0]]',
    'again [[lost-poll]]',
    'again [[fail]] [[slow=0]]',
  ]) {
    const task = toTask(prompt);
    expect((await send(task)).status).toBe(200);
    const { status, json } = await send(task);
    expect({ status, json }).toEqual({
      status: 400,
      json: { errors: [toError('conflictTaskUUID', task.taskUUID, { parameter: 'taskUUID' })] },
    });
    expect(await caller.chargesOf(prompt)).toHaveLength(1);
  }
  const twin = toTask('twins [[slow=0]]');
  expect(await send(twin, twin)).toMatchObject({
    status: 200,
    json: { data: [{ taskUUID: twin.taskUUID }], errors: [{ code: 'conflictTaskUUID' }] },
  });
});

test('an error belongs to its task, and the others of the array succeed', async () => {
  const [good, bad, poor] = [
    toTask('good [[slow=0]]'),
    toTask('bad', { numberResults: 21 }),
    toTask('poor [[no-credits]]'),
  ];
  const { status, json } = await send(bad, good, { taskType: 'ping', ping: true }, poor);
  expect({ status, json }).toEqual({
    status: 200,
    json: {
      data: [
        { taskType: 'imageInference', taskUUID: good.taskUUID },
        { taskType: 'ping', pong: true },
      ],
      errors: [
        toError('invalidNumberResults', bad.taskUUID, { parameter: 'numberResults' }),
        toError('insufficientCredits', poor.taskUUID),
      ],
    },
  });
});

test('tasks of one array are billed one by one, each with a hash of its own', async () => {
  const tasks = ['billed one [[slow=0]]', 'billed two [[slow=0]]'].map((prompt) =>
    toTask(prompt, { numberResults: 3 }),
  );
  expect((await send(...tasks)).status).toBe(200);
  const [one, two] = await Promise.all(tasks.map((task) => caller.chargesOf(task.positivePrompt as string)));
  const charge = { images: 3, credits: expect.closeTo(0.105), unit: 'USD', refunded: false };
  expect([one, two]).toMatchObject([[charge], [charge]]);
  expect(one?.[0]?.requestHash).not.toBe(two?.[0]?.requestHash);
});

test('getTaskDetails gives back what was sent, and what came of it', async () => {
  const reference = `data:image/png;base64,${'A'.repeat(150_000)}`;
  const task = toTask('archived [[slow=0]]', { inputs: { referenceImages: Array(14).fill(reference) } });
  expect((await send(task)).status).toBe(200);
  const { json } = await send({ taskType: 'getTaskDetails', taskUUID: task.taskUUID });
  const short = { referenceImages: Array(14).fill(`${reference.slice(0, 40)}…`) };
  const { imageURL } = dataOf(await end(task.taskUUID as string))[0] as Fields;
  expect(dataOf(json)).toEqual([
    {
      taskType: 'getTaskDetails',
      taskUUID: task.taskUUID,
      request: [{ ...task, inputs: short }],
      response: { data: [expect.objectContaining({ taskUUID: task.taskUUID, imageURL })] },
    },
  ]);
  const failed = await order('archived too [[fail=timeoutProvider]] [[slow=0]]');
  const details = await send({ taskType: 'getTaskDetails', taskUUID: failed });
  expect(details.json).toMatchObject({
    data: [{ response: { errors: [{ code: 'timeoutProvider', taskUUID: failed }] } }],
  });
});

test('the key may be the first element of the array, and a wrong one is the provider’s 401', async () => {
  const nobody = { method: 'POST', headers: { authorization: '' } };
  const task = toTask('by the array [[slow=0]]');
  const withKey = (apiKey: string) => JSON.stringify([{ taskType: 'authentication', apiKey }, task]);
  const refused = {
    status: 401,
    json: { errors: [{ code: 'invalidApiKey', parameter: 'apiKey', taskType: 'authentication' }] },
  };
  expect(await caller.send('/v1', { ...nobody, body: withKey('live') })).toMatchObject(refused);
  expect(await caller.send('/v1', { ...nobody, body: JSON.stringify([task]) })).toMatchObject(refused);
  const { status, json } = await caller.send('/v1', { ...nobody, body: withKey('sandbox-test') });
  expect({ status, json }).toEqual({
    status: 200,
    json: { data: [{ taskType: 'imageInference', taskUUID: task.taskUUID }] },
  });
  expect(await caller.send('/v1', { ...nobody, body: withKey('sandbox-test') })).toMatchObject({
    status: 400,
    json: { errors: [{ code: 'conflictTaskUUID' }] },
  });
});

const REFUSED: [claim: string, more: Fields, code: string, parameter: string | string[]][] = [
  ['no taskUUID', { taskUUID: undefined }, 'missingTaskUUID', 'taskUUID'],
  ['a taskUUID of version 1', { taskUUID: 'c232ab00-9414-11ec-b3c8-9f6bdeced846' }, 'invalidTaskUUID', 'taskUUID'],
  ['another model', { model: 'bytedance:5@0' }, 'invalidModel', 'model'],
  ['no model', { model: undefined }, 'missingModel', 'model'],
  ['no prompt', { positivePrompt: undefined }, 'missingPositivePrompt', 'positivePrompt'],
  ['an empty prompt', { positivePrompt: '' }, 'invalidPositivePrompt', 'positivePrompt'],
  ['a prompt of 2001 characters', { positivePrompt: 'x'.repeat(2001) }, 'invalidPositivePrompt', 'positivePrompt'],
  ['a height without a width', { width: undefined }, 'missingWidth', 'width'],
  ['a width without a height', { height: undefined }, 'missingHeight', 'height'],
  ['a width in words', { width: '2048' }, 'invalidWidth', 'width'],
  ['too few pixels', { width: 1500, height: 1500 }, 'unsupportedDimensions', ['width', 'height']],
  ['too many pixels', { width: 4096, height: 4112 }, 'unsupportedDimensions', ['width', 'height']],
  ['a strip beyond 1:16', { width: 8000, height: 480 }, 'unsupportedDimensions', ['width', 'height']],
  ['no result', { numberResults: 0 }, 'invalidNumberResults', 'numberResults'],
  ['21 results', { numberResults: 21 }, 'invalidNumberResults', 'numberResults'],
  ['another output type', { outputType: 'file' }, 'invalidOutputType', 'outputType'],
  ['another output format', { outputFormat: 'jpeg' }, 'invalidOutputFormat', 'outputFormat'],
  ['a quality of 19', { outputQuality: 19 }, 'invalidOutputQuality', 'outputQuality'],
  ['a quality of 100', { outputQuality: 100 }, 'invalidOutputQuality', 'outputQuality'],
  ['another delivery method', { deliveryMethod: 'later' }, 'invalidDeliveryMethod', 'deliveryMethod'],
  ['a webhook that is no address', { webhookURL: 'hook' }, 'invalidWebhookURL', 'webhookURL'],
  ['an upload to nowhere', { uploadEndpoint: 'bucket' }, 'invalidUploadEndpoint', 'uploadEndpoint'],
  ['another safety mode', { safety: { mode: 'strict' } }, 'invalidMode', 'safety.mode'],
  ['a check in words', { safety: { checkContent: 'yes' } }, 'invalidCheckContent', 'safety.checkContent'],
  ['a ttl of 59', { ttl: 59 }, 'invalidTtl', 'ttl'],
  ['a cost in words', { includeCost: 'yes' }, 'invalidIncludeCost', 'includeCost'],
  ['no references in a list', { inputs: { referenceImages: [] } }, 'invalidReferenceImages', 'inputs.referenceImages'],
  ['a reference that is none', { referenceImages: ['a picture!'] }, 'invalidReferenceImages', 'referenceImages'],
  ['15 references', { inputs: { referenceImages: Array(15).fill(image) } }, 'arrayTooLong', 'inputs.referenceImages'],
  [
    '15 references at the top level',
    { referenceImages: Array(15).fill(image) },
    'arrayTooLong',
    'inputs.referenceImages',
  ],
  [
    'a series of 16',
    toSettings({ maxSequentialImages: 16 }),
    'invalidMaxSequentialImages',
    'providerSettings.bytedance.maxSequentialImages',
  ],
  [
    'a third optimisation',
    toSettings({ optimizePromptMode: 'best' }),
    'invalidOptimizePromptMode',
    'providerSettings.bytedance.optimizePromptMode',
  ],
  [
    'references and a series over 15',
    { inputs: { referenceImages: Array(6).fill(image) }, ...toSettings({ maxSequentialImages: 10 }) },
    'arrayTooLong',
    'inputs.referenceImages',
  ],
];
test.each(REFUSED)(
  '%s is refused with a 400 that names the parameter, and costs nothing',
  async (claim, more, code, parameter) => {
    const task = toTask(claim, more);
    const { status, json } = await send(task);
    expect({ status, json }).toEqual({ status: 400, json: { errors: [toError(code, task.taskUUID, { parameter })] } });
    expect(await caller.chargesOf(claim)).toEqual([]);
  },
);

test('the outermost allowed values, and keys nobody documented, are accepted', async () => {
  const allowed: Fields[] = [
    { positivePrompt: 'x'.repeat(2000) },
    { width: 2560, height: 1440 },
    { width: 4096, height: 4096 },
    { width: 7680, height: 480 },
    { numberResults: 20 },
    { outputFormat: 'WEBP', outputQuality: 20 },
    { outputFormat: 'PNG', outputQuality: 99 },
    { safety: { checkContent: true } },
    { safety: { mode: 'fast' } },
    { inputs: { referenceImages: Array(14).fill(image) } },
    { referenceImages: ['data:image/png;base64,AAAA', 'iVBORw0KGgo=', randomUUID(), image] },
    { inputs: { referenceImages: Array(5).fill(image) }, ...toSettings({ maxSequentialImages: 10 }) },
    toSettings({ maxSequentialImages: 15, optimizePromptMode: 'fast' }),
    { seed: 1, negativePrompt: 'none', resolution: '2k' },
  ];
  const { status, json } = await send(...allowed.map((more) => toTask('allowed [[slow=0]]', more)));
  expect({ status, errors: json.errors }).toEqual({ status: 200, errors: undefined });
  expect(dataOf(json)).toHaveLength(allowed.length);
});

test('what is no array of tasks, no task or of no known type is a 400, another address a 404', async () => {
  for (const body of ['{', '{}', '[]', 'null', '']) {
    expect(await caller.post('/v1', body)).toMatchObject({
      status: 400,
      json: { errors: [{ code: 'invalidRequest' }] },
    });
  }
  expect(await send('text')).toMatchObject({ status: 400, json: { errors: [{ code: 'missingTaskType' }] } });
  expect(await send({ taskType: 'videoInference' })).toMatchObject({
    status: 400,
    json: { errors: [{ code: 'unsupportedTaskType' }] },
  });
  expect(await send({ taskType: 'getResponse' })).toMatchObject({
    status: 400,
    json: { errors: [{ code: 'missingTaskUUID' }] },
  });
  expect(await caller.get('/v1')).toMatchObject({ status: 404, json: { errors: [{ code: 'notFound' }] } });
});

test('bytes come inside the answer when they are asked for', async () => {
  const small = { width: 2560, height: 1440, deliveryMethod: 'sync' };
  const { json } = await send(
    toTask('bytes [[slow=0]]', { ...small, outputType: 'base64Data' }),
    toTask('bytes [[slow=0]] [[bad-image]]', { ...small, outputType: 'dataURI', outputFormat: 'WEBP' }),
  );
  const [first, second] = dataOf(json) as [Fields, Fields];
  const metadata = await sharp(Buffer.from(first.imageBase64Data as string, 'base64')).metadata();
  expect(metadata).toMatchObject({ format: 'jpeg', width: 2560, height: 1440 });
  const [head, base64 = ''] = (second.imageDataURI as string).split(',');
  expect(head).toBe('data:image/webp;base64');
  expect(Buffer.from(base64, 'base64').toString()).toMatch(/^<!doctype html>/);
  expect([first.imageURL, second.imageURL]).toEqual([undefined, undefined]);
});

test('a webhook comes once for each picture, flat for some tasks and wrapped for others, and is not signed', async () => {
  const shapes = new Set<string>();
  await vi.waitFor(
    async () => {
      const id = await order('call me [[slow=0]]', { webhookURL, deliveryMethod: 'sync', numberResults: 2 });
      const mine = () => received.filter((body) => idOf(body) === id);
      await vi.waitFor(() => expect(mine()).toHaveLength(2), { timeout: 5000 });
      const { data } = (await look(id)).json as { data: Fields[] };
      const told = data.map(({ status: _, ...item }) => item);
      const isWrapped = 'data' in (mine()[0] as Fields);
      expect(mine()).toEqual(told.map((item) => (isWrapped ? { data: [item] } : item)));
      shapes.add(isWrapped ? 'wrapped' : 'flat');
      expect(shapes.size).toBe(2);
    },
    { timeout: 20_000, interval: 1 },
  );
});

test('a failure calls with errors, double-callback twice, no-callback never', async () => {
  const silent = await order('silence [[no-callback]] [[slow=0]]', { webhookURL });
  // With a webhook a synchronous task is acknowledged at once, too.
  const doomed = await order('doomed [[fail]] [[slow=0]]', { webhookURL, deliveryMethod: 'sync' });
  const twice = await order('twice [[double-callback]] [[slow=0]]', { webhookURL });
  const of = (id: string) => received.filter((body) => idOf(body) === id);
  await vi.waitFor(() => expect([of(doomed).length, of(twice).length]).toEqual([1, 2]), { timeout: 5000 });
  expect(of(doomed)).toEqual([{ errors: [toError('invalidInput', doomed)] }]);
  expect(of(twice)[1]).toEqual(of(twice)[0]);
  expect(of(silent)).toEqual([]);
});

test('fail and moderated end among the errors, with nothing in data, and are refunded', async () => {
  for (const [prompt, code] of [
    ['doomed [[fail]] [[slow=0.1]]', 'invalidInput'],
    ['doomed [[fail=timeoutProvider]] [[slow=0.1]]', 'timeoutProvider'],
    ['a scandal [[moderated]] [[slow=0.1]]', 'providerContentPolicyViolation'],
  ] as const) {
    const id = await order(prompt);
    expect(await end(id)).toEqual({ errors: [toError(code, id, { status: 'error' })] });
    expect(await caller.chargesOf(prompt)).toMatchObject([{ taskId: id, credits: 0.035, unit: 'USD', refunded: true }]);
  }
  const { status, json } = await send(toTask('at once [[fail]] [[slow=0]]', { deliveryMethod: 'sync' }));
  expect({ status, codes: json }).toMatchObject({ status: 400, codes: { errors: [{ code: 'invalidInput' }] } });
});

test('partial is an error for each missing result, and a shorter series without one', async () => {
  const prompt = 'a few [[partial=2]] [[slow=0]]';
  const id = await order(prompt, { numberResults: 4 });
  const json = await end(id);
  expect(dataOf(json)).toHaveLength(2);
  const missing = toError('inferenceError', id, { status: 'error' });
  expect(json.errors).toEqual([missing, missing]);
  expect(await caller.chargesOf(prompt)).toMatchObject([{ images: 2, refunded: false, credits: expect.closeTo(0.07) }]);
  const series = await end(await order(prompt, toSettings({ maxSequentialImages: 4 })));
  expect({ pictures: dataOf(series).length, errors: series.errors }).toEqual({ pictures: 2, errors: undefined });
});

test('rate-limited is a 429 for a task that is not taken, no-credits a 402', async () => {
  const task = toTask('busy [[rate-limited]] [[slow=0]]');
  const busy = await send(task);
  expect({ status: busy.status, json: busy.json }).toEqual({
    status: 429,
    json: { errors: [toError('rateLimitExceeded', task.taskUUID)] },
  });
  expect(busy.headers.get('retry-after')).toBe('1');
  expect((await send(task)).status).toBe(200);
  expect(await send(toTask('poor [[no-credits]]'))).toMatchObject({
    status: 402,
    json: { errors: [{ code: 'insufficientCredits' }] },
  });
  expect(await caller.chargesOf('poor [[no-credits]]')).toEqual([]);
});

test('lost-answer and submit-500 take and bill the task, which its taskUUID finds', async () => {
  const lost = toTask('lost [[lost-answer]] [[slow=0]]');
  await expect(send(lost)).rejects.toThrow('fetch failed');
  const broken = toTask('broken [[submit-500]] [[slow=0]]');
  expect(await send(broken)).toMatchObject({ status: 500, json: { errors: [{ code: 'internalServerError' }] } });
  for (const { taskUUID, positivePrompt } of [lost, broken]) {
    expect(dataOf((await look(taskUUID as string)).json)).toMatchObject([{ taskUUID, status: 'success' }]);
    expect(await send(lost)).toMatchObject({ status: 400, json: { errors: [{ code: 'conflictTaskUUID' }] } });
    expect(await caller.chargesOf(positivePrompt as string)).toMatchObject([{ taskId: taskUUID }]);
  }
});

test.concurrent('an asynchronous task is nothing, then processing, then each picture a success of its own', async () => {
  expect((await look(await order('queued [[slow=1000]]'))).json).toEqual({ data: [] });
  const id = await order('four [[slow=1.4]]', { numberResults: 4 });
  const seen: number[] = [];
  const last = await caller.until(
    () => look(id),
    (json) => {
      const made = dataOf(json).filter(({ status }) => status === 'success');
      const rest = dataOf(json).filter(({ status }) => status !== 'success');
      if (dataOf(json).length > 0) seen.push(made.length);
      if (made.length < 4 && dataOf(json).length > 0) {
        expect(rest).toEqual([{ taskType: 'imageInference', taskUUID: id, status: 'processing' }]);
      }
      return made.length === 4;
    },
  );
  expect(seen).toEqual([...seen].sort());
  expect(new Set(seen).size).toBeGreaterThan(2);
  expect(dataOf(last).map(({ imageURL }) => imageURL)).toEqual([0, 1, 2, 3].map((index) => urlOf(id, index)));
  expect((await look(id)).json).toEqual(last);
});

test.concurrent('the first picture of many is not told of without the processing of the others', async () => {
  const id = await order('twenty [[slow=10]]', { numberResults: 20 });
  const first = await caller.until(
    () => look(id),
    (json) => dataOf(json).length > 0,
  );
  const [made, ...rest] = dataOf(first).map(({ status }) => status);
  expect([made, rest.at(-1)]).toEqual(['success', 'processing']);
});

test.concurrent('late-asset is a success without its link first', async () => {
  const id = await order('late [[late-asset]] [[slow=0]]');
  const [item] = dataOf((await look(id)).json);
  expect({ status: item?.status, imageURL: item?.imageURL }).toEqual({ status: 'success', imageURL: undefined });
  expect(dataOf(await end(id))).toEqual([{ ...item, imageURL: urlOf(id, 0) }]);
});

test.concurrent('stuck never ends, odd-status says a word nobody documented, lost-poll nothing at all', async () => {
  const odd = await order('odd [[odd-status]] [[slow=0]]');
  const [said] = dataOf((await look(odd)).json);
  expect(['processing', 'success', 'error', 'pending', undefined]).not.toContain(said?.status);
  const stuck = await order('a jam [[stuck]] [[slow=0]]');
  const processing = { taskType: 'imageInference', taskUUID: stuck, status: 'processing' };
  expect((await look(stuck)).json).toEqual({ data: [processing] });
  const vanished = await order('vanished [[lost-poll]] [[slow=0]]');
  expect(await look(vanished)).toMatchObject({ status: 200, json: { data: [] } });
  expect((await send({ taskType: 'getTaskDetails', taskUUID: vanished })).json).toEqual({ data: [] });
  expect(dataOf(await end(odd))).toHaveLength(1);
});

test('expired-url, bad-image and huge-image spoil the file behind the link', async () => {
  const linkOf = async (prompt: string) => dataOf(await end(await order(prompt)))[0]?.imageURL as string;
  expect((await fetch(await linkOf('gone [[expired-url]] [[slow=0]]'))).status).toBe(403);
  expect(await (await fetch(await linkOf('fake [[bad-image]] [[slow=0]]'))).text()).toMatch(/^<!doctype html>/);
  const response = await fetch(await linkOf('huge [[huge-image]] [[slow=0]]'));
  expect(response.headers.get('content-length')).toBeNull();
  await response.body?.cancel();
});

test('a sandbox that stops does not wait for a synchronous task', async () => {
  const own = await startSandbox({ port: 0 });
  const waiting = createCaller(own.url, 'runware').post('/v1', [
    toTask('for good [[stuck]]', { deliveryMethod: 'sync' }),
  ]);
  const left = expect(waiting).rejects.toThrow('fetch failed');
  await vi.waitFor(async () => expect(await (await fetch(`${own.url}/_billing`)).json()).toHaveLength(1));
  await own.stop();
  await left;
});

/** An entry of `errors`, as a whole. */
function toError(code: string, taskUUID: unknown, more: Fields = {}) {
  return {
    code,
    message: expect.any(String),
    ...more,
    taskType: 'imageInference',
    ...(taskUUID === undefined ? {} : { taskUUID }),
    documentation: expect.any(String),
  };
}

function toSettings(bytedance: Fields): Fields {
  return { providerSettings: { bytedance } };
}

/** The taskUUID of a webhook of any shape. */
function idOf(body: Fields): unknown {
  const [first] = (body.data ?? body.errors ?? [body]) as Fields[];
  return first?.taskUUID;
}
