import { sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import * as schema from '../../src/db/schema.ts';
import { createGeneration } from '../../src/generation/create.ts';
import { findGeneration } from '../../src/generation/find.ts';
import type { CreateInput } from '../../src/generation/input.ts';
import type { Created } from '../../src/generation/purchase.ts';
import { holdKey } from '../../src/generation/replay.ts';
import { retryGeneration } from '../../src/generation/retry.ts';
import type { Generation } from '../../src/generation/types.ts';
import type { Caller } from '../../src/workspace/caller.ts';
import { until } from '../service/until.ts';
import { finish } from './finish.ts';
import { sampleInput } from './samples.ts';
import { openStage, type Stage } from './stage.ts';

const HOUR = 3_600;

let stage: Stage;
let caller: Caller;
beforeAll(async () => {
  stage = await openStage();
});
beforeEach(async () => {
  caller = await stage.newCaller();
});
afterAll(() => stage.close());

const order = (input: Partial<CreateInput>, who = caller) => createGeneration(stage.domain, who, sampleInput(input));
const reusing = (input: Partial<CreateInput> = {}, who = caller) => order({ reuseWithinSeconds: HOUR, ...input }, who);

test('the newest finished generation of the very same request is given back, and nothing is written', async () => {
  await finish(stage, caller, { metadata: { a: 1, b: 2 } });
  const newest = await finish(stage, caller, { metadata: { a: 1, b: 2 }, idempotencyKey: 'order-1' });
  const before = await rows();
  const answer = await reusing({ metadata: { b: 2, a: 1 } });
  expect(answer).toEqual({ ok: true, generation: newest, replayed: false, reused: true });
  expect(await rows()).toEqual(before);
});

test('a key names what it was given for good, also when it is too old or has lost its picture', async () => {
  const first = await finish(stage, caller);
  const before = await rows();
  expect(await reusing({ idempotencyKey: 'order-2' })).toEqual(given(first, { replayed: false }));
  expect(await rows()).toEqual({ ...before, reused_keys: 1 });
  await stage.domain.db.execute(sql`update generations set finished_at = finished_at - interval '2 hours'`);
  await stage.domain.db.execute(sql`update assets set state = 'DELETED'`);
  const later = await stage.reload(first.id);
  expect(await reusing({ idempotencyKey: 'order-2' })).toEqual(given(later, { replayed: true }));
  expect(await order({ idempotencyKey: 'order-2' })).toEqual(given(later, { replayed: true }));
  expect(await findGeneration(stage.domain, caller, { idempotencyKey: 'order-2' })).toEqual(later);
  expect(await rows()).toEqual({ ...before, reused_keys: 1 });
});

test('a key that was given an earlier generation is nothing to another workspace and the other mode', async () => {
  const first = await finish(stage, caller);
  await reusing({ idempotencyKey: 'order-2' });
  for (const who of [await stage.newCaller(), { ...caller, mode: 'LIVE' as const }]) {
    expect(await findGeneration(stage.domain, who, { idempotencyKey: 'order-2' })).toBe(null);
    const bought = await order({ idempotencyKey: 'order-2', prompt: 'a blue kite' }, who);
    expect(bought).toMatchObject({ ok: true, replayed: false, reused: false });
  }
  expect((await findGeneration(stage.domain, caller, { idempotencyKey: 'order-2' }))?.id).toBe(first.id);
});

test('a key that was given an earlier generation is a conflict for another request', async () => {
  const first = await finish(stage, caller);
  await reusing({ idempotencyKey: 'order-2' });
  for (const other of [{ prompt: 'a blue kite' }, { prompt: 'a blue kite', reuseWithinSeconds: HOUR }]) {
    expect(await order({ idempotencyKey: 'order-2', ...other })).toEqual(conflictWith(first));
  }
  expect(await rows()).toMatchObject({ generations: 1, reused_keys: 1 });
});

test('a key that bought something is a conflict for another request, though that could be reused', async () => {
  await finish(stage, caller, { prompt: 'a blue kite' });
  const bought = await stage.create(caller, { idempotencyKey: 'order-1' });
  expect(await reusing({ idempotencyKey: 'order-1', prompt: 'a blue kite' })).toEqual(conflictWith(bought));
  expect(await rows()).toMatchObject({ generations: 2, reused_keys: 0 });
});

test.each<[string, () => Promise<Created>]>([
  ['of another prompt', () => reusing({ prompt: 'a blue kite' })],
  ['with other metadata', () => reusing({ metadata: { order: 2 } })],
  ['with another routing', () => reusing({ routing: { onUncertain: 'FAIL' } })],
  ['without the wish', () => order({})],
  ['of another workspace', async () => reusing({}, await stage.newCaller())],
  ['of the other mode', () => reusing({}, { ...caller, mode: 'LIVE' })],
])('a request %s buys', async (_what, ask) => {
  const first = await finish(stage, caller);
  const answer = await ask();
  expect(answer).toMatchObject({ replayed: false, reused: false });
  expect(idOf(answer)).not.toBe(first.id);
});

test.each<[string, number, (caller: Caller) => Promise<unknown>]>([
  ['is not finished', 1, (who) => stage.create(who)],
  ['has failed', 1, (who) => finish(stage, who, {}, { stored: 0, made: 1 })],
  ['lacks a picture', 2, (who) => finish(stage, who, { images: 2 }, { stored: 1, made: 2 })],
  ['has a deleted picture', 2, (who) => finishThen(who, sql`update assets set state = 'DELETED' where index = 1`)],
  ['was finished a second too early', 2, (who) => finishThen(who, age(HOUR + 1))],
  ['was a retry', 1, (who) => retried(who)],
])('what %s is not given back', async (_what, images, prepare) => {
  await prepare(caller);
  const before = await rows();
  expect(await reusing({ images })).toMatchObject({ replayed: false, reused: false });
  expect((await rows()).generations).toBe(Number(before.generations) + 1);
});

test('what was finished just within the time is given back, by the clock of the database', async () => {
  const first = await finishThen(caller, age(HOUR - 5));
  expect(idOf(await reusing({ images: 2 }))).toBe(first.id);
  expect(await reusing({ images: 2, reuseWithinSeconds: HOUR - 60 })).toMatchObject({ reused: false });
});

test('an older one with all its pictures is given where a newer one has lost some', async () => {
  const older = await finish(stage, caller);
  const newer = await finish(stage, caller);
  await stage.domain.db.execute(sql`update assets set state = 'DELETED' where generation_id = ${newer.id}`);
  expect(idOf(await reusing())).toBe(older.id);
});

test.each([
  ['reuse, then a purchase', [HOUR, null]],
  ['a purchase, then reuse', [null, HOUR]],
])('of two calls with one key that find nothing under it, %s, the first to write decides', async (_what, wishes) => {
  const first = await finish(stage, caller);
  const before = await rows();
  const answers: Promise<Created>[] = [];
  await stage.domain.db.transaction(async (tx) => {
    await holdKey(tx, caller, 'order-2');
    for (const [i, reuseWithinSeconds] of wishes.entries()) {
      answers.push(order({ idempotencyKey: 'order-2', reuseWithinSeconds }));
      await until(
        () => countWaiting(),
        (waiting) => waiting === i + 1,
      );
    }
  });
  const [one, two] = await Promise.all(answers);
  const reused = wishes[0] !== null;
  expect(one).toMatchObject({ ok: true, replayed: false, reused });
  expect(two).toEqual({ ...one, replayed: true });
  expect(one && idOf(one) === first.id).toBe(reused);
  const more = reused ? { reused_keys: 1 } : { generations: 2, tasks: 2, events: Number(before.events) + 1 };
  expect(await rows()).toEqual({ ...before, ...more });
});

test('calls with one key, some to buy and some to reuse, all get the same generation and buy at most once', async () => {
  const first = await finish(stage, caller);
  const [here, there] = [stage.domain, (await stage.another()).domain];
  const keys = Array.from({ length: 8 }, (_, i) => `race-${i}`);
  for (const idempotencyKey of keys) {
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, i) => {
        const reuseWithinSeconds = i % 4 < 2 ? HOUR : null;
        return createGeneration(i % 2 ? here : there, caller, sampleInput({ idempotencyKey, reuseWithinSeconds }));
      }),
    );
    expect(new Set(answers.map(idOf)).size).toBe(1);
    const [id] = answers.map(idOf);
    const bought = answers.filter((each) => each.ok && !each.replayed && !each.reused);
    expect(bought).toHaveLength(id === first.id ? 0 : 1);
    expect(answers.filter((each) => each.ok && !each.replayed)).toHaveLength(1);
  }
  const [both] = await stage.domain.db.execute<{ count: number }>(sql`
    select count(*)::int from reused_keys join generations using (workspace_id, mode)
    where idempotency_key = key and workspace_id = ${caller.workspaceId}`);
  expect(both?.count).toBe(0);
});

