import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import type { FeedPage, LoggedEvent } from '../../src/events/feed-page.ts';
import { FeedStream } from '../../src/events/feed-stream.ts';
import { forgetEvents } from '../../src/events/forget.ts';
import { readFeedEnds } from '../../src/events/read.ts';
import { stampEvents } from '../../src/events/stamp.ts';
import { createFeed, type Feed, type FeedUpdate } from '../../src/generation/feed.ts';
import type { WantedEvents } from '../../src/generation/list-events.ts';
import type { Generation, GenerationEvent } from '../../src/generation/types.ts';
import type { Caller } from '../../src/workspace/caller.ts';
import { accept, append, openStage, running, type Stage, tell } from '../generation/stage.ts';

const ANY: WantedEvents = { types: null, generationIds: null };

let stage: Stage;
let caller: Caller;
beforeAll(async () => {
  stage = await openStage();
});
beforeEach(async () => {
  await stage.clear();
  caller = await stage.newCaller();
});
afterAll(() => stage.close());

test('without a cursor a feed begins with what comes next, and leaves nothing out', async () => {
  await stamp(await stage.create(caller));
  const stream = await start().follow(caller, null, ANY);
  const waiting = next(stream);
  const generation = await stage.create(caller);
  const changed = await tell(stage.domain, await accept(stage, generation), running(generation, 30));
  await stamp();
  const rest = [await waiting, ...(await take(stream, changed.version - 1))];
  expect(rest.map(({ generationId, version }) => [generationId, version])).toEqual(
    Array.from({ length: changed.version }, (_, i) => [generation.id, i + 1]),
  );
});

test('with a cursor it goes on behind it, through more pages than one', async () => {
  const generation = await stage.create(caller);
  await append(stage, generation, 2, 250);
  await stamp();
  const { last } = await readFeedEnds(stage.domain.db);
  const stream = await start().follow(caller, last - 247, ANY);
  const met = await take(stream, 247);
  expect(met.map(({ version }) => version)).toEqual(Array.from({ length: 247 }, (_, i) => i + 4));
});

test('it holds what belongs to the caller’s workspace and mode and matches the filter, and nothing else', async () => {
  const feed = start();
  const [one, two] = [await stage.create(caller), await stage.create(caller)];
  await stamp();
  const about = await feed.follow(caller, null, { types: null, generationIds: [one.id] });
  const moved = await feed.follow(caller, null, { types: ['TASK_CHANGED'], generationIds: null });
  const none = await feed.follow(caller, null, { types: [], generationIds: null });
  const noneEnds = next(none).catch(() => 'nothing');
  for (const who of [await stage.newCaller(), { ...caller, mode: 'LIVE' as const }]) {
    await accept(stage, await stage.create(who));
  }
  await accept(stage, two);
  await accept(stage, one);
  await stamp();
  expect((await take(about, 1)).map(({ generationId }) => generationId)).toEqual([one.id]);
  const changed = await take(moved, 2);
  expect(changed.map(({ generationId, type }) => [generationId, type])).toEqual(
    [two, one].map(({ id }) => [id, 'TASK_CHANGED']),
  );
  await feed.stop();
  expect(await noneEnds).toBe('nothing');
});

test('a wake costs one read, however many clients have caught up', async () => {
  const reads = vi.spyOn(stage.domain.db, 'select');
  onTestFinished(() => reads.mockRestore());
  const costs: number[] = [];
  for (const clients of [1, 50]) {
    const feed = start();
    const streams = await Promise.all(Array.from({ length: clients }, () => feed.follow(caller, null, ANY)));
    reads.mockClear();
    const waiting = streams.map(next);
    await expect.poll(() => reads.mock.calls.length).toBeGreaterThan(0);
    const generation = await stage.create(caller);
    const { workspaceIds } = await stampEvents(stage.domain.db, 100);
    reads.mockClear();
    stage.domain.hints.give({ generationIds: [], work: [], feeds: workspaceIds });
    const met = await Promise.all(waiting);
    expect(met.map(({ generationId }) => generationId)).toEqual(streams.map(() => generation.id));
    costs.push(reads.mock.calls.length);
    await feed.stop();
  }
  expect(costs[0]).toBeGreaterThan(0);
  expect(costs[1]).toBe(costs[0]);
});

