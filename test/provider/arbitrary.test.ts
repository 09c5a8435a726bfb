import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ProviderSlug } from '../../src/config/provider-slugs.ts';
import type { PollReport, ReportedImage, SubmitReport } from '../../src/generation/provider-report.ts';
import type { Provider } from '../../src/provider/provider.ts';
import { createReApi } from '../../src/provider/reapi/reapi.ts';
import { createRunware } from '../../src/provider/runware/runware.ts';
import { createThreeDAiStudio } from '../../src/provider/threedaistudio/threedaistudio.ts';
import { toOptions } from './adapters.ts';
import { createProvider, createRequest, SENDING } from './gptimage2.ts';
import { createModelArkAt } from './modelark.ts';
import { createSeedanceAt } from './seedance.ts';
import { startServer } from './server.ts';

const { signal } = new AbortController();
const anything = fc.jsonValue({ maxDepth: 3 });
const url = fc.oneof(
  fc.webUrl(),
  fc.constantFrom('ftp://a.example/1', '//a.example/1', 'http://', 'https:x'),
  fc.string(),
);
const word = fc.constantFrom('pending', 'processing', 'completed', 'failed', 'cancelled', 'COMPLETED', 'done', '');

/** Bodies near the documented shape, where mistakes live. */
const nearGptImage2 = record({
  id: fc.oneof(fc.string(), fc.constantFrom('', '.', '..', ' ', 'task-unified-1'), anything),
  status: fc.oneof(word, anything),
  progress: fc.oneof(fc.double(), anything),
  results: fc.oneof(fc.array(fc.oneof(url, anything)), anything),
  result_data: fc.oneof(fc.array(fc.oneof(fc.record({ image_url: url }), anything)), anything),
  error: fc.oneof(fc.record({ code: fc.oneof(fc.string(), fc.integer(), anything), message: anything }), anything),
  usage: fc.oneof(fc.record({ credits_reserved: fc.oneof(fc.double(), anything) }), anything),
  task_info: fc.oneof(fc.record({ estimated_time: fc.oneof(fc.double(), anything) }), anything),
});

const runwareItem = near({
  taskType: mostly(fc.constantFrom('imageInference', 'getResponse', 'getTaskDetails')),
  taskUUID: mostly(fc.constant(SENDING.reference)),
  status: mostly(fc.constantFrom('success', 'success', 'processing', 'error')),
  code: mostly(fc.constantFrom('conflictTaskUUID', 'taskNotFound', 'invalidInput', 'providerError')),
  error: mostly(fc.record({ code: fc.string(), message: anything })),
  imageURL: mostly(fc.webUrl(), url),
  seed: mostly(fc.integer(), fc.double()),
  cost: mostly(fc.double()),
  progress: mostly(fc.double()),
  request: mostly(fc.array(anything)),
});
const runwareItems = mostly(fc.array(mostly(runwareItem), { minLength: 1, maxLength: 3 }));
const runwareAnswer = record({ data: runwareItems, errors: runwareItems });
const runwareRecord = fc.record({ taskUUID: fc.constant(SENDING.reference), response: runwareAnswer });
const nearRunware = fc.oneof(
  fc.record({ data: runwareItems }),
  runwareAnswer,
  fc.record({ data: fc.array(runwareRecord, { maxLength: 2 }) }),
);

const nearReApi = near({
  id: mostly(fc.constantFrom('task_1', '..')),
  task_id: anything,
  status: mostly(fc.constantFrom('completed', 'completed', 'processing', 'failed', 'done')),
  output: mostly(near({ image_urls: mostly(fc.array(mostly(fc.webUrl(), url))) })),
  error: mostly(near({ code: mostly(fc.integer()), message: anything })),
});

const asset = near({ asset_url: mostly(fc.webUrl(), url), asset: mostly(fc.webUrl(), url) });
const nearThreeDAiStudio = near({
  task_id: mostly(fc.constantFrom('a1b2c3d4', '..')),
  status: mostly(fc.constantFrom('FINISHED', 'FINISHED', 'PENDING', 'IN_PROGRESS', 'FAILED', 'CANCELLED', 'QUEUED')),
  progress: mostly(fc.double()),
  results: mostly(fc.array(mostly(asset), { maxLength: 3 })),
  failure_reason: mostly(fc.string()),
  error: anything,
  code: anything,
  detail: anything,
});

