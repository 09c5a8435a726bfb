import fc from 'fast-check';
import { expect } from 'vitest';
import { costOf } from '../../src/generation/cost.ts';
import { createGeneration } from '../../src/generation/create.ts';
import type { Domain } from '../../src/generation/domain.ts';
import type { Fitted } from '../../src/generation/fit.ts';
import type { CreateInput } from '../../src/generation/input.ts';
import type { Pixels, ProviderModel } from '../../src/generation/provider-model.ts';
import type { ProviderRequest } from '../../src/generation/provider-request.ts';
import { type Offer, quoteRoutes, type RouteQuote } from '../../src/generation/quote.ts';
import { quoteGeneration } from '../../src/generation/quote-generation.ts';
import { type Standing, UNKNOWN_STANDING } from '../../src/generation/standing.ts';
import type { Desk } from '../../src/sandbox/dialect.ts';
import { DIALECTS } from '../../src/sandbox/dialects.ts';
import { type Order, type Task, toTask } from '../../src/sandbox/task.ts';
import type { Caller } from '../../src/workspace/caller.ts';
import { callbackUrls, inputs, modelOf, PROVIDERS, standings } from './any-order.ts';

const AT = new Date('2026-11-21T12:00:00Z');
const KEY = 'sandbox-of-the-tests';

/** What a body is on the wire, and where it goes: what `submit` of each adapter does with it. */
const WIRE: Record<string, (body: Record<string, unknown>) => { path: string; json: unknown }> = {
  gptimage2: (json) => ({ path: '/v1/images/generations', json }),
  modelark: (json) => ({ path: '/api/v3/images/generations', json }),
  runware: ({ tasks }) => ({ path: '/v1', json: tasks }),
  reapi: (json) => ({ path: '/api/v1/images/generations', json }),
  threedaistudio: (json) => ({
    path: `/v1/images/seedream/v5/lite/${'image_urls' in json ? 'edit' : 'generate'}/`,
    json,
  }),
  seedance: (json) => ({ path: `/v1/images/${'generations' in json ? 'batch' : 'generate'}`, json }),
};

/**
 * Fails the test unless what a quote calls eligible is taken by the dialect of its provider, for each call that the order
 * is split into, with as many images and pixels as the data of the model say. Answers how many calls there were.
 */
export async function expectTaken(numRuns: number, seed: number): Promise<number> {
  let calls = 0;
  const property = fc.asyncProperty(inputs, standings, callbackUrls, async (input, known, callbackUrl) => {
    for (const { provider, model, fitted } of quoteAll(input, known)) {
      calls += fitted ? await sendShares(provider.slug, model, fitted, callbackUrl) : 0;
    }
  });
  await fc.assert(property, { numRuns, seed });
  return calls;
}

async function sendShares(slug: string, model: ProviderModel, fitted: Fitted, callbackUrl: string | null) {
  const { request, imagesPerCall } = fitted;
  const pixels = pixelsOf(request, model);
  const [whole, rest] = [Math.min(request.images, imagesPerCall), request.images % imagesPerCall];
  const shares = new Set(rest > 0 ? [whole, rest] : [whole]);
  for (const count of shares) {
    const orders = await send(slug, [prepared({ ...request, images: count }, model)], callbackUrl);
    expect(orders).toMatchObject([{ count, ...pixels }]);
  }
  return shares.size;
}

/** The same for batches: as many orders in one submission as an account of the lowest tier may send. */
export async function expectBatchesTaken(slug: string, numRuns: number, seed: number): Promise<number> {
  const known = PROVIDERS.map(() => UNKNOWN_STANDING);
  const quotes = fc.sample(inputs, { numRuns, seed }).flatMap((input) => quoteAll(input, known));
  const requests = quotes.flatMap(({ provider, fitted }) =>
    fitted && provider.slug === slug ? [{ ...fitted.request, images: 1 }] : [],
  );
  const most = PROVIDERS.find((each) => each.slug === slug)?.limits.batch ?? 1;
  for (let start = 0; start < requests.length; start += most) {
    const batch = requests.slice(start, start + most);
    const orders = await send(slug, batch, null);
    expect(orders.map(({ prompt }) => prompt)).toEqual(batch.map(({ prompt }) => prompt));
  }
  return requests.length;
}