test('another workspace’s news cost no read', async () => {
  const stream = await start().follow(caller, null, ANY);
  const waiting = next(stream);
  const reads = vi.spyOn(stage.domain.db, 'select');
  onTestFinished(() => reads.mockRestore());
  await expect.poll(() => reads.mock.calls.length).toBeGreaterThan(0);
  reads.mockClear();
  stage.domain.hints.give({ generationIds: [], work: [], feeds: [(await stage.newCaller()).workspaceId] });
  expect(reads).not.toHaveBeenCalled();
  const generation = await stage.create(caller);
  await stamp();
  expect(await waiting).toMatchObject({ generationId: generation.id });
});

test('news that come during a read make another read follow it', async () => {
  const pages: ((page: FeedPage) => void)[] = [];
  const stream = new FeedStream({
    position: 7,
    matches: () => true,
    read: () => new Promise<FeedPage>((resolve) => pages.push(resolve)),
    send: (position) => position,
    onEnd: () => {},
  });
  const waiting = [stream.next(), stream.next()];
  await expect.poll(() => pages.length).toBe(1);
  stream.wake();
  pages[0]?.({ events: [], upTo: 7, more: false, earlier: true, floor: 0, last: 7 });
  await expect.poll(() => pages.length).toBe(2);
  const events = [8, 9].map((position) => ({ position }) as LoggedEvent);
  pages[1]?.({ events, upTo: 9, more: false, earlier: true, floor: 0, last: 9 });
  expect(await Promise.all(waiting)).toEqual([8, 9].map((value) => ({ value, done: false })));
  const last = stream.next();
  await stream.return();
  expect([await last, pages.length]).toEqual([{ value: undefined, done: true }, 2]);
});

