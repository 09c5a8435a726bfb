import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import type { ProviderRequest } from '../../src/generation/provider-request.ts';
import type { Provider } from '../../src/provider/provider.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.ts';
import { askOne, order } from './adapters.ts';
import { createRequest, SENDING } from './gptimage2.ts';
import { createSeedanceAt } from './seedance.ts';

const { signal } = new AbortController();
let sandbox: Sandbox;
let provider: Provider;
beforeAll(async () => {
  sandbox = await startSandbox({ port: 0 });
  provider = createSeedanceAt(`${sandbox.url}/seedance`, 'sandbox-webhook-secret');
});
afterAll(() => sandbox.stop());

test('one order is accepted, and finished with a picture that can be fetched', async () => {
  const { report } = await order(provider, { prompt: 'a red kite [[slow=0]]' });
  const id = report.kind === 'ACCEPTED' ? report.providerTaskId : '';
  expect(report).toMatchObject({ kind: 'ACCEPTED', credits: '7' });
  const finished = (await askOne(provider, id)).report;
  expect(finished).toMatchObject({ kind: 'FINISHED', images: [{}], credits: '7' });
  const [image] = finished.kind === 'FINISHED' ? finished.images : [];
  const file = await fetch(image?.url ?? '');
  expect([file.status, file.headers.get('content-type')]).toEqual([200, 'image/png']);
});

test('a batch is accepted as one, asked about as one, and each of its tasks ends by itself', async () => {
  const prompts = ['a [[slow=0]]', 'b [[slow=0]] [[fail=content_policy]]', 'c [[slow=60]]', 'd [[slow=0]] [[fail]]'];
  const id = await orderBatch(prompts);
  const answers = await provider.ask(
    prompts.map((_, place) => provider.batch?.idOf(id, place) ?? ''),
    signal,
  );
  expect(answers.map(({ report }) => report)).toMatchObject([
    { kind: 'FINISHED', images: [{}] },
    { kind: 'FAILED', failure: { code: 'MODERATED_OUTPUT' } },
    { kind: 'RUNNING' },
    { kind: 'FAILED', failure: { code: 'PROVIDER_ERROR' } },
  ]);
  expect(new Set(answers.map(({ exchange }) => exchange)).size).toBe(1);
});

test.each<[string, object, object | null]>([
  ['moderated', { kind: 'REFUSED', failure: { code: 'MODERATED_PROMPT', billed: 'NO' } }, null],
  ['rate-limited=1', { kind: 'NOT_NOW', failure: { code: 'RATE_LIMITED' }, retryAfterMs: 1_000 }, null],
  ['no-credits', { kind: 'NOT_NOW', failure: { code: 'PROVIDER_CREDITS_EXHAUSTED', billed: 'NO' } }, null],
  ['submit-500', { kind: 'AMBIGUOUS' }, null],
  ['lost-answer', { kind: 'AMBIGUOUS' }, null],
  ['fail', { kind: 'ACCEPTED' }, { kind: 'FAILED', failure: { code: 'PROVIDER_ERROR', billed: 'UNKNOWN' } }],
  ['odd-status', { kind: 'ACCEPTED' }, { kind: 'RUNNING' }],
  ['late-asset', { kind: 'ACCEPTED' }, { kind: 'RUNNING' }],
  ['stuck', { kind: 'ACCEPTED' }, { kind: 'RUNNING' }],
  ['lost-poll', { kind: 'ACCEPTED' }, { kind: 'MISSING' }],
])('[[%s]] is %j, and asked about %j', async (directive, submitted, asked) => {
  const { report } = await order(provider, { prompt: `a kite [[slow=0]] [[${directive}]]` });
  expect(report).toMatchObject(submitted);
  if (asked && report.kind === 'ACCEPTED')
    expect((await askOne(provider, report.providerTaskId)).report).toMatchObject(asked);
});

test('its callback is genuine, and about its task or its batch', async () => {
  const heard: { raw: Buffer; headers: Record<string, string | string[] | undefined> }[] = [];
  const ear = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    heard.push({ raw: Buffer.concat(chunks), headers: request.headers });
    response.end();
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void ear.close());
  await once(ear, 'listening');
  const callbackUrl = `http://127.0.0.1:${(ear.address() as AddressInfo).port}/`;
  const single = await order(provider, { prompt: 'a [[slow=0]]' }, { ...SENDING, callbackUrl });
  const batch = await orderBatch(['b [[slow=0]]', 'c [[slow=0]]'], callbackUrl);
  await expect.poll(() => heard.length, { timeout: 5_000 }).toBe(3);
  const names = heard.map(({ raw }) => provider.callback?.read(JSON.parse(raw.toString())));
  const id = single.report.kind === 'ACCEPTED' ? single.report.providerTaskId : '';
  expect(names.filter((name) => name?.batchId === undefined)).toEqual([{ providerTaskId: id }]);
  const mates = names.filter((name) => name?.batchId !== undefined);
  expect(mates.map((name) => name?.batchId)).toEqual([batch, batch]);
  expect(new Set(mates.map((name) => name?.providerTaskId)).size).toBe(2);
  expect(heard.map(({ raw, headers }) => provider.callback?.isGenuine?.(raw, headers))).toEqual([true, true, true]);
});

test('its account has credits and a tier whose limits are known', async () => {
  const account = await provider.account?.(signal);
  expect(account).toEqual({ creditsRemaining: expect.stringMatching(/^\d+$/), tier: 'enterprise' });
  expect(provider.limitsOf?.(account?.tier ?? '')).not.toBe(null);
});

test('nothing that it offers is refused by it', async () => {
  const [model] = provider.models;
  // Which are refused is known before the credits are looked at.
  const prompt = 'a kite [[no-credits]]';
  const longest = `${prompt}${'x'.repeat((model?.promptLimit ?? 0) - prompt.length)}`;
  const requests: Partial<ProviderRequest>[] = [
    ...(model?.sizes ?? []).map((size) => ({ prompt, size })),
    { prompt: longest, thinking: 'DEEP', style: 'a style of my own', colors: ['#ff0000', '#0f0'] },
  ];
  for (const request of requests) {
    const { report } = await order(provider, request);
    expect(report, JSON.stringify(request)).toMatchObject({ failure: { code: 'PROVIDER_CREDITS_EXHAUSTED' } });
  }
});

async function orderBatch(prompts: readonly string[], callbackUrl: string | null = null): Promise<string> {
  const requests = prompts.map((prompt) => createRequest({ prompt }));
  const body = provider.batch?.compose(requests, { ...SENDING, callbackUrl }) ?? {};
  const { report } = await provider.submit(body, signal);
  expect(report).toMatchObject({ kind: 'ACCEPTED', credits: '7' });
  return report.kind === 'ACCEPTED' ? report.providerTaskId : '';
}
