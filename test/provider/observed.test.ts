import { expect, onTestFinished, test } from 'vitest';
import type { ProviderRequestSeen } from '../../src/metrics/work.ts';
import { createConnections } from '../../src/provider/connections.ts';
import { observed } from '../../src/provider/observed.ts';
import { createAdapter } from '../worker/adapter.ts';
import { readGolden } from './golden.ts';
import { createProvider, createRequest, SENDING, TASK } from './gptimage2.ts';
import { COMPLETED, createModelArkAt, orderOf, picture, stream, urlOf } from './modelark.ts';
import { createSeedanceAt } from './seedance.ts';
import { findClosedUrl, json, startServer } from './server.ts';

const error = (code: string) => ({ error: { code, message: 'no', type: 'some_error' } });
const signal = new AbortController().signal;

test.each<[outcome: ProviderRequestSeen['outcome'], status: number, body: unknown]>([
  ['OK', 200, readGolden('gptimage2-submit-response')],
  ['KEY_REFUSED', 401, error('unauthorized')],
  ['KEY_REFUSED', 403, error('forbidden')],
  ['NO_CREDITS', 402, error('insufficient_quota')],
  ['RATE_LIMITED', 429, error('rate_limit')],
  ['REFUSED', 400, error('invalid_request')],
  ['SERVER_ERROR', 500, error('internal')],
  ['UNREADABLE', 200, '<html>'],
])(
  'a submission is told as %s when it is answered with %i, and its answer stays the same',
  async (outcome, status, body) => {
    const server = await startServer(json(status, body));
    const seen: ProviderRequestSeen[] = [];
    const bare = createProvider(server.url);
    const provider = observed(bare, (observation) => seen.push(observation));
    const { report } = await provider.submit(provider.compose(createRequest(), SENDING), signal);
    expect(report).toEqual((await bare.submit(bare.compose(createRequest(), SENDING), signal)).report);
    const common = { provider: 'gptimage2', mode: 'LIVE', operation: 'submit', ms: expect.any(Number) };
    expect(seen).toEqual([{ ...common, outcome }]);
  },
);

test('polls are told as ask, one for each request, and what we break off ourselves is not told', async () => {
  const seen: ProviderRequestSeen[] = [];
  const closed = observed(createProvider(await findClosedUrl()), (observation) => seen.push(observation));
  await closed.ask([TASK, 'another'], signal);
  await closed.ask([TASK], AbortSignal.abort());
  expect(seen.map(({ operation, outcome }) => [operation, outcome])).toEqual([
    ['ask', 'NO_ANSWER'],
    ['ask', 'NO_ANSWER'],
  ]);
});

test.each<[outcome: ProviderRequestSeen['outcome'], status: number, body: unknown]>([
  ['OK', 200, { id: TASK }],
  ['UNREADABLE', 200, '<html>'],
  ['SERVER_ERROR', 503, { error: 'later' }],
])(
  'the question after a lost answer is told as recover: %s when it is answered with %i; broken off, it is not',
  async (outcome, status, body) => {
    const server = await startServer(json(status, body));
    const connections = createConnections();
    onTestFinished(() => connections.stop());
    const seen: ProviderRequestSeen[] = [];
    const provider = observed(createAdapter(server.url, 'ASK', connections), (observation) => seen.push(observation));
    const submission = { id: 'sub_1', reference: SENDING.reference, body: {} };
    const never = async () => false;
    await provider.recover?.(submission, never, signal);
    await provider.recover?.(submission, never, AbortSignal.abort());
    expect(seen).toEqual([{ provider: 'ASK', mode: 'TEST', operation: 'recover', outcome, ms: expect.any(Number) }]);
  },
);

test('a provider that cannot be asked after a lost answer still cannot', () => {
  expect(observed(createProvider('https://provider.example'), () => {}).recover).toBeNull();
});

test('of a synchronous submission each image is told of as it comes, and the submission once', async () => {
  const server = await startServer(stream([picture(0), picture(1), COMPLETED]));
  const seen: ProviderRequestSeen[] = [];
  const provider = observed(createModelArkAt(server.url), (observation) => seen.push(observation));
  const told: string[][] = [];
  await provider.submit(orderOf(provider, 2), signal, async ({ images }) => {
    told.push(images.map(({ url }) => url));
  });
  expect(told).toEqual([[urlOf(0)], [urlOf(0), urlOf(1)]]);
  expect(seen).toMatchObject([{ provider: 'modelark', operation: 'submit', outcome: 'OK' }]);
});

test('a batch is told of as one question, odd or not, and its account, batches and limits stay the same', async () => {
  const server = await startServer(json(200, { status: 'completed', results: [], tier: 'pro' }));
  const seen: ProviderRequestSeen[] = [];
  const bare = createSeedanceAt(server.url);
  const provider = observed(bare, (observation) => seen.push(observation));
  await provider.ask(['b#0', 'b#1', 'b#2', 'img_1'], signal);
  expect(seen.map(({ operation }) => operation)).toEqual(['ask', 'ask']);
  expect(await provider.account?.(signal)).toEqual({ creditsRemaining: null, tier: 'pro' });
  const { submit: _, ask: __, ...rest } = provider;
  expect(rest).toEqual(expect.objectContaining({ batch: bare.batch, together: bare.together, limits: bare.limits }));
});
