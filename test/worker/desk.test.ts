import { pino } from 'pino';
import { afterEach, expect, test } from 'vitest';
import type { PollReport } from '../../src/generation/provider-report.ts';
import type { Answer, Provider } from '../../src/provider/provider.ts';
import { createDesk, type Desk, type DeskOptions } from '../../src/worker/desk.ts';
import { Held } from '../../src/worker/held.ts';
import { createLoop } from '../../src/worker/loop.ts';
import { ALWAYS, createTurn } from '../../src/worker/turn.ts';
import { sampleGeneration, sampleTrouble } from '../generation/samples.ts';
import { until } from '../service/until.ts';
import { createFake, pending } from './fake.ts';

const log = pino({ level: 'silent' });
const together = (id: string) => (id.includes('#') ? (id.split('#')[0] ?? null) : null);
const silent: PollReport = { kind: 'SILENT', failure: sampleTrouble(), retryAfterMs: null };

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

test('a batch of fifty tasks costs one request a round, though each has a schedule of its own', async () => {
  const provider = createFake(() => pending, { together });
  const { place } = open(provider);
  for (let i = 0; i < 50; i += 1) place(`batch#${i}`, i * 2);
  await until(
    () => provider.groups.length,
    (rounds) => rounds >= 5,
  );
  const ids = Array.from({ length: 50 }, (_, i) => `batch#${i}`).sort();
  expect(provider.groups.map((group) => group.toSorted())).toEqual(provider.groups.map(() => ids));
});

test('one request asks about as many groups as the provider takes, and about no task twice', async () => {
  const provider = createFake(() => pending, { together, pollBatch: 3 });
  const { place } = open(provider);
  for (const name of ['a', 'b', 'c', 'd']) for (let i = 0; i < 5; i += 1) place(`${name}#${i}`);
  place('alone');
  await until(
    () => provider.groups.length,
    (requests) => requests >= 2,
  );
  const [first = [], second = []] = provider.groups;
  expect([first.length, second.length]).toEqual([15, 6]);
  expect(new Set([...first, ...second]).size).toBe(21);
});

test('ids that stand alone share a request up to its limit', async () => {
  const provider = createFake(() => pending, { pollBatch: 40 });
  const { place } = open(provider);
  for (let i = 0; i < 100; i += 1) place(`task-${i}`);
  await until(
    () => provider.asked.length,
    (asked) => asked >= 100,
  );
  expect(provider.groups.slice(0, 3).map(({ length }) => length)).toEqual([40, 40, 20]);
});

test('what one request could ask about is due on common ticks: those of 0.3 s leave in a few requests', async () => {
  const pollSchedule = { firstMs: 2_000, fastMs: 2_500, fastForMs: 20_000, slowMs: 7_500 };
  const provider = createFake(() => pending, { pollBatch: 100, pollSchedule });
  const { place } = open(provider);
  for (let i = 0; i < 60; i += 1) place(`task-${i}`, 5 * i + 1);
  await until(
    () => provider.asked.length,
    (asked) => asked === 60,
  );
  // Were each due on its own, there would be a request every 20 ms.
  expect(provider.groups.length).toBeLessThanOrEqual(8);
});

test('a task whose answer is awaited is not asked about with the others of its group, even when it is nudged', async () => {
  let answer = () => {};
  const held = new Promise<void>((resolve) => {
    answer = resolve;
  });
  const provider = createFake(async (id) => (id === 'batch#0' ? held.then(() => pending) : pending), { together });
  const { desk, place } = open(provider);
  const slow = place('batch#0');
  await until(
    () => provider.asked.length,
    (asked) => asked === 1,
  );
  slow.nudge();
  desk.place(slow);
  place('batch#1');
  await until(
    () => provider.asked.filter((id) => id === 'batch#1').length,
    (asked) => asked >= 3,
  );
  expect(provider.asked.filter((id) => id === 'batch#0')).toHaveLength(1);
  answer();
  await until(
    () => provider.asked.filter((id) => id === 'batch#0').length,
    (asked) => asked > 1,
  );
});

