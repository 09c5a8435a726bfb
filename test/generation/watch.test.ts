import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import type { Domain } from '../../src/generation/domain.ts';
import { LatestState, type Update } from '../../src/generation/latest-state.ts';
import { applyReport } from '../../src/generation/machine.ts';
import type { Report } from '../../src/generation/report.ts';
import type { Generation } from '../../src/generation/types.ts';
import { createWatcher, type Watcher } from '../../src/generation/watch.ts';
import { sampleFacts, sampleGeneration } from './samples.ts';
import { accept, failed, finished, openStage, running, type Stage, taskOf, tell } from './stage.ts';
import { momentAt } from './story.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
beforeEach(() => stage.clear());
afterAll(() => stage.close());

test('a change that lands between finding and watching is in the first message', async () => {
  const watcher = start();
  const found = await accepted();
  const changed = await tell(stage.domain, found, running(found, 30));
  expect(await next(watcher.watch(found, 0))).toEqual({ kind: 'SNAPSHOT', generation: changed });
});

test('a change that lands between watching and the first read is in a message', async () => {
  const watcher = start();
  const found = await accepted();
  const stream = watcher.watch(found, found.version);
  const changed = await tell(stage.domain, found, running(found, 30));
  expect(await next(stream)).toEqual({ kind: 'CHANGE', generation: changed });
});

test('who holds the present version hears nothing before the next', async () => {
  const watcher = start();
  const found = await accepted();
  const [fresh, held] = [watcher.watch(found, 0), watcher.watch(found, found.version)];
  expect(await next(fresh)).toEqual({ kind: 'SNAPSHOT', generation: found });
  const changed = await tell(stage.domain, found, running(found, 30));
  expect(await next(held)).toEqual({ kind: 'CHANGE', generation: changed });
});

test('a slow reader gets the newest state, then the final one, once, and the end', async () => {
  const watcher = start();
  let generation = await accepted();
  const [slow, quick] = [watcher.watch(generation, 0), watcher.watch(generation, 0)];
  for (const percent of [10, 20, 30]) generation = await tell(stage.domain, generation, running(generation, percent));
  await reach(quick, generation.version);
  expect(await next(slow)).toEqual({ kind: 'SNAPSHOT', generation });
  generation = await tell(stage.domain, generation, running(generation, 40));
  generation = await tell(stage.domain, generation, failed(generation));
  expect((await rest(quick)).at(-1)).toMatchObject({ generation: { status: 'FAILED' } });
  expect(await rest(slow)).toEqual([{ kind: 'CHANGE', generation }]);
  expect(watcher.size).toBe(0);
});

test('versions strictly rise to the final one, however fast they come', async () => {
  const watcher = start();
  const begun = await accepted();
  const streams = Array.from({ length: 10 }, () => rest(watcher.watch(begun, 0)));
  await Promise.all(Array.from({ length: 30 }, (_, i) => tell(stage.domain, begun, running(begun, i * 3))));
  const collecting = await tell(stage.domain, begun, finished(begun, 1));
  const done = await tell(stage.domain, collecting, stored(collecting));
  for (const messages of await Promise.all(streams)) {
    const versions = messages.map(({ generation }) => generation.version);
    expect(versions).toEqual([...new Set(versions)].sort((a, b) => a - b));
    const percents = messages.map(({ generation }) => generation.percent ?? 0);
    expect(percents).toEqual([...percents].sort((a, b) => a - b));
    expect(messages.at(-1)).toEqual({ kind: messages.length === 1 ? 'SNAPSHOT' : 'CHANGE', generation: done });
  }
});

test('who comes after the end gets the final state once and the end; who holds it already, only the end', async () => {
  const watcher = start();
  const generation = await accepted();
  const final = await tell(stage.domain, generation, failed(generation));
  const fresh = await rest(watcher.watch(final, 0));
  const held = await rest(watcher.watch(final, final.version));
  const tooNew = await rest(watcher.watch(final, final.version + 5));
  expect([fresh, held, tooNew]).toEqual([
    [{ kind: 'SNAPSHOT', generation: final }],
    [],
    [{ kind: 'CHANGE', generation: final }],
  ]);
  expect(watcher.size).toBe(0);
});

test('a generation that ends between finding and watching ends the stream', async () => {
  const watcher = start();
  const found = await accepted();
  const final = await tell(stage.domain, found, failed(found));
  expect(await rest(watcher.watch(found, 0))).toEqual([{ kind: 'SNAPSHOT', generation: final }]);
});

test('a return while a reader waits ends both at once', async () => {
  const watcher = start();
  const found = await accepted();
  const stream = watcher.watch(found, found.version);
  const waiting = stream.next();
  expect(await stream.return?.()).toEqual({ value: undefined, done: true });
  expect(await waiting).toEqual({ value: undefined, done: true });
  expect(await stream.next()).toEqual({ value: undefined, done: true });
  expect(watcher.size).toBe(0);
});

test('200 who watch one generation cost one read per change, not 200', async () => {
  const watcher = start();
  let generation = await accepted();
  const reads = vi.spyOn(stage.domain.db.query.generations, 'findMany');
  onTestFinished(() => reads.mockRestore());
  const streams = Array.from({ length: 200 }, () => watcher.watch(generation, 0));
  await Promise.all(streams.map(next));
  expect(reads.mock.calls.length).toBeLessThanOrEqual(2);
  const other = await stage.another();
  for (const percent of [20, 40, 60]) {
    generation = await tell(other.domain, generation, running(generation, percent));
    reads.mockClear();
    stage.domain.hints.give({ generationIds: [generation.id], work: [], feeds: [] });
    const messages = await Promise.all(streams.map(next));
    expect(messages).toEqual(Array(200).fill({ kind: 'CHANGE', generation }));
    expect(reads.mock.calls.length).toBe(1);
  }
});

