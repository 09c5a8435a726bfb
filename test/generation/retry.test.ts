import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { cancelGeneration } from '../../src/generation/cancel.ts';
import { createGeneration } from '../../src/generation/create.ts';
import type { CreateInput } from '../../src/generation/input.ts';
import type { Created } from '../../src/generation/purchase.ts';
import { type RetryInput, retryGeneration } from '../../src/generation/retry.ts';
import type { Generation } from '../../src/generation/types.ts';
import type { Caller } from '../../src/workspace/caller.ts';
import { finish } from './finish.ts';
import { sampleInput, sampleModel } from './samples.ts';
import { accept, failed, openStage, type Stage, tell } from './stage.ts';

let stage: Stage;
let caller: Caller;
beforeAll(async () => {
  stage = await openStage();
});
beforeEach(async () => {
  caller = await stage.newCaller();
});
afterAll(() => stage.close());

const retry = (id: string, input: Partial<RetryInput> = {}, who = caller) =>
  retryGeneration(stage.domain, who, { id, idempotencyKey: null, routing: null, ...input });

const ASKED: Partial<CreateInput> = {
  prompt: 'two red kites',
  images: 3,
  size: { aspectRatio: '16:9', resolution: 'R2K' },
  references: [{ uri: 'https://example.com/a.png' }],
  seed: 7,
  fit: 'NEAREST',
  style: 'ukiyo-e',
  colors: ['#1e90ff'],
  thinking: 'DEEP',
  output: { format: 'PNG', quality: 80, watermark: false, safety: 'ON' },
  routing: { onUncertain: 'FAIL' },
  deadlineSeconds: 45,
  metadata: { order: 7 },
  idempotencyKey: 'order-7',
};

test('it asks for as many pictures as are missing, and for all else as the first one did', async () => {
  const first = await finish(stage, caller, ASKED, { stored: 1, made: 2 });
  expect(first.status).toBe('PARTIALLY_SUCCEEDED');
  const again = made(await retry(first.id, { idempotencyKey: 'order-7, again' }));
  const { prompt, model, request, adjustments, fit, routing, metadata } = first;
  expect(again).toMatchObject({
    ...{ prompt, model, adjustments, fit, routing, metadata },
    request: { ...request, images: 2 },
    retryOf: first.id,
    idempotencyKey: 'order-7, again',
    status: 'QUEUED',
  });
  expect(lifetime(again)).toBe(lifetime(first));
  expect(again.tasks.map((task) => task.request)).toEqual([{ ...first.tasks[0]?.request, images: 2 }]);
  expect(await stage.reload(again.id)).toEqual(again);
  expect(await stage.reload(first.id)).toEqual(first);
});

test.each<[string, Partial<CreateInput>]>([
  ['an exact size', { size: { width: 2048, height: 2048 } }],
  ['no size', {}],
])('with %s it asks for the same', async (_what, input) => {
  const first = await finish(stage, caller, input, { stored: 0, made: 1 });
  const again = made(await retry(first.id));
  expect([again.request, again.tasks[0]?.request]).toEqual([first.request, first.tasks[0]?.request]);
});

test.each<[string, (generation: Generation) => Promise<unknown>]>([
  ['failed', async (generation) => tell(stage.domain, generation, failed(generation))],
  ['was canceled', (generation) => cancelGeneration(stage.domain, caller, generation.id)],
])('what %s is asked for again whole', async (_what, end) => {
  const accepted = await accept(stage, await stage.create(caller, { images: 2 }));
  await end(accepted);
  expect(made(await retry(accepted.id))).toMatchObject({ retryOf: accepted.id, request: { images: 2 } });
});

test('a routing of its own goes before that of the first one', async () => {
  const first = await finish(stage, caller, { routing: { onUncertain: 'FAIL' } }, { stored: 0, made: 1 });
  const again = made(await retry(first.id, { routing: { onUncertain: 'RESUBMIT' } }));
  expect(again.routing).toEqual({ onUncertain: 'RESUBMIT' });
});

test('what it may cost stays the limit, whatever the routing, and options go along', async () => {
  const maxCost = { amount: '0.5', currency: 'USD' };
  const options = { runware: null, modelark: null };
  const routing = { onUncertain: 'FAIL', prefer: 'CHEAPEST', maxCost } as const;
  const domain = { ...stage.domain, catalogue: at('0.1') };
  const created = made(await createGeneration(domain, caller, sampleInput({ options, routing })));
  await tell(domain, await accept(stage, created), failed(created));
  const retryAt = (price: string, asked: RetryInput['routing']) =>
    retryGeneration({ ...domain, catalogue: at(price) }, caller, {
      id: created.id,
      idempotencyKey: null,
      routing: asked,
    });
  expect(made(await retryAt('0.1', null))).toMatchObject({ routing, request: { options } });
  expect(made(await retryAt('0.1', { onUncertain: 'RESUBMIT' })).routing).toEqual({ onUncertain: 'RESUBMIT', maxCost });
  for (const asked of [null, { onUncertain: 'WAIT' as const }]) {
    expect(await retryAt('0.6', asked)).toMatchObject({ ok: false, errors: [{ kind: 'COST_ABOVE_MAX' }] });
  }
});

