import { eq, sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { generations as generationRows } from '../../src/db/schema.ts';
import { cancelGeneration } from '../../src/generation/cancel.ts';
import {
  positionCursor,
  readPageCursor,
  readPositionCursor,
  readVersionCursor,
  versionCursor,
} from '../../src/generation/cursor.ts';
import { findGeneration, listAssetsByIds, listGenerationsByIds, listTasksByIds } from '../../src/generation/find.ts';
import { cursorOf, type GenerationFilter, listGenerations, type Page } from '../../src/generation/list.ts';
import type { Generation } from '../../src/generation/types.ts';
import type { Caller } from '../../src/workspace/caller.ts';
import { accept, failed, finished, openStage, type Stage, tell } from './stage.ts';

const COUNT = 23;
const none: GenerationFilter = {
  status: null,
  provider: null,
  createdAfter: null,
  createdBefore: null,
  promptContains: null,
};
const all: Page = { first: 100, after: null, last: null, before: null };

let stage: Stage;
let caller: Caller;
let stranger: Caller;
/** Newest first. */
let mine: Generation[];
beforeAll(async () => {
  stage = await openStage();
  [caller, stranger] = [await stage.newCaller(), await stage.newCaller()];
  const made: Generation[] = [];
  for (let i = 0; i < COUNT; i++) {
    made.push(await stage.create(caller, { prompt: `kite number ${i}`, idempotencyKey: `order-${i}` }));
    if (i % 4 === 0) await stage.create(stranger, { prompt: `kite number ${i}`, idempotencyKey: `order-${i}` });
    if (i % 4 === 1) await stage.create({ ...caller, mode: 'LIVE' }, { prompt: `live kite ${i}` });
  }
  mine = made.reverse();
});
afterAll(() => stage.close());

const list = (page: Partial<Page>, filter: Partial<GenerationFilter> = {}, who = caller) =>
  listGenerations(stage.domain, who, { ...all, first: null, ...page }, { ...none, ...filter });
const ids = (generations: Generation[]) => generations.map(({ id }) => id);

test.each([1, 4, 22, 23, 24])('paging forwards by %i meets every generation once, newest first', async (first) => {
  const met: string[] = [];
  let after: string | null = null;
  for (;;) {
    const page = await list({ first, after });
    met.push(...ids(page.generations));
    expect(page.hasPreviousPage).toBe(after !== null);
    const last = page.generations.at(-1);
    if (!page.hasNextPage || !last) break;
    after = cursorOf(last);
  }
  expect(met).toEqual(ids(mine));
});

test.each([1, 4, 22, 23, 24])(
  'paging backwards by %i meets every generation once, each page in the same order',
  async (last) => {
    const met: string[] = [];
    let before: string | null = null;
    for (;;) {
      const page = await list({ last, before });
      met.unshift(...ids(page.generations));
      expect(page.hasNextPage).toBe(before !== null);
      const first = page.generations[0];
      if (!page.hasPreviousPage || !first) break;
      before = cursorOf(first);
    }
    expect(met).toEqual(ids(mine));
  },
);

test('between two cursors there is what lies between, and more on both sides', async () => {
  const between = { after: cursorOf(the(mine[3])), before: cursorOf(the(mine[8])) };
  for (const page of [{ first: 10 }, { last: 10 }, { first: 4 }, { last: 4 }]) {
    const { generations, ...more } = await list({ ...between, ...page });
    expect([ids(generations), more]).toEqual([ids(mine.slice(4, 8)), { hasNextPage: true, hasPreviousPage: true }]);
  }
  const cut = {
    first: ids((await list({ ...between, first: 2 })).generations),
    last: ids((await list({ ...between, last: 2 })).generations),
  };
  expect(cut).toEqual({ first: ids(mine.slice(4, 6)), last: ids(mine.slice(6, 8)) });
});

test('generations made at the same instant each have their place', async () => {
  const who = await stage.newCaller();
  const made: Generation[] = [];
  for (let i = 0; i < 5; i++) made.push(await stage.create(who));
  const at = new Date('2026-01-02T03:04:05.678Z');
  await stage.domain.db
    .update(generationRows)
    .set({ createdAt: at })
    .where(eq(generationRows.workspaceId, who.workspaceId));
  const met: string[] = [];
  for (let after: string | null = null; ; ) {
    const { generations, hasNextPage } = await list({ first: 2, after }, {}, who);
    met.push(...ids(generations));
    if (!hasNextPage) break;
    after = cursorOf(the(generations.at(-1)));
  }
  expect(met).toEqual(ids(made).reverse());
});

test('what is made while somebody pages does not shift the next page', async () => {
  const who = await stage.newCaller();
  const [a, b, c] = [await stage.create(who), await stage.create(who), await stage.create(who)];
  const page = await list({ first: 1 }, {}, who);
  expect(ids(page.generations)).toEqual([c.id]);
  await stage.create(who);
  expect(ids((await list({ first: 5, after: cursorOf(c) }, {}, who)).generations)).toEqual([b.id, a.id]);
});

test('after and before together give what is between them', async () => {
  const [from, to] = [mine[3], mine[8]];
  if (!from || !to) throw new Error('too few');
  const page = await list({ first: 100, after: cursorOf(from), before: cursorOf(to) });
  expect(ids(page.generations)).toEqual(ids(mine.slice(4, 8)));
});

test('without a size there are 20, and a page holds the tasks and assets of each', async () => {
  const page = await list({});
  expect(page.generations).toEqual(mine.slice(0, 20));
});

test.each<[string, Partial<GenerationFilter>, (each: Generation, i: number) => boolean]>([
  ['text in the prompt, in any case', { promptContains: 'NUMBER 1' }, ({ prompt }) => prompt.includes('number 1')],
  ['a percent sign means itself', { promptContains: '%' }, () => false],
  ['an underscore means itself', { promptContains: 'kite_number' }, () => false],
  ['a backslash means itself', { promptContains: '\\' }, () => false],
  ['a provider', { provider: ['dragons', 'kites'] }, () => true],
  ['a provider that made none', { provider: ['dragons'] }, () => false],
  ['no provider', { provider: [] }, () => false],
  ['a status', { status: ['QUEUED', 'FAILED'] }, () => true],
  ['another status', { status: ['RUNNING'] }, () => false],
  ['no status', { status: [] }, () => false],
])('a filter by %s', async (_what, filter, holds) => {
  expect(ids((await list({ first: 100 }, filter)).generations)).toEqual(ids(mine.filter(holds)));
});

test('a filter by time includes both ends', async () => {
  const [newest, oldest] = [mine[5], mine[9]];
  if (!newest || !oldest) throw new Error('too few');
  const filter = { createdAfter: oldest.createdAt, createdBefore: newest.createdAt };
  expect(ids((await list({ first: 100 }, filter)).generations)).toEqual(
    ids(mine.filter(({ createdAt }) => createdAt >= oldest.createdAt && createdAt <= newest.createdAt)),
  );
});

test('a filter by time and a cursor both hold, whichever is tighter', async () => {
  const [newest, oldest, cursors] = [the(mine[5]), the(mine[9]), [mine[2], mine[7], mine[12]].map(the)];
  const filter = { createdAfter: oldest.createdAt, createdBefore: newest.createdAt };
  const within = mine.filter(({ createdAt }) => createdAt >= oldest.createdAt && createdAt <= newest.createdAt);
  for (const cursor of cursors) {
    const [behind, ahead] = [
      await list({ after: cursorOf(cursor) }, filter),
      await list({ before: cursorOf(cursor) }, filter),
    ];
    expect(ids(behind.generations)).toEqual(ids(within.filter(({ id }) => id < cursor.id)));
    expect(ids(ahead.generations)).toEqual(ids(within.filter(({ id }) => id > cursor.id)));
  }
});

test('a filter by status follows the status, and combines with a page', async () => {
  const who = await stage.newCaller();
  const [one, two, three] = [await stage.create(who), await stage.create(who), await stage.create(who)];
  for (const each of [one, three]) await tell(stage.domain, each, failed(await accept(stage, each)));
  expect(ids((await list({ first: 5 }, { status: ['FAILED'] }, who)).generations)).toEqual([three.id, one.id]);
  expect(await list({ first: 1 }, { status: ['FAILED'] }, who)).toMatchObject({ hasNextPage: true });
  const both = { status: ['FAILED', 'QUEUED', 'FAILED'] as const };
  expect(ids((await list({ first: 2 }, { status: [...both.status] }, who)).generations)).toEqual([three.id, two.id]);
  const rest = await list({ first: 2, after: cursorOf(two) }, { status: [...both.status] }, who);
  expect([ids(rest.generations), rest.hasNextPage, rest.hasPreviousPage]).toEqual([[one.id], false, true]);
  const last = await list({ last: 2 }, { status: [...both.status] }, who);
  expect([ids(last.generations), last.hasNextPage, last.hasPreviousPage]).toEqual([[two.id, one.id], false, true]);
  expect(ids((await list({ first: 5 }, { status: ['QUEUED'] }, who)).generations)).toEqual([two.id]);
});

test.each<[string, Partial<Page>, string]>([
  ['0 first', { first: 0 }, 'first'],
  ['101 first', { first: 101 }, 'first'],
  ['-1 last', { last: -1 }, 'last'],
  ['first and last at once', { first: 1, last: 1 }, 'last'],
])('%s is a Fault that names the argument', async (_what, page, argument) => {
  await expect(list(page)).rejects.toMatchObject({ code: 'BAD_USER_INPUT', argument });
});

test('a NUL in a filter is a Fault that names it', async () => {
  for (const filter of [{ promptContains: 'a\0' }, { provider: ['kites', '\0'] }]) {
    await expect(list({}, filter)).rejects.toMatchObject({ code: 'BAD_USER_INPUT', argument: 'filter' });
  }
});

const forged = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const pageCursors: [string, () => string][] = [
  ['garbage', () => 'garbage'],
  ['an empty one', () => ''],
  ['JSON that is no list', () => forged({ kind: 'page' })],
  ['null', () => forged(null)],
  ["another workspace's", () => forged(['page', stranger.workspaceId, mine[0]?.id])],
  ['one of another kind', () => versionCursor(the(mine[0]))],
  ['a position in the feed', () => positionCursor(caller, 1)],
  ['one that holds no id', () => forged(['page', caller.workspaceId, 'gen_\0.1'])],
  ['one that holds the id of a task', () => forged(['page', caller.workspaceId, `${mine[0]?.tasks[0]?.id}.1`])],
  ['one that holds no time', () => forged(['page', caller.workspaceId, mine[0]?.id])],
  ['one that holds no sane time', () => forged(['page', caller.workspaceId, `${mine[0]?.id}.999999999999999`])],
  ['one that holds a number', () => forged(['page', caller.workspaceId, 7])],
];
test.each(pageCursors)('as a page cursor, %s is a Fault that names the argument', async (_what, cursor) => {
  for (const argument of ['after', 'before'] as const) {
    const page = list({ first: 1, [argument]: cursor() });
    await expect(page).rejects.toMatchObject({ code: 'BAD_USER_INPUT', argument, allowed: [expect.any(String)] });
  }
});

const versionCursors: [string, () => string][] = [
  ['garbage', () => 'garbage'],
  ["another workspace's", () => versionCursor({ ...the(mine[0]), workspaceId: stranger.workspaceId })],
  ["another generation's", () => versionCursor(the(mine[1]))],
  ['one of another kind', () => cursorOf(the(mine[0]))],
  ...['', '.', '.x', '.-1', '.0', '.1e9', '.NaN', '. 1'].map((rest): [string, () => string] => [
    `one that ends in ${JSON.stringify(rest)}`,
    () => forged(['version', caller.workspaceId, `${mine[0]?.id}${rest}`]),
  ]),
];
test.each(versionCursors)('as a version cursor, %s is a Fault that names the argument', (_what, cursor) => {
  expect(() => readVersionCursor(caller, cursor(), the(mine[0]).id, 'after')).toThrow(
    expect.objectContaining({ code: 'BAD_USER_INPUT', argument: 'after' }),
  );
});

const positionCursors: [string, () => string][] = [
  ['garbage', () => 'garbage'],
  ["another workspace's", () => positionCursor(stranger, 1)],
  ['a version', () => versionCursor(the(mine[0]))],
  ['a page', () => cursorOf(the(mine[0]))],
  ...['', '-1', '1.5', 'NaN', '1e3', '9'.repeat(16)].map((value): [string, () => string] => [
    `one that holds ${JSON.stringify(value)}`,
    () => forged(['position', caller.workspaceId, value]),
  ]),
];
test.each(positionCursors)('as a position in the feed, %s is a Fault that names the argument', (_what, cursor) => {
  expect(() => readPositionCursor(caller, cursor(), 'after')).toThrow(
    expect.objectContaining({ code: 'BAD_USER_INPUT', argument: 'after' }),
  );
});

test('a cursor that was given out is read back', () => {
  const generation = the(mine[0]);
  expect(readVersionCursor(caller, versionCursor({ ...generation, version: 12 }), generation.id, 'after')).toBe(12);
  expect(readPageCursor(caller, cursorOf(generation), 'after')).toEqual({
    id: generation.id,
    createdAt: generation.createdAt,
  });
  expect(readPositionCursor(caller, positionCursor(caller, 12), 'after')).toBe(12);
});

test("what is another workspace's, or of the other mode, is not there: by id, by key, in a list, or to cancel", async () => {
  const accepted = await accept(stage, await stage.create(stranger, { idempotencyKey: 'theirs' }));
  const theirs = await tell(stage.domain, accepted, finished(accepted, 1));
  const [taskIds, assetIds] = [ids(theirs.tasks as never), theirs.assets.map(({ id }) => id)];
  expect(await findGeneration(stage.domain, stranger, { id: theirs.id })).toEqual(theirs);
  expect(await listAssetsByIds(stage.domain, stranger, assetIds)).toEqual(theirs.assets);
  for (const who of [caller, { ...stranger, mode: 'LIVE' as const }]) {
    expect(await findGeneration(stage.domain, who, { id: theirs.id })).toBeNull();
    expect(await findGeneration(stage.domain, who, { idempotencyKey: 'theirs' })).toBeNull();
    expect(await listTasksByIds(stage.domain, who, taskIds)).toEqual([]);
    expect(await listAssetsByIds(stage.domain, who, assetIds)).toEqual([]);
    expect(ids((await list({ first: 100 }, {}, who)).generations)).not.toContain(theirs.id);
    expect(await cancelGeneration(stage.domain, who, theirs.id)).toMatchObject({
      ok: false,
      generation: null,
      errors: [{ kind: 'NOT_FOUND' }],
    });
  }
  const mixed = await listGenerationsByIds(stage.domain, caller, [theirs.id, the(mine[0]).id, 'gen_x', '\0', '']);
  expect(mixed).toEqual([mine[0]]);
  expect(await stage.reload(theirs.id)).toEqual(theirs);
});

test.each(['', 'gen_', 'x', '\0', "' or 1=1--", 'gen_\ud83e'])('there is no generation with the id %j', async (id) => {
  expect(await findGeneration(stage.domain, caller, { id })).toBeNull();
  expect(await findGeneration(stage.domain, caller, { idempotencyKey: id })).toBeNull();
});

function the<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('It should be there.');
  return value;
}

test('a search that takes longer than two seconds is stopped, and says how to narrow it', async () => {
  const provider = (mine[0] as Generation).tasks.map((task) => task.provider);
  await stage.domain.db.transaction(async (tx) => {
    // As a table of a million would: whoever asks for tasks by provider waits.
    await tx.execute(sql`lock table tasks in access exclusive mode`);
    await expect(list({ first: 1 }, { provider })).rejects.toMatchObject({
      code: 'QUERY_TOO_EXPENSIVE',
      argument: 'filter',
      message: expect.stringContaining('createdAfter'),
    });
  });
  expect((await list({ first: 1 }, { provider })).generations).toHaveLength(1);
});