test('among thousands of the same request, each look goes straight to what it wants', async () => {
  const { id } = await finish(stage, caller);
  await stage.domain.db.execute(sql`
    insert into generations (id, workspace_id, mode, version, status, prompt, model, request, adjustments, request_hash,
      idempotency_key, progress_basis, created_at, deadline_at, finished_at)
    select 'gen_' || lpad(n::text, 26, '0'), workspace_id, mode, 1, 'SUCCEEDED', prompt, model, request, adjustments,
      request_hash, 'old-' || n, 'NONE', created_at, deadline_at, finished_at - n * interval '1 hour'
    from generations, generate_series(2, 5000) n where id = ${id}`);
  await stage.domain.db.execute(sql`analyze generations, assets, tasks, reused_keys`);
  const seen = await planned(async (db) => {
    const asked = { ...stage.domain, db };
    await createGeneration(asked, caller, sampleInput({ reuseWithinSeconds: HOUR, idempotencyKey: 'key' }));
    await createGeneration(asked, caller, sampleInput({ reuseWithinSeconds: HOUR, idempotencyKey: 'key' }));
  });
  const plans = seen.filter((plan) => /on generations/.test(plan));
  expect(plans.filter((plan) => /Seq Scan on generations/.test(plan))).toEqual([]);
  const reusable = plans.filter((plan) => /generations_reusable/.test(plan));
  expect(reusable).toHaveLength(1);
  expect(reusable[0]).toMatch(/Index Cond: .*request_hash.*finished_at >= /);
  expect(plans.some((plan) => /generations_idempotency_key/.test(plan))).toBe(true);
});