const seedanceTask = {
  index: fc.oneof(fc.constantFrom(0, 1), anything),
  task_id: fc.oneof(fc.constantFrom('..', 'img_1', 'a#1'), anything),
  status: fc.oneof(word, anything),
  progress: fc.oneof(fc.double(), anything),
  estimated_time_remaining: fc.oneof(fc.double(), anything),
  image_url: fc.oneof(url, anything),
  image_url_webp: fc.oneof(url, anything),
  credits_charged: fc.oneof(fc.double(), anything),
  error: fc.oneof(fc.record({ code: fc.string(), message: anything }), anything),
};
const nearSeedance = record({
  ...seedanceTask,
  batch_id: fc.oneof(fc.constantFrom('..', 'batch_1'), anything),
  total_credits_charged: fc.oneof(fc.double(), anything),
  results: fc.oneof(fc.array(fc.oneof(record(seedanceTask), anything)), anything),
});

const arkError = fc.oneof(
  fc.record({ code: fc.oneof(fc.constantFrom('InternalServiceError', 'OutputImageRiskDetection'), anything) }),
  anything,
);
const arkImage = {
  type: fc.oneof(
    fc.constantFrom('partial_succeeded', 'partial_failed', 'completed').map((word) => `image_generation.${word}`),
    anything,
  ),
  url: fc.oneof(url, anything),
  error: arkError,
};
const nearModelArk = record({
  data: fc.oneof(fc.array(fc.oneof(record(arkImage), anything)), anything),
  error: arkError,
});
const arkEvents = fc
  .array(
    fc.oneof(
      record(arkImage).map((event) => `data: ${JSON.stringify(event)}\n\n`),
      fc.string(),
    ),
    { maxLength: 5 },
  )
  .map((events) => events.join(''));

const status = fc.oneof(
  { arbitrary: fc.constant(200), weight: 2 },
  { arbitrary: fc.constantFrom(202, 204, 302, 400, 401, 404, 408, 429, 500, 503), weight: 1 },
);

type Adapter = [create: (url: string) => Provider, near: fc.Arbitrary<unknown>, runs: number];

const ADAPTERS: Record<ProviderSlug, Adapter> = {
  gptimage2: [createProvider, nearGptImage2, 400],
  modelark: [createModelArkAt, nearModelArk, 60],
  runware: [(url) => createRunware(toOptions(url)), nearRunware, 80],
  reapi: [(url) => createReApi(toOptions(url)), nearReApi, 60],
  threedaistudio: [(url) => createThreeDAiStudio(toOptions(url)), nearThreeDAiStudio, 60],
  seedance: [createSeedanceAt, nearSeedance, 60],
};
const EACH = Object.entries(ADAPTERS).map(([slug, adapter]) => [slug, ...adapter] as const);

test.each(EACH)(
  'no answer whatever makes a submission to %s throw, or accepts it without an id that can be asked about',
  async (_, ...adapter) => {
    await forAnyAnswer(adapter, async (provider) => {
      const { report } = await provider.submit(provider.compose(createRequest(), SENDING), signal);
      checkSubmit(report);
    });
  },
  15_000,
);

test.each(EACH)(
  'no answer whatever makes a poll of %s throw, or finishes it without an http URL',
  async (_, ...adapter) => {
    await forAnyAnswer(adapter, async (provider) => {
      const answers = await provider.ask([SENDING.reference], signal);
      expect(answers.length).toBe(1);
      for (const { report } of answers) checkPoll(report);
    });
  },
  15_000,
);

test.each(EACH)('no callback to %s whatever throws', (_, create, near) => {
  const read = create('https://api.example').callback?.read;
  fc.assert(fc.property(fc.oneof(near, anything), (body) => checkCallback(read?.(body) ?? null)));
});

test('no answer whatever makes a recovery by Runware throw, or finds another task', async () => {
  await forAnyAnswer([(url) => createRunware(toOptions(url)), nearRunware, 60], async (provider) => {
    const submission = { id: 'sub_1', reference: SENDING.reference, body: provider.compose(createRequest(), SENDING) };
    const answer = await provider.recover?.(submission, async () => true, signal);
    if (answer?.report.kind === 'ACCEPTED') expect(answer.report.providerTaskId).toBe(SENDING.reference);
  });
}, 15_000);