test('a hint that was lost is made good by the slow poll', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  onTestFinished(() => void vi.useRealTimers());
  const stream = await start().follow(caller, null, ANY);
  const waiting = next(stream);
  const generation = await stage.create(caller);
  await stampEvents(stage.domain.db, 100);
  let settled = false;
  void waiting.then(() => {
    settled = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(settled).toBe(false);
  vi.advanceTimersByTime(5_000);
  expect(await waiting).toMatchObject({ generationId: generation.id });
});

test('a read that fails is made good at the next hint', async () => {
  const feed = start();
  const stream = await feed.follow(caller, null, ANY);
  const reads = vi.spyOn(stage.domain.db, 'select');
  onTestFinished(() => reads.mockRestore());
  reads.mockImplementationOnce(() => {
    throw new Error('no connection');
  });
  const waiting = next(stream);
  await expect.poll(() => reads.mock.calls.length).toBe(1);
  const generation = await stage.create(caller);
  await stamp();
  expect(await waiting).toMatchObject({ generationId: generation.id });
});

test('whoever leaves while waiting is let go at once, and nobody is followed any more after a stop', async () => {
  const feed = start();
  const [leaving, staying] = [await feed.follow(caller, null, ANY), await feed.follow(caller, null, ANY)];
  const waiting = [leaving.next(), staying.next()];
  expect(feed.size).toBe(2);
  expect(await leaving.return?.()).toEqual({ value: undefined, done: true });
  expect([await waiting[0], feed.size]).toEqual([{ value: undefined, done: true }, 1]);
  await feed.stop();
  expect([await waiting[1], feed.size]).toEqual([{ value: undefined, done: true }, 0]);
  expect(await (await feed.follow(caller, null, ANY)).next()).toEqual({ value: undefined, done: true });
});

test('a cursor that retention has overtaken, and one ahead of the feed, are CURSOR_EXPIRED and say what to do', async () => {
  const feed = start();
  await stamp(await stage.create(caller), await stage.create(caller));
  await forget();
  await stamp(await stage.create(caller));
  const { floor, last } = await readFeedEnds(stage.domain.db);
  for (const after of [floor - 1, last + 1]) {
    await expect(feed.follow(caller, after, ANY)).rejects.toMatchObject({
      code: 'CURSOR_EXPIRED',
      argument: 'after',
      message: expect.stringContaining('Read `generations`'),
    });
  }
  expect(await take(await feed.follow(caller, floor, ANY), 1)).toHaveLength(1);
});

test('a client that reads more slowly than the retention deletes is told so, and its stream ends', async () => {
  const feed = start();
  await append(stage, await stage.create(caller), 2, 101);
  const { last } = await readFeedEnds(stage.domain.db);
  await stamp();
  const stream = await feed.follow(caller, last, ANY);
  await take(stream, 100);
  await forget();
  const { value } = await stream.next();
  expect(() => (value as FeedUpdate).event()).toThrow(expect.objectContaining({ code: 'CURSOR_EXPIRED' }));
  expect([await stream.next(), feed.size]).toEqual([{ value: undefined, done: true }, 0]);
});

test('a client that was sent what the database has lost is told so, and its stream ends', async () => {
  const feed = start();
  const stream = await feed.follow(caller, null, ANY);
  await stamp(await stage.create(caller), await stage.create(caller));
  await take(stream, 2);
  const waiting = stream.next();
  // As after a failover to a standby that had not received the last two commits, one of them new again.
  await stage.clear();
  await stage.domain.db.execute(sql`update feed set last = last - 2`);
  caller = await stage.newCaller();
  await stamp(await stage.create(caller));
  stage.domain.hints.give({ generationIds: [], work: [], feeds: null });
  const { value } = await waiting;
  expect(() => (value as FeedUpdate).event()).toThrow(
    expect.objectContaining({ code: 'CURSOR_EXPIRED', message: expect.stringContaining('came back without events') }),
  );
  expect([await stream.next(), feed.size]).toEqual([{ value: undefined, done: true }, 0]);
});

test('where the feed leapt over what was lost, a client that was sent it goes on and misses nothing new', async () => {
  const stream = await start().follow(caller, null, ANY);
  await stamp(await stage.create(caller), await stage.create(caller));
  await take(stream, 2);
  const { last } = await readFeedEnds(stage.domain.db);
  await stage.domain.db.execute(sql`delete from events`);
  await stage.domain.db.execute(sql`update feed set last = ${last - 2} + 1000000`);
  const generation = await stage.create(caller);
  await stamp();
  expect(await next(stream)).toMatchObject({ generationId: generation.id, position: last - 2 + 1_000_001 });
});

test('a quiet client is not overtaken by the retention of what it had no part in', async () => {
  const feed = start();
  const stream = await feed.follow(caller, null, ANY);
  const waiting = next(stream);
  const stranger = await stage.newCaller();
  await stamp(await stage.create(stranger), await stage.create(stranger));
  stage.domain.hints.give({ generationIds: [], work: [], feeds: null });
  const reads = vi.spyOn(stage.domain.db, 'select');
  onTestFinished(() => reads.mockRestore());
  stage.domain.hints.give({ generationIds: [], work: [], feeds: null });
  await expect.poll(() => reads.mock.calls.length).toBeGreaterThan(0);
  await Promise.all(reads.mock.results.map(({ value }) => value));
  await forget();
  const generation = await stage.create(caller);
  await stamp();
  expect(await waiting).toMatchObject({ generationId: generation.id });
});

function start(): Feed {
  const feed = createFeed(stage.domain);
  feed.start();
  onTestFinished(() => feed.stop());
  return feed;
}

/** What the sequencer does, and its hint. */
async function stamp(..._made: Generation[]): Promise<void> {
  const { workspaceIds } = await stampEvents(stage.domain.db, 1_000);
  stage.domain.hints.give({ generationIds: [], work: [], feeds: workspaceIds });
}

/** Deletes every event that has a position. */
async function forget(): Promise<void> {
  await stage.domain.db.execute(sql`update events set at = at - interval '1 day'`);
  expect(await forgetEvents(stage.domain.db, 3_600_000, 10_000)).toBeGreaterThan(0);
}

/** The next event; fails where none comes within 4 s, which is less than the slow poll takes. */
async function next(stream: AsyncIterator<FeedUpdate>): Promise<GenerationEvent> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('No event came within 4 s.')), 4_000);
  });
  const { value, done } = await Promise.race([stream.next(), late]).finally(() => clearTimeout(timer));
  if (done) throw new Error('The stream has ended.');
  return value.event();
}

async function take(stream: AsyncIterator<FeedUpdate>, count: number): Promise<GenerationEvent[]> {
  const all: GenerationEvent[] = [];
  while (all.length < count) all.push(await next(stream));
  return all;
}