test('a change that nobody watches is not read', async () => {
  start();
  const generation = await accepted();
  const reads = vi.spyOn(stage.domain.db.query.generations, 'findMany');
  onTestFinished(() => reads.mockRestore());
  stage.domain.hints.give({ generationIds: [generation.id], work: [], feeds: [] });
  stage.domain.hints.give({ generationIds: null, work: [], feeds: [] });
  expect(reads).not.toHaveBeenCalled();
});

test('a change that another process makes is heard here', async () => {
  const other = await stage.another();
  await other.domain.hints.start();
  onTestFinished(() => other.domain.hints.stop());
  const watcher = start(other.domain);
  const found = await accepted();
  const stream = watcher.watch(found, found.version);
  const changed = await tell(stage.domain, found, running(found, 30));
  expect(await next(stream)).toEqual({ kind: 'CHANGE', generation: changed });
});

test('a hint that was lost is made good by the slow poll', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  onTestFinished(() => void vi.useRealTimers());
  const deaf = await stage.another();
  const watcher = start(deaf.domain);
  const found = await accepted();
  const stream = watcher.watch(found, 0);
  expect(await next(stream)).toEqual({ kind: 'SNAPSHOT', generation: found });
  const changed = await tell(stage.domain, found, running(found, 30));
  vi.advanceTimersByTime(5_000);
  expect(await next(stream)).toEqual({ kind: 'CHANGE', generation: changed });
});

test('a change that is heard in the very moment in which a read ends is read too', async () => {
  const watcher = start();
  const [one, two] = [await accepted(), await accepted()];
  const other = await stage.another();
  const streamOfTwo = watcher.watch(two, 0);
  expect(await next(streamOfTwo)).toEqual({ kind: 'SNAPSHOT', generation: two });
  const changed = await tell(other.domain, two, running(two, 30));
  const { generations } = stage.domain.db.query;
  const read = generations.findMany.bind(generations);
  const reads = vi.spyOn(generations, 'findMany');
  onTestFinished(() => reads.mockRestore());
  reads.mockImplementationOnce(((...args: Parameters<typeof read>) => {
    const rows = Promise.resolve(read(...args));
    rows.then(() => queueMicrotask(() => stage.domain.hints.give({ generationIds: [two.id], work: [], feeds: [] })));
    return rows;
  }) as never);
  const streamOfOne = watcher.watch(one, 0);
  expect(await next(streamOfOne)).toEqual({ kind: 'SNAPSHOT', generation: one });
  expect(await next(streamOfTwo)).toEqual({ kind: 'CHANGE', generation: changed });
});

test('a read that fails is made good at the next hint', async () => {
  const watcher = start();
  const found = await accepted();
  const reads = vi.spyOn(stage.domain.db.query.generations, 'findMany');
  onTestFinished(() => reads.mockRestore());
  reads.mockImplementationOnce((() => Promise.reject(new Error('no connection'))) as never);
  const stream = watcher.watch(found, 0);
  await expect.poll(() => reads.mock.calls.length).toBe(1);
  stage.domain.hints.give({ generationIds: [found.id], work: [], feeds: [] });
  expect(await next(stream)).toEqual({ kind: 'SNAPSHOT', generation: found });
});

test('a stop ends every stream, read or not', async () => {
  const watcher = createWatcher(stage.domain);
  watcher.start();
  const found = await accepted();
  const [waiting, unread] = [watcher.watch(found, found.version), watcher.watch(found, found.version)];
  const pending = waiting.next();
  await watcher.stop();
  expect([await pending, await unread.next()]).toEqual(Array(2).fill({ value: undefined, done: true }));
  expect(watcher.size).toBe(0);
});

test('several reads that wait at once are answered in turn, and all of them end', async () => {
  const at = new Date();
  const generation = sampleGeneration([1], { at });
  const taskId = taskOf(generation).id;
  const final = applyReport(generation, { kind: 'CANCEL', taskId }, momentAt(at));
  const ended = vi.fn();
  const stream = new LatestState(0, ended);
  const reads = [stream.next(), stream.next(), stream.next()];
  stream.offer(generation);
  stream.offer({ ...final, version: 2 });
  stream.offer({ ...final, version: 3 });
  expect(await Promise.all(reads)).toEqual([
    { value: { kind: 'SNAPSHOT', generation }, done: false },
    { value: { kind: 'CHANGE', generation: { ...final, version: 2 } }, done: false },
    { value: undefined, done: true },
  ]);
  expect(ended).toHaveBeenCalledTimes(1);
});

function start(domain: Domain = stage.domain): Watcher {
  const watcher = createWatcher(domain);
  watcher.start();
  onTestFinished(() => watcher.stop());
  return watcher;
}

async function accepted(): Promise<Generation> {
  return accept(stage, await stage.create(await stage.newCaller()));
}

function stored(generation: Generation): Report {
  const { id: taskId, leaseToken: token } = taskOf(generation);
  return { kind: 'STORED', taskId, token, assetId: generation.assets[0]?.id ?? '', facts: sampleFacts() };
}

/** The next message; fails where none comes within 4 s, which is less than the slow poll takes. */
async function next(stream: AsyncIterator<Update>): Promise<Update> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('No message came within 4 s.')), 4_000);
  });
  const { value, done } = await Promise.race([stream.next(), late]).finally(() => clearTimeout(timer));
  if (done) throw new Error('The stream has ended.');
  return value;
}

async function reach(stream: AsyncIterator<Update>, version: number): Promise<void> {
  while ((await next(stream)).generation.version < version);
}

async function rest(stream: AsyncIterableIterator<Update>): Promise<Update[]> {
  const all: Update[] = [];
  for await (const update of stream) all.push(update);
  return all;
}