/** Fails the test unless createGeneration chooses, refuses and prices as quoteGeneration said just before. */
export async function expectSameChoice(domain: Domain, caller: Caller, numRuns: number, seed: number): Promise<number> {
  let bought = 0;
  const property = fc.asyncProperty(inputs, standings, async (input, known) => {
    const standingOf = (slug: string) => known[PROVIDERS.findIndex((each) => each.slug === slug)] ?? UNKNOWN_STANDING;
    const everyone = { ...domain, catalogue: PROVIDERS, standingOf };
    const { quotes, errors } = quoteGeneration(everyone, caller, input);
    const created = await createGeneration(everyone, caller, input);
    const chosen = quotes.find(({ reason }) => reason !== null);
    if (!created.ok) {
      expect([created.errors, chosen]).toEqual([errors, undefined]);
      return;
    }
    bought += 1;
    const { tasks, adjustments } = created.generation;
    const who = new Set(tasks.map(({ provider, routeReason }) => `${provider}: ${routeReason}`));
    expect([...who]).toEqual([`${chosen?.provider.slug}: ${chosen?.reason}`]);
    expect([adjustments, costOf(tasks).reserved]).toEqual([chosen?.fitted?.adjustments, chosen?.price]);
  });
  await fc.assert(property, { numRuns, seed });
  return bought;
}

/** What the dialect takes of one submission; fails the test when it refuses it. */
async function send(slug: string, requests: readonly ProviderRequest[], callbackUrl: string | null) {
  const provider = PROVIDERS.find((each) => each.slug === slug);
  const dialect = DIALECTS.find((each) => each.slug === slug);
  const [first, ...others] = requests;
  if (!provider || !dialect || !first) throw new Error(`Nobody speaks for ${slug}.`);
  const sending = { submissionId: 'sub_1', reference: crypto.randomUUID(), callbackUrl };
  const body = others.length > 0 ? provider.batch?.compose(requests, sending) : provider.compose(first, sending);
  const { path, json } = WIRE[slug]?.(body ?? {}) ?? { path: '', json: body };
  const taken: Order[] = [];
  const call = { method: 'POST', path, key: KEY, origin: 'http://127.0.0.1:9', signal: AbortSignal.abort() };
  const reply = await dialect.answer({ ...call, body: JSON.stringify(json) }, deskOf(slug, taken));
  const { status, ...said } = reply === 'cut' ? { status: null } : reply;
  expect([status, taken.length], `${slug}: ${JSON.stringify(said)}`).toEqual([200, requests.length]);
  return taken;
}

/** Takes every order, and finds none again. */
function deskOf(provider: string, taken: Order[]): Desk {
  const take = (order: Order): Task => {
    taken.push(order);
    return toTask({ ...order, provider, acceptedAt: AT.getTime(), requestHash: '' });
  };
  return {
    take: (_call, order, toReply) => toReply(take(order)),
    takeAll: (_call, orders, toReply) => toReply(orders.map(take)),
    find: () => null,
    isTaken: () => false,
    findGroup: () => [],
    list: () => [],
    spent: () => 0,
    draw: () => Promise.reject(new Error('Nothing is looked at here.')),
  };
}

const PICTURE =
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAABAAAAAQCAIAAACQkWg2AAAAFklEQVR4nGOQm/CfJMQwqmFUw/DVAAAwgK0QRUd/ngAAAABJRU5ErkJggg==';

/** As a worker hands it to `compose`: fetched, where the provider takes bytes only. */
function prepared(request: ProviderRequest, { references: rules }: ProviderModel): ProviderRequest {
  if (rules?.form !== 'DATA_URI') return request;
  return { ...request, references: request.references.map(() => ({ uri: PICTURE })) };
}

/** What its data say will be made; null where they do not. */
function pixelsOf({ size }: ProviderRequest, { sizes, defaultPixels }: ProviderModel): Pixels | null {
  if (size === null) return defaultPixels;
  if ('width' in size) return size;
  const { aspectRatio, resolution } = size;
  return sizes.find((each) => each.aspectRatio === aspectRatio && each.resolution === resolution)?.pixels ?? null;
}

function quoteAll(input: CreateInput, standings: readonly Standing[]): RouteQuote[] {
  const offers = PROVIDERS.map((provider, i): Offer => {
    return { provider, model: modelOf(provider), standing: standings[i] ?? UNKNOWN_STANDING };
  });
  return quoteRoutes(offers, input, AT);
}