test('no answer whatever makes a batch of Seedance throw, nor a poll of it', async () => {
  await forAnyAnswer([createSeedanceAt, nearSeedance, 80], async (provider) => {
    const orders = provider.batch?.compose([createRequest(), createRequest()], SENDING) ?? {};
    const { report } = await provider.submit(orders, signal);
    checkSubmit(report);
    const answers = await provider.ask(['batch_1#0', 'batch_1#1'], signal);
    expect(answers.length).toBe(2);
    for (const { report } of answers) checkPoll(report);
  });
}, 15_000);

test('no stream whatever makes a submission to ModelArk throw, or brings an image without an http URL', async () => {
  let next = '';
  const headers = { 'content-type': 'text/event-stream' };
  const server = await startServer((response) => response.writeHead(200, headers).end(next));
  const provider = createModelArkAt(server.url);
  const property = fc.asyncProperty(arkEvents, fc.boolean(), async (events, series) => {
    next = events;
    const order = provider.compose(createRequest({ images: series ? 3 : 1, series }), SENDING);
    const told: ReportedImage[] = [];
    const { report } = await provider.submit(order, signal, async ({ images }) => void told.push(...images));
    checkImages(told);
    expect(report.kind).not.toBe('ACCEPTED');
    checkSubmit(report);
  });
  await fc.assert(property, { numRuns: 100 });
}, 15_000);

async function forAnyAnswer([create, near, runs]: Adapter, check: (provider: Provider) => Promise<void>) {
  let next = { status: 200, text: '' };
  const server = await startServer((response) => response.writeHead(next.status).end(next.text));
  const provider = create(server.url);
  const text = fc.oneof(
    { arbitrary: near.map((body) => JSON.stringify(body)), weight: 4 },
    { arbitrary: anything.map((body) => JSON.stringify(body)), weight: 1 },
    { arbitrary: fc.string(), weight: 1 },
  );
  const property = fc.asyncProperty(status, text, async (status, text) => {
    next = { status, text };
    await check(provider);
  });
  await fc.assert(property, { numRuns: runs });
}

/** Now and then something else. */
function mostly(...usual: fc.Arbitrary<unknown>[]): fc.Arbitrary<unknown> {
  return fc.oneof(...usual.map((arbitrary) => ({ arbitrary, weight: 8 })), { arbitrary: anything, weight: 1 });
}

/** With most of its fields. */
function near(fields: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<unknown> {
  return fc.oneof({ arbitrary: fc.record(fields), weight: 3 }, { arbitrary: record(fields), weight: 1 });
}

function record(fields: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<unknown> {
  return fc.record(fields, { requiredKeys: [] });
}

function checkCallback(read: { providerTaskId: string } | null): void {
  if (read) expect(read.providerTaskId).toMatch(/^[\x21-\x7e]+$/);
}

function checkSubmit(report: SubmitReport): void {
  if (report.kind === 'FINISHED') checkImages(report.images);
  if (report.kind !== 'ACCEPTED') return;
  expect(report.providerTaskId).toMatch(/^[\x21-\x7e]+$/);
  expect(['.', '..']).not.toContain(report.providerTaskId);
  if (report.credits !== null) expect(report.credits).toMatch(/^\d+(\.\d+)?$/);
  if (report.etaSeconds !== null) expect(Number.isInteger(report.etaSeconds)).toBe(true);
}

function checkPoll(report: PollReport): void {
  if (report.kind === 'RUNNING' && report.percent !== null) {
    expect(report.percent).toBeGreaterThanOrEqual(0);
    expect(report.percent).toBeLessThanOrEqual(100);
  }
  if (report.kind !== 'FINISHED') return;
  expect(report.images.length).toBeGreaterThan(0);
  if (report.cost) expect(report.cost).toEqual({ amount: expect.stringMatching(/^\d+(\.\d+)?$/), currency: 'USD' });
  checkImages(report.images);
}

function checkImages(images: readonly ReportedImage[]): void {
  for (const { url } of images) expect(new URL(url).protocol).toMatch(/^https?:$/);
}
