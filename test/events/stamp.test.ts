import { setTimeout as sleep } from 'node:timers/promises';
import { eq, inArray, sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import type { Database } from '../../src/db/connect.ts';
import { newId } from '../../src/db/id.ts';
import { events, feed, generations } from '../../src/db/schema.ts';
import { appendEvents } from '../../src/events/append.ts';
import type { LoggedEvent } from '../../src/events/feed-page.ts';
import { forgetEvents } from '../../src/events/forget.ts';
import { readFeed, readFeedEnds } from '../../src/events/read.ts';
import { stampEvents } from '../../src/events/stamp.ts';
import type { Generation } from '../../src/generation/types.ts';
import type { Caller } from '../../src/workspace/caller.ts';
import { openStage, type Stage } from '../generation/stage.ts';

const WRITERS = 16;
const HOUR_MS = 3_600_000;

let stage: Stage;
let db: Database;
let caller: Caller;
beforeAll(async () => {
  stage = await openStage();
  db = stage.domain.db;
});
beforeEach(async () => {
  await stage.clear();
  caller = await stage.newCaller();
});
afterAll(() => stage.close());

test('with 16 writers that commit out of order, readers who page all along miss nothing and meet nothing twice', async () => {
  const made = await Promise.all(Array.from({ length: WRITERS / 2 }, () => stage.create(caller)));
  const others = await Promise.all([stage.another(), stage.another()]);
  const { last: begin } = await readFeedEnds(db);
  let writing = true;
  const writers = Array.from({ length: WRITERS }, (_, i) => write(others[i % 2]?.domain.db ?? db, made, 10));
  const sequencers = [db, db].map(async (each) => {
    while (writing || (await stampEvents(each, 40)).events > 0) await stampEvents(each, 40);
  });
  const readers = [3, 100].map((limit) => readAll(begin, limit, () => writing));
  await Promise.all(writers);
  writing = false;
  await Promise.all(sequencers);
  const written = await db.select().from(events).orderBy(events.position);
  expect(written).toHaveLength(WRITERS * 10 + made.length);
  expect(written.map(({ position }) => position)).toEqual(written.map((_, i) => begin + i + 1));
  for (const { id } of made) {
    const versions = written.filter(({ generationId }) => generationId === id).map(({ version }) => version);
    expect(versions).toEqual(versions.map((_, i) => i + 1));
  }
  // Without it there would be nothing to get wrong: many came before what had begun earlier.
  const late = written.filter(({ id }, i) => i > 0 && id < (written[i - 1]?.id ?? ''));
  expect(late.length).toBeGreaterThan(10);
  for (const met of await Promise.all(readers)) expect(met.map(({ id }) => id)).toEqual(written.map(({ id }) => id));
});

test('a clock that was set back does not turn versions around, nor in small batches', async () => {
  const generation = await stage.create(caller);
  for (const [i, minutes] of [50, -10, 20, -60].entries()) {
    const at = new Date(Date.now() + minutes * 60_000);
    await db.transaction((tx) => append(tx, generation, i + 2, at));
  }
  while ((await stampEvents(db, 2)).events > 0);
  const { events: found } = await readFeed(db, caller, { after: 0, limit: 100 });
  expect(found.slice(-5).map(({ version }) => version)).toEqual([1, 2, 3, 4, 5]);
});

test('while one process is at it, another leaves it alone and says so', async () => {
  await stage.create(caller);
  const { domain } = await stage.another();
  await db.transaction(async (tx) => {
    await tx.select().from(feed).for('update');
    expect(await stampEvents(domain.db, 10)).toEqual({ busy: true, events: 0, workspaceIds: [] });
  });
  expect(await stampEvents(domain.db, 10)).toEqual({ busy: false, events: 1, workspaceIds: [caller.workspaceId] });
  expect(await stampEvents(domain.db, 10)).toEqual({ busy: false, events: 0, workspaceIds: [] });
});

test('a backlog is stamped in batches, and each says whose feeds have grown', async () => {
  const stranger = await stage.newCaller();
  await stage.create(caller);
  await stage.create(stranger);
  await stage.create(caller);
  expect(await stampEvents(db, 2)).toEqual({
    busy: false,
    events: 2,
    workspaceIds: expect.arrayContaining([caller.workspaceId, stranger.workspaceId]),
  });
  expect(await stampEvents(db, 2)).toEqual({ busy: false, events: 1, workspaceIds: [caller.workspaceId] });
});

test('what an older release wrote without a mode is in the feed of its generation', async () => {
  const live = await stage.create({ ...caller, mode: 'LIVE' });
  await db.update(events).set({ mode: null }).where(eq(events.generationId, live.id));
  await stampEvents(db, 10);
  const { events: found } = await readFeed(db, { ...caller, mode: 'LIVE' }, { after: 0, limit: 10 });
  expect(found.map(({ generationId, mode }) => [generationId, mode])).toEqual([[live.id, 'LIVE']]);
  expect((await readFeed(db, caller, { after: 0, limit: 10 })).events).toEqual([]);
});

test('retention deletes from the beginning what is old, raises the floor, and positions go on where they were', async () => {
  const made: Generation[] = [];
  for (let i = 0; i < 6; i++) made.push(await stage.create(caller));
  await stampEvents(db, 100);
  const unstamped = await stage.create(caller);
  const { floor: before, last } = await readFeedEnds(db);
  // The third is young: what comes after it stays, however old, so that the feed has no hole.
  const old = [0, 1, 3, 4].map((i) => made[i]?.id ?? '');
  const longAgo = new Date(Date.now() - 2 * HOUR_MS);
  await db
    .update(events)
    .set({ at: longAgo })
    .where(inArray(events.generationId, [...old, unstamped.id]));
  expect([await forgetEvents(db, HOUR_MS, 1), await forgetEvents(db, HOUR_MS, 100)]).toEqual([1, 1]);
  expect(await forgetEvents(db, HOUR_MS, 100)).toBe(0);
  expect(await readFeedEnds(db)).toEqual({ floor: last - 4, last });
  expect(last - 4).toBeGreaterThan(before);
  const kept = (await db.select().from(events)).map(({ generationId }) => generationId);
  expect(kept.sort()).toEqual([...made.slice(2), unstamped].map(({ id }) => id).sort());

  await stampEvents(db, 100);
  await db.update(events).set({ at: longAgo });
  expect(await forgetEvents(db, HOUR_MS, 100)).toBe(5);
  expect([await db.select().from(events), await readFeedEnds(db)]).toEqual([[], { floor: last + 1, last: last + 1 }]);
  const next = await stage.create(caller);
  await stampEvents(db, 100);
  expect(await stage.eventsOf(next.id)).toMatchObject([{ position: last + 2 }]);
});

/** Changes random generations, each change in a transaction that stays open for a while after it has its time. */
async function write(database: Database, made: Generation[], times: number): Promise<void> {
  for (let i = 0; i < times; i++) {
    const generation = made[Math.floor(Math.random() * made.length)] as Generation;
    await database.transaction(async (tx) => {
      await tx.select().from(generations).where(eq(generations.id, generation.id)).for('update');
      const [clock] = await tx.execute<{ at: string }>(sql`select clock_timestamp()::text as at`);
      const [newest] = await tx
        .select({ version: sql<number>`max(${events.version})` })
        .from(events)
        .where(eq(events.generationId, generation.id));
      await append(tx, generation, (newest?.version ?? 0) + 1, new Date(clock?.at ?? ''));
      await sleep(Math.random() * 12);
    });
  }
}

function append(tx: Parameters<typeof appendEvents>[0], generation: Generation, version: number, at: Date) {
  const { id: generationId, workspaceId, mode } = generation;
  const known = { type: 'GENERATION_PROGRESSED', status: 'RUNNING', percent: null, taskId: null, taskStatus: null };
  const row = { ...known, id: newId('evt'), generationId, workspaceId, mode, version, at };
  return appendEvents(tx, [row]);
}

/** Pages until nothing more is written and the end is reached. */
async function readAll(begin: number, limit: number, isWriting: () => boolean): Promise<LoggedEvent[]> {
  const { connection, domain } = await stage.another();
  onTestFinished(() => connection.stop());
  const met: LoggedEvent[] = [];
  for (let after = begin; ; ) {
    const [drained] = await domain.db.select().from(events).where(sql`position is null`).limit(1);
    const mayGrow = isWriting() || drained !== undefined;
    const page = await readFeed(domain.db, caller, { after, limit });
    met.push(...page.events);
    after = page.upTo;
    if (!mayGrow && !page.more) return met;
  }
}
