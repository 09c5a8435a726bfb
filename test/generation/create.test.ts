import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createGeneration } from '../../src/generation/create.ts';
import type { CreateInput } from '../../src/generation/input.ts';
import { sampleInput } from './samples.ts';
import { openStage, type Stage } from './stage.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
beforeEach(() => stage.clear());
afterAll(() => stage.close());

const rows = async () => {
  const [counts] = await stage.domain.db.execute(sql`
    select (select count(*)::int from generations) as generations, (select count(*)::int from tasks) as tasks,
      (select count(*)::int from events) as events, (select count(*)::int from submissions) as submissions,
      (select count(*)::int from assets) as assets`);
  return { ...counts };
};
const nothing = { generations: 0, tasks: 0, events: 0, submissions: 0, assets: 0 };

test('a creation writes the generation, its task and the first event, and answers what it wrote', async () => {
  const caller = await stage.newCaller();
  const created = await createGeneration(stage.domain, caller, sampleInput({ metadata: { order: 7 }, seed: 5 }));
  if (!created.ok) throw new Error('refused');
  const { generation } = created;
  expect(created.replayed).toBe(false);
  expect(await stage.reload(generation.id)).toEqual(generation);
  expect(generation).toMatchObject({ ...caller_(caller), version: 1, status: 'QUEUED', metadata: { order: 7 } });
  expect(generation.tasks).toEqual([expect.objectContaining({ status: 'QUEUED', provider: 'kites', leaseToken: 0 })]);
  expect(await stage.eventsOf(generation.id)).toEqual([
    {
      mode: 'TEST',
      position: null,
      id: expect.stringMatching(/^evt_/),
      workspaceId: caller.workspaceId,
      generationId: generation.id,
      version: 1,
      type: 'GENERATION_CREATED',
      at: generation.createdAt,
      status: 'QUEUED',
      percent: null,
      taskId: null,
      taskStatus: null,
      assetId: null,
      failure: null,
      cost: { basis: 'RESERVED', reserved: null, settled: null, providerCredits: null },
    },
  ]);
  expect(await rows()).toEqual({ ...nothing, generations: 1, tasks: 1, events: 1 });
});

test('where the event cannot be written, neither are the generation and its tasks', async () => {
  const caller = await stage.newCaller();
  await stage.domain.db.execute(sql`alter table events add constraint refuse check (type <> 'GENERATION_CREATED')`);
  try {
    await expect(createGeneration(stage.domain, caller, sampleInput())).rejects.toThrow();
  } finally {
    await stage.domain.db.execute(sql`alter table events drop constraint refuse`);
  }
  expect(await rows()).toEqual(nothing);
});

test('30 calls at once with one idempotency key buy once: one creates, 29 are given the same again', async () => {
  const caller = await stage.newCaller();
  const input = sampleInput({ idempotencyKey: 'order-7', metadata: { a: 1, b: [2, 3] } });
  const other = sampleInput({ idempotencyKey: 'order-7', metadata: { b: [2, 3], a: 1 } });
  const all = await Promise.all(
    Array.from({ length: 30 }, (_, i) => createGeneration(stage.domain, caller, i % 2 ? input : other)),
  );
  const made = all.map((each) => (each.ok ? each.generation.id : each.errors));
  expect(new Set(made).size).toBe(1);
  expect(all.filter((each) => each.ok && each.replayed)).toHaveLength(29);
  expect(await rows()).toEqual({ ...nothing, generations: 1, tasks: 1, events: 1 });
});

test('another request with a used key is a conflict that shows the original, and buys nothing', async () => {
  const caller = await stage.newCaller();
  const original = await stage.create(caller, { idempotencyKey: 'order-7' });
  const input = sampleInput({ idempotencyKey: 'order-7', prompt: 'a blue kite' });
  const answer = await createGeneration(stage.domain, caller, input, ['the', 'input']);
  const path = ['the', 'input', 'idempotencyKey'];
  const conflict = {
    kind: 'IDEMPOTENCY_CONFLICT',
    path,
    message: expect.stringContaining('another request'),
    original,
  };
  expect(answer).toEqual({ ok: false, errors: [conflict] });
  expect(await rows()).toMatchObject({ generations: 1 });
});

test('different requests racing for one key: one is bought, all the others are told which', async () => {
  const caller = await stage.newCaller();
  const inputs = Array.from({ length: 12 }, (_, i) => sampleInput({ idempotencyKey: 'race', prompt: `kite ${i}` }));
  const answers = await Promise.all(inputs.map((input) => createGeneration(stage.domain, caller, input)));
  const made = answers.flatMap((answer) => (answer.ok ? [answer.generation.id] : []));
  const told = answers.flatMap((answer) => (answer.ok ? [] : answer.errors));
  expect(made).toHaveLength(1);
  expect(told.map((error) => error.kind === 'IDEMPOTENCY_CONFLICT' && error.original.id)).toEqual(
    Array(11).fill(made[0]),
  );
});