test('one of a group that the provider does not know is not hurried along by the others: it is backed off from', async () => {
  const provider = createFake((id) => (id === 'batch#0' ? silent : pending), { together });
  const { place } = open(provider);
  for (const i of [0, 1]) place(`batch#${i}`);
  const times = (id: string) => provider.asked.filter((each) => each === id).length;
  await until(
    () => times('batch#1'),
    (asked) => asked >= 14,
  );
  expect(times('batch#0')).toBeLessThanOrEqual(6);
});

test('where turns are to be taken no request leaves without one, and the wait for it costs no work', async () => {
  const provider = createFake(() => pending, { pollBatch: 2 });
  let [given, asks, free] = [0, 0, 0];
  const { place, ticks } = open(provider, async () => {
    asks += 1;
    if (free === 0) return 50;
    free -= 1;
    given += 1;
    return 0;
  });
  for (let i = 0; i < 6; i += 1) place(`task-${i}`);
  const began = performance.now();
  await until(
    () => asks,
    (count) => count >= 6,
  );
  expect(provider.groups).toEqual([]);
  expect(performance.now() - began).toBeGreaterThanOrEqual(225);
  expect(ticks()).toBeLessThan(10);
  free = 3;
  await until(
    () => provider.groups.length,
    (requests) => requests === 3,
  );
  // Who waited longest comes first, and nobody twice before all.
  expect(provider.asked).toEqual(['task-0', 'task-1', 'task-2', 'task-3', 'task-4', 'task-5']);
  expect(given).toBe(3);
});

test('a turn that cannot be taken is asked for again, and a stop does not wait for one', async () => {
  const provider = createFake(() => pending);
  let asks = 0;
  const { place } = open(provider, async () => {
    asks += 1;
    if (asks === 1) throw new Error('the database is away');
    return 3_600_000;
  });
  place('task');
  await until(
    () => asks,
    (count) => count === 2,
  );
  expect(provider.asked).toEqual([]);
});

/** A desk that is asked for what is due as the poller does it; stopped after the test. */
function open(provider: Provider, ask?: () => Promise<number>) {
  const stopping = new AbortController();
  const { signal } = stopping;
  let ticks = 0;
  const onCome = () => loop.wake();
  const hear: DeskOptions['hear'] = async (held: Held, answer: Answer<PollReport> | undefined) => {
    const { kind } = held.hear(answer?.report ?? silent, 99);
    held.schedule(kind === 'SILENT' ? 400 : provider.pollSchedule.fastMs);
    desk.place(held);
  };
  const now = () => performance.now();
  const turn = ask ? createTurn({ isFree: () => false, ask, log, signal, onCome }) : ALWAYS;
  const desk: Desk = createDesk({
    provider,
    log,
    now,
    signal,
    turn,
    onAsk: () => {},
    onAnswer: () => {},
    hear,
    onChange: onCome,
  });
  const loop = createLoop({
    name: 'desk',
    log,
    async tick() {
      ticks += 1;
      return desk.askDue(1_000);
    },
  });
  loop.start();
  stops.push(async () => {
    stopping.abort();
    await loop.stop();
    await desk.drained();
  });
  return {
    desk,
    ticks: () => ticks,
    place(id: string, dueInMs = -50): Held {
      const held = hold(id, provider, now);
      held.dueAt = now() + dueInMs;
      desk.place(held);
      onCome();
      return held;
    },
  };
}

function hold(id: string, provider: Provider, now: () => number): Held {
  const [task] = sampleGeneration([1], { at: new Date(now() + 3_600_000) }).tasks;
  if (!task) throw new Error('one task');
  return new Held({ ...task, id, workspaceId: 'wsp_1', status: 'RUNNING' }, id, provider, now);
}