test.each<[string, () => Promise<Generation>, boolean, RegExp]>([
  ['is QUEUED', () => stage.create(caller), true, /QUEUED: wait .* or end it/],
  ['is RUNNING', async () => accept(stage, await stage.create(caller)), true, /RUNNING: wait/],
  ['has its pictures', () => finish(stage, caller), false, /lacks nothing/],
  ['only lost one beyond those asked for', () => finish(stage, caller, {}, { made: 2 }), false, /lacks nothing/],
])('what %s is NOT_RETRYABLE, and says what to do', async (_what, prepare, later, message) => {
  const { id } = await prepare();
  const before = await countGenerations();
  expect(await retry(id)).toEqual({
    ok: false,
    errors: [{ kind: 'NOT_RETRYABLE', path: ['id'], message: expect.stringMatching(message), later }],
  });
  expect(await countGenerations()).toBe(before);
});

test('what is not there, not yours or of the other mode is NOT_FOUND', async () => {
  const { id } = await finish(stage, caller, {}, { stored: 0, made: 1 });
  const answers = [
    await retry('gen_01hzzzzzzzzzzzzzzzzzzzzzzz'),
    await retry('nonsense\0'),
    await retry(id, {}, await stage.newCaller()),
    await retry(id, {}, { ...caller, mode: 'LIVE' }),
  ];
  const refusal = { kind: 'NOT_FOUND', path: ['id'], message: 'There is no generation with this id.' };
  expect(answers).toEqual(answers.map(() => ({ ok: false, errors: [refusal] })));
});

test('10 retries at once with one key are one purchase, from two processes too', async () => {
  const first = await finish(stage, caller, {}, { stored: 0, made: 1 });
  const domains = [stage.domain, (await stage.another()).domain];
  const answers = await Promise.all(
    Array.from({ length: 10 }, (_, i) =>
      retryGeneration(domains[i % 2] ?? stage.domain, caller, { id: first.id, idempotencyKey: 'again', routing: null }),
    ),
  );
  expect(new Set(answers.map((answer) => made(answer).id)).size).toBe(1);
  expect(answers.filter((answer) => answer.ok && answer.replayed)).toHaveLength(9);
  expect(await countGenerations()).toBe(2);
});

test('its key gives the same again, also when the picture it asked for has come late', async () => {
  const first = await finish(stage, caller, {}, { stored: 0, made: 1 });
  const again = made(await retry(first.id, { idempotencyKey: 'again' }));
  await stage.domain.db.execute(sql`update assets set state = 'STORED' where generation_id = ${first.id}`);
  const replay = { ok: true, generation: again, replayed: true, reused: false };
  expect(await retry(first.id, { idempotencyKey: 'again' })).toEqual(replay);
  expect(await retry(first.id, { idempotencyKey: 'once more' })).toMatchObject({ errors: [{ kind: 'NOT_RETRYABLE' }] });
});

test('a used key is a conflict for a retry of another one, with another routing, and for any other purchase', async () => {
  const [first, second] = [
    await finish(stage, caller, { idempotencyKey: 'first' }, { stored: 0, made: 1 }),
    await finish(stage, caller, {}, { stored: 0, made: 1 }),
  ];
  const again = made(await retry(first.id, { idempotencyKey: 'again' }));
  const before = await countGenerations();
  const conflict = (path: string[], original: Generation) => ({
    ok: false,
    errors: [{ kind: 'IDEMPOTENCY_CONFLICT', path, message: expect.any(String), original }],
  });
  const key = ['idempotencyKey'];
  expect(await retry(second.id, { idempotencyKey: 'again' })).toEqual(conflict(key, again));
  const otherwise = { idempotencyKey: 'again', routing: { onUncertain: 'FAIL' as const } };
  expect(await retry(first.id, otherwise)).toEqual(conflict(key, again));
  expect(await retry(first.id, { idempotencyKey: 'first' })).toEqual(conflict(key, first));
  const created = await createGeneration(stage.domain, caller, sampleInput({ idempotencyKey: 'again' }));
  expect(created).toEqual(conflict(['input', ...key], again));
  expect(await countGenerations()).toBe(before);
});

test.each([
  ['empty', ''],
  ['too long', 'k'.repeat(256)],
  ['unstorable', 'a\0'],
])('a key that is %s is refused by its path', async (_what, idempotencyKey) => {
  const first = await finish(stage, caller, {}, { stored: 0, made: 1 });
  const refusal = { kind: 'INVALID_INPUT', path: ['idempotencyKey'] };
  expect(await retry(first.id, { idempotencyKey })).toMatchObject({ ok: false, errors: [refusal] });
});

test('it is held against the limits of today', async () => {
  const first = await finish(stage, caller, { seed: 7 }, { stored: 0, made: 1 });
  const models = [sampleModel({ features: [] })];
  const catalogue = stage.domain.catalogue.map((provider) => ({ ...provider, models }));
  const today = { ...stage.domain, catalogue };
  const answer = await retryGeneration(today, caller, { id: first.id, idempotencyKey: null, routing: null });
  expect(answer).toMatchObject({ ok: false, errors: [{ kind: 'UNSUPPORTED', path: ['id', 'seed'] }] });
  expect(await countGenerations()).toBe(1);
});

/** The providers there are, at this price. */
function at(amount: string) {
  const models = [sampleModel({ prices: [{ from: '2026-01-01', amount, currency: 'USD' }] })];
  return stage.domain.catalogue.map((provider) => ({ ...provider, models }));
}

function made(created: Created): Generation {
  if (!created.ok) throw new Error(JSON.stringify(created.errors));
  return created.generation;
}

function lifetime({ createdAt, deadlineAt }: Generation): number {
  return deadlineAt.getTime() - createdAt.getTime();
}

async function countGenerations(): Promise<unknown> {
  const [row] = await stage.domain.db.execute(sql`
    select count(*)::int from generations where workspace_id = ${caller.workspaceId}`);
  return row?.count;
}