test('the same key is another purchase in another workspace and in another mode', async () => {
  const [mine, theirs] = [await stage.newCaller(), await stage.newCaller()];
  const live = { ...mine, mode: 'LIVE' as const };
  const ids = await Promise.all(
    [mine, theirs, live].map(async (caller) => (await stage.create(caller, { idempotencyKey: 'order-7' })).id),
  );
  expect(new Set(ids).size).toBe(3);
  const again = await stage.create(live, { idempotencyKey: 'order-7' });
  expect(again).toMatchObject({ id: ids[2], mode: 'LIVE' });
});

test('two calls without a key are two purchases', async () => {
  const caller = await stage.newCaller();
  expect((await stage.create(caller)).id).not.toBe((await stage.create(caller)).id);
});

test.each<[string, Partial<CreateInput>, string, string[]]>([
  ['an empty prompt', { prompt: '' }, 'INVALID_INPUT', ['input', 'prompt']],
  ['a prompt of 2001 characters', { prompt: 'k'.repeat(2001) }, 'INVALID_INPUT', ['input', 'prompt']],
  ['no image', { images: 0 }, 'INVALID_INPUT', ['input', 'images']],
  ['21 images', { images: 21 }, 'INVALID_INPUT', ['input', 'images']],
  ['a model nobody offers', { model: 'dragon-9' }, 'INVALID_INPUT', ['input', 'model']],
  ['a model with a NUL', { model: 'kite-1\0' }, 'INVALID_INPUT', ['input', 'model']],
  [
    'a ratio nobody offers',
    { size: { aspectRatio: '5:4', resolution: null } },
    'INVALID_INPUT',
    ['input', 'size', 'ratio', 'aspectRatio'],
  ],
  ['too few pixels', { size: { width: 8, height: 8 } }, 'INVALID_INPUT', ['input', 'size', 'pixels']],
  ['a style nobody takes', { style: 'ukiyo-e' }, 'UNSUPPORTED', ['input', 'style']],
  ['a malformed URI', { references: [{ uri: 'not a uri' }] }, 'INVALID_INPUT', ['input', 'references', '0', 'uri']],
  ['a NUL in the metadata', { metadata: { a: '\0' } }, 'INVALID_INPUT', ['input', 'metadata']],
])('%s is refused with its path, and leaves no row', async (_what, changes, kind, path) => {
  const caller = await stage.newCaller();
  const answer = await createGeneration(stage.domain, caller, sampleInput(changes));
  expect(answer).toMatchObject({ ok: false, errors: [{ kind, path }] });
  expect(await rows()).toEqual(nothing);
});

test('where no provider is configured for a mode, that is what is said', async () => {
  const caller = await stage.newCaller('LIVE');
  const testOnly = { ...stage.domain, catalogue: stage.domain.catalogue.filter(({ mode }) => mode === 'TEST') };
  expect(await createGeneration(testOnly, caller, sampleInput())).toEqual({
    ok: false,
    errors: [
      {
        kind: 'NO_PROVIDER_AVAILABLE',
        path: ['input', 'model'],
        message: 'No live provider is configured: set the API key of one, or use a TEST key for the sandbox.',
      },
    ],
  });
});

test('images beyond one call are split over tasks, with the slots in order and none twice', async () => {
  const caller = await stage.newCaller();
  const generation = await stage.create(caller, { images: 10 });
  const { tasks } = await stage.reload(generation.id);
  expect(tasks.map(({ firstSlot, imageCount, request }) => [firstSlot, imageCount, request.images])).toEqual([
    [0, 4, 4],
    [4, 4, 4],
    [8, 2, 2],
  ]);
});

test('its times come from the database: created now, due at the deadline asked for or the usual one', async () => {
  const caller = await stage.newCaller();
  const now = async () => {
    const [row] = await stage.domain.db.execute<{ ms: number }>(
      sql`select (extract(epoch from clock_timestamp()) * 1000)::float8 as ms`,
    );
    return Math.floor(row?.ms ?? Number.NaN);
  };
  const before = await now();
  const usual = await stage.create(caller);
  const asked = await stage.create(caller, { deadlineSeconds: 30 });
  const after = await now();
  const lifetimes = [usual, asked].map(({ createdAt, deadlineAt }) => deadlineAt.getTime() - createdAt.getTime());
  expect(lifetimes).toEqual([900_000, 30_000]);
  expect(usual.createdAt.getTime()).toBeGreaterThanOrEqual(before);
  expect(asked.createdAt.getTime()).toBeLessThanOrEqual(after);
  const { createdAt, deadlineAt } = asked;
  expect(asked.tasks).toEqual([expect.objectContaining({ createdAt, deadlineAt, nextAt: createdAt })]);
});

test.each([50, 1_000, 3_000, 5_000, 8_000])(
  'metadata of %i levels is stored as it is or refused, never an error',
  async (depth) => {
    const caller = await stage.newCaller();
    let metadata: unknown = [];
    for (let i = 1; i < depth; i++) metadata = [metadata];
    const answer = await createGeneration(stage.domain, caller, sampleInput({ metadata }));
    if (answer.ok)
      expect(JSON.stringify((await stage.reload(answer.generation.id)).metadata)).toBe(JSON.stringify(metadata));
    else expect(answer.errors).toMatchObject([{ kind: 'INVALID_INPUT', path: ['input', 'metadata'] }]);
  },
);

function caller_({ workspaceId, mode }: { workspaceId: string; mode: string }) {
  return { workspaceId, mode };
}
