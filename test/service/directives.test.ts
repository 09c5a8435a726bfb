import { afterAll, beforeAll, expect, test } from 'vitest';
import { create, type Generation, listCharges, only, readUntil, type Task } from './client.ts';
import { type Service, startService } from './service.ts';

let service: Service;
/** Gives up after a second and a half. */
let hasty: Service;
beforeAll(async () => {
  service = await startService({ UNCERTAIN_HOLD_MS: '700' });
  hasty = await startService({ DEADLINE_MS: '1500' });
});
afterAll(async () => {
  await service?.stop();
  await hasty?.stop();
});

// Most of each test is waiting, so they wait side by side; none looks at what another ordered.
test.concurrent.each<[prompt: string, failure: Partial<NonNullable<Generation['failure']>>]>([
  ['[[fail]]', { code: 'PROVIDER_REJECTED', billed: 'UNKNOWN' }],
  ['[[fail=service_error]]', { code: 'PROVIDER_ERROR', billed: 'UNKNOWN' }],
  ['[[moderated]]', { code: 'MODERATED_OUTPUT', billed: 'UNKNOWN' }],
  ['[[partial=0]]', { code: 'DEADLINE_EXCEEDED', billed: 'UNKNOWN' }],
  ['[[stuck]]', { code: 'DEADLINE_EXCEEDED', billed: 'UNKNOWN' }],
  ['[[lost-poll]]', { code: 'PROVIDER_LOST', billed: 'UNKNOWN' }],
  ['[[expired-url]]', { code: 'RESULT_UNAVAILABLE', billed: 'UNKNOWN' }],
  ['[[bad-image]]', { code: 'RESULT_INVALID', billed: 'UNKNOWN' }],
])('%s ends FAILED, with the reason in every slot', async (directive, failure) => {
  const patience = failure.code === 'DEADLINE_EXCEEDED' ? hasty : service;
  const generation = await order(patience, `A tower ${directive} [[slow=0]]`, { images: 2 });
  expect([generation.status, generation.failure]).toMatchObject(['FAILED', failure]);
  expect(generation.slots).toMatchObject([0, 1].map((index) => ({ index, asset: null, failure })));
  expect(only(generation.tasks)).toMatchObject({ status: 'FAILED', failure });
  expect(await countCharges(patience, generation)).toBe(1);
});

test.concurrent('[[partial=1]] of three images ends PARTIALLY_SUCCEEDED: one picture, two NOT_DELIVERED', async () => {
  const generation = await order(service, 'A tower [[partial=1]] [[slow=0]]', { images: 3 });
  expect([generation.status, generation.failure]).toEqual(['PARTIALLY_SUCCEEDED', null]);
  const missing = { asset: null, failure: { code: 'NOT_DELIVERED', billed: 'UNKNOWN' } };
  expect(generation.slots).toMatchObject([
    { index: 0, asset: { id: only(generation.assets).id }, failure: null },
    { index: 1, ...missing },
    { index: 2, ...missing },
  ]);
});

test.concurrent('[[rate-limited=2]] is sent three times by the same task, accepted once, and SUCCEEDED', async () => {
  const generation = await order(service, 'A tower [[rate-limited=2]] [[slow=0]]');
  expect(generation.status).toBe('SUCCEEDED');
  expect(submits(only(generation.tasks)).map(({ status }) => status)).toEqual([200, 429, 429]);
  // A service that is alone is called back by its own sandbox.
  const callback_url = `${service.url}/webhooks/gptimage2/[redacted]`;
  expect(submits(only(generation.tasks))[0]?.requestBody).toMatchObject({ callback_url });
  expect(await countCharges(service, generation)).toBe(1);
});

