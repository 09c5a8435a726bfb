import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { PollReport } from '../../src/generation/provider.ts';
import type { Task } from '../../src/generation/types.ts';
import type { Provider } from '../../src/provider/provider.ts';
import { Held } from '../../src/worker/held.ts';
import { sampleGeneration, sampleTrouble } from '../generation/samples.ts';
import { createProvider } from '../provider/gptimage2.ts';

const NOON = new Date('2026-01-01T12:00:00Z');
const provider: Provider = createProvider('https://provider.example.com');
const failure = sampleTrouble({ code: 'PROVIDER_LOST' });
const missing: PollReport = { kind: 'MISSING', failure };
const silent: PollReport = { kind: 'SILENT', failure: sampleTrouble(), retryAfterMs: null };
const pending: PollReport = { kind: 'PENDING', etaSeconds: null };

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: NOON });
});
afterEach(() => {
  vi.useRealTimers();
});

test('a task that was just accepted is asked about after the first wait', () => {
  const held = hold({ status: 'ACCEPTED', tries: 1 });
  expect(dueInMs(held)).toBe(2_000);
});

test('it joins the question about others at any time; backed off from, no sooner than half its wait is over', () => {
  const held = hold();
  held.asked();
  held.schedule(60_000);
  expect(held.mayJoin()).toBe(true);
  held.hear(missing, 9);
  held.schedule(60_000);
  expect(held.mayJoin()).toBe(false);
  vi.setSystemTime(NOON.getTime() + 29_999);
  expect(held.mayJoin()).toBe(false);
  vi.setSystemTime(NOON.getTime() + 30_000);
  expect(held.mayJoin()).toBe(true);
});

test.each<[string, Partial<Task>]>([
  ['was held before', { status: 'ACCEPTED', tries: 2 }],
  ['runs already', { status: 'RUNNING', tries: 1 }],
])('a task that %s is asked about at once', (_what, task) => {
  expect(dueInMs(hold(task))).toBe(0);
});

test('while an answer is awaited it is not due, and each question is counted on from those of the last worker', () => {
  const held = hold({ status: 'RUNNING', pollCount: 7 });
  held.asked();
  expect([dueInMs(held), held.pollCount]).toEqual([Number.POSITIVE_INFINITY, 8]);
  held.schedule(500);
  expect(dueInMs(held)).toBe(500);
});

test('it is as old as its acceptance, never younger than nothing', () => {
  const accepted = (ms: number) => hold({ acceptedAt: new Date(NOON.getTime() + ms) }).age(2, 9);
  const more = { silences: 2, retryAfterMs: 9, awaitsCallback: false };
  expect(hold({ awaitsCallback: true }).age(0, null).awaitsCallback).toBe(true);
  expect(accepted(-30_000)).toEqual({ ageMs: 30_000, ...more });
  expect(accepted(5_000)).toEqual({ ageMs: 0, ...more });
});

test('a provider that does not know a task is believed the sixth time in a row', () => {
  const held = hold();
  const heard = Array.from({ length: 6 }, () => held.hear(missing, 6));
  expect(heard).toEqual([...Array(5).fill(missing), { kind: 'FAILED', failure }]);
});

test('an answer that knows the task begins the count anew; silence neither counts nor begins it anew', () => {
  const held = hold();
  const reports = [missing, pending, missing, silent, silent, missing];
  expect(reports.map((report) => held.hear(report, 3).kind)).toEqual(reports.map(({ kind }) => kind));
  expect(held.hear(missing, 3)).toEqual({ kind: 'FAILED', failure });
});

test('silences are the answers in a row that tell nothing of the task, a 404 among them', () => {
  const held = hold();
  const silences = [silent, silent, missing, silent, pending].map((report) => {
    held.hear(report, 9);
    return held.silences;
  });
  expect(silences).toEqual([1, 2, 3, 4, 0]);
});

test.each<[string, PollReport, boolean]>([
  ['PENDING', pending, true],
  ['MISSING, the first time', missing, false],
  ['FAILED', { kind: 'FAILED', failure }, false],
  ['FINISHED', { kind: 'FINISHED', images: [], credits: null }, false],
  ['SILENT, the first time', silent, false],
])('past its deadline a task is given up for an answer that says it is not finished: %s', (_kind, report, given) => {
  const held = hold({ deadlineAt: new Date(Date.now() - 1) });
  held.asked();
  held.hear(report, 9);
  expect(held.isTooLate(report)).toBe(given);
});

test('past its deadline a provider that says nothing is asked three times, however silent it was before', () => {
  const held = hold({ deadlineAt: new Date(Date.now() - 1) });
  for (const _ of [1, 2, 3]) held.hear(silent, 9);
  const given = [silent, missing, silent].map((report) => {
    held.asked();
    held.hear(report, 9);
    return held.isTooLate(report);
  });
  expect(given).toEqual([false, false, true]);
});

test('an answer to a question from before the deadline gives nothing up', () => {
  const held = hold({ deadlineAt: new Date(Date.now() + 60_000) });
  held.asked();
  expect(held.isTooLate(pending)).toBe(false);
});

test('a task is looked at when its deadline comes, however late it would be its turn', () => {
  const held = hold({ deadlineAt: new Date(Date.now() + 5_000) });
  held.schedule(60_000);
  expect(dueInMs(held)).toBe(5_000);
});

test('an oddity is told once, until there is another', () => {
  const held = hold();
  const oddities = ['HTTP 502', 'HTTP 502', null, 'HTTP 502', 'not JSON', 'HTTP 502'];
  expect(oddities.map((oddity) => held.isOdd(oddity))).toEqual([true, false, false, false, true, true]);
});

test('a nudged task is due at once, but never within a second of the last question', () => {
  const held = hold({ status: 'ACCEPTED', tries: 1 });
  held.nudge();
  expect(dueInMs(held)).toBeLessThanOrEqual(0);
  held.asked();
  held.schedule(60_000);
  held.nudge();
  held.nudge();
  expect(dueInMs(held)).toBe(1_000);
  vi.setSystemTime(NOON.getTime() + 5_000);
  held.schedule(60_000);
  expect(dueInMs(held)).toBe(60_000);
  held.nudge();
  expect(dueInMs(held)).toBeLessThanOrEqual(0);
});

test('a nudge while an answer is awaited counts after it, once', () => {
  const held = hold();
  held.asked();
  for (const _ of Array(20)) held.nudge();
  expect(dueInMs(held)).toBe(Number.POSITIVE_INFINITY);
  held.schedule(60_000);
  expect(dueInMs(held)).toBe(1_000);
  held.asked();
  held.schedule(60_000);
  expect(dueInMs(held)).toBe(60_000);
});

test('a nudge delays nothing, and hurries no provider that said nothing the last time', () => {
  const soon = hold();
  soon.asked();
  soon.schedule(50);
  soon.nudge();
  expect(dueInMs(soon)).toBe(50);
  const quiet = hold();
  quiet.asked();
  quiet.nudge();
  quiet.hear(silent, 9);
  quiet.schedule(30_000);
  quiet.nudge();
  expect(dueInMs(quiet)).toBe(30_000);
});

function hold(changes: Partial<Task> = {}): Held {
  const [task] = sampleGeneration([1], { at: NOON }).tasks;
  if (!task) throw new Error('one task');
  return new Held({ ...task, status: 'RUNNING', ...changes }, 'task-1', provider, () => Date.now());
}

function dueInMs(held: Held): number {
  return held.dueAt - Date.now();
}