function given(generation: Generation, { replayed }: { replayed: boolean }): Created {
  return { ok: true, generation, replayed, reused: true };
}

function conflictWith(original: Generation) {
  const path = ['input', 'idempotencyKey'];
  const message = expect.stringContaining('another request');
  return { ok: false, errors: [{ kind: 'IDEMPOTENCY_CONFLICT', path, message, original }] };
}

function idOf(created: Created): string {
  if (!created.ok) throw new Error(JSON.stringify(created.errors));
  return created.generation.id;
}

async function countWaiting(): Promise<number> {
  const [row] = await stage.domain.db.execute<{ count: number }>(sql`
    select count(*)::int from pg_locks join pg_database on pg_database.oid = database
    where locktype = 'advisory' and not granted and datname = current_database()`);
  return row?.count ?? 0;
}

function age(seconds: number) {
  return sql`update generations set finished_at = clock_timestamp() - make_interval(secs => ${seconds})`;
}

async function finishThen(who: Caller, change: ReturnType<typeof sql>): Promise<Generation> {
  const generation = await finish(stage, who, { images: 2 });
  await stage.domain.db.execute(change);
  return generation;
}

/** Leaves one that failed and one, made by a retry of it, that succeeded. */
async function retried(who: Caller): Promise<void> {
  const failed = await finish(stage, who, {}, { stored: 0, made: 1 });
  const again = await retryGeneration(stage.domain, who, { id: failed.id, idempotencyKey: null, routing: null });
  await stage.domain.db.execute(sql`
    update generations set status = 'SUCCEEDED', finished_at = clock_timestamp() where id = ${idOf(again)}`);
}

/** Of the caller's workspace. */
async function rows(): Promise<Record<string, unknown>> {
  const count = (table: string) =>
    sql`(select count(*)::int from ${sql.identifier(table)} where workspace_id = ${caller.workspaceId})`;
  const [counts] = await stage.domain.db.execute(sql`
    select ${count('generations')} as generations, ${count('tasks')} as tasks, ${count('events')} as events,
      ${count('reused_keys')} as reused_keys`);
  return { ...counts };
}

/** The plans of the statements that this work sends on a connection of its own. */
async function planned(work: (db: Stage['domain']['db']) => Promise<void>): Promise<string[]> {
  const statements: { query: string; params: unknown[] }[] = [];
  const client = postgres(stage.url, { max: 1, onnotice: () => {} });
  try {
    await work(
      drizzle(client, { schema, logger: { logQuery: (query, params) => void statements.push({ query, params }) } }),
    );
    const plans: string[] = [];
    for (const { query, params } of statements.filter((each) => /^(select|with)/.test(each.query))) {
      const lines = await client.unsafe(`explain ${query}`, params as never[]);
      plans.push(lines.map((line) => line['QUERY PLAN']).join('\n'));
    }
    return plans;
  } finally {
    await client.end();
  }
}