test.concurrent.each(['[[lost-answer]] [[no-callback]]', '[[submit-500]] [[no-callback]]'])(
  '%s is UNCERTAIN, then FAILED as OUTCOME_UNKNOWN: sent once, billed once',
  async (directive) => {
    const { generation } = await create(service.url, { prompt: `A tower ${directive}` });
    const isUncertain = ({ tasks }: Generation) => only(tasks).status === 'UNCERTAIN';
    const uncertain = await readUntil(service.url, generation.id, isUncertain);
    expect([uncertain.status, uncertain.failure]).toEqual(['RUNNING', null]);
    expect(only(uncertain.tasks).failure).toMatchObject({ code: 'OUTCOME_UNKNOWN', billed: 'UNKNOWN' });
    const ended = await readUntil(service.url, generation.id);
    expect([ended.status, ended.failure]).toMatchObject(['FAILED', { code: 'OUTCOME_UNKNOWN', billed: 'UNKNOWN' }]);
    expect(submits(only(ended.tasks))).toHaveLength(1);
    expect(await countCharges(service, generation)).toBe(1);
  },
);

test.concurrent('[[late-asset]] waits for the picture that comes after the word', async () => {
  const generation = await order(service, 'A tower [[late-asset]] [[slow=0]]');
  expect([generation.status, generation.assets.length]).toEqual(['SUCCEEDED', 1]);
  const odd = only(generation.tasks).exchanges.map(({ error }) => error);
  expect(odd).toContain('completed without a usable result URL');
});

test.concurrent('[[odd-status]] is kept as an exchange with the odd word, and ends SUCCEEDED', async () => {
  const { generation } = await create(service.url, { prompt: 'A tower [[odd-status]] [[slow=4]]' });
  const oddities = ({ tasks }: Generation) => only(tasks).exchanges.map(({ error }) => error);
  const isOdd = (whole: Generation) => oddities(whole).includes('unknown status "post_processing_v2"');
  expect((await readUntil(service.url, generation.id, isOdd)).status).toBe('RUNNING');
  expect((await readUntil(service.url, generation.id)).status).toBe('SUCCEEDED');
});

test.concurrent('[[no-credits]] waits with the reason on the task, and fails at the deadline, billed NO', async () => {
  const { generation } = await create(hasty.url, { prompt: 'A tower [[no-credits]]' });
  const isHindered = ({ tasks }: Generation) => only(tasks).failure !== null;
  const waiting = await readUntil(hasty.url, generation.id, isHindered);
  const failure = { code: 'PROVIDER_CREDITS_EXHAUSTED', billed: 'NO' };
  expect(waiting.failure).toBe(null);
  expect(only(waiting.tasks)).toMatchObject({ status: 'QUEUED', failure });
  const ended = await readUntil(hasty.url, generation.id);
  expect([ended.status, ended.failure]).toMatchObject(['FAILED', failure]);
  expect(await countCharges(hasty, generation)).toBe(0);
});

test('17 images are split over two tasks, and every slot has its own picture', async () => {
  const generation = await order(service, 'A tower [[slow=0]]', { images: 17 }, 40_000);
  expect(generation.status).toBe('SUCCEEDED');
  expect(generation.tasks.map(({ imageCount }) => imageCount)).toEqual([15, 2]);
  expect(generation.assets.map(({ index }) => index)).toEqual(Array.from({ length: 17 }, (_, index) => index));
  expect(generation.slots.map(({ asset }) => asset?.id)).toEqual(generation.assets.map(({ id }) => id));
  expect(await countCharges(service, generation)).toBe(2);
}, 60_000);

async function order(
  { url }: Service,
  prompt: string,
  more: Record<string, unknown> = {},
  withinMs = 15_000,
): Promise<Generation> {
  const { generation } = await create(url, { prompt, ...more });
  return readUntil(url, generation.id, undefined, { withinMs });
}

function submits({ exchanges }: Task): Task['exchanges'] {
  return exchanges.filter(({ method }) => method === 'POST');
}

/** How many tasks of this prompt the provider accepted: whether their answers arrived or not. */
async function countCharges({ sandboxUrl }: Service, { prompt }: Generation): Promise<number> {
  return (await listCharges(sandboxUrl)).filter((charge) => charge.prompt === prompt).length;
}
