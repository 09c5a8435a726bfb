import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { PollReport } from '../../src/generation/provider-report.ts';
import type { Task } from '../../src/generation/types.ts';
import type { Provider } from '../../src/provider/provider.ts';
import { Held } from '../../src/worker/held.ts';
import { sampleGeneration, sampleImages, sampleTrouble } from '../generation/samples.ts';
import { createProvider } from '../provider/gptimage2.ts';
import { createFake } from './fake.ts';

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

describe('at a provider whose lists grow, an end with fewer images than were asked for', () => {
  // Four of its slow polls.
  const QUIET_MS = 400;
  const lagging = createFake(() => pending, {
    resultsLag: true,
    pollSchedule: { firstMs: 1, fastMs: 1, fastForMs: 1, slowMs: QUIET_MS / 4 },
  });
  const ended = (count: number, reasons = 0): PollReport => {
    const undelivered = Array.from({ length: reasons }, () => sampleTrouble());
    return { kind: 'FINISHED', images: sampleImages(count), undelivered, credits: null };
  };
  const soFar = (count: number): PollReport => {
    return { kind: 'RUNNING', percent: null, etaSeconds: null, ...(count > 0 && { images: sampleImages(count) }) };
  };
  const hearAt = (held: Held, ms: number, report: PollReport): PollReport => {
    vi.setSystemTime(NOON.getTime() + ms);
    return held.hear(report, 9);
  };

  test('is what is there so far, until the list has not grown for four slow polls', () => {
    const held = hold({ imageCount: 20 }, lagging);
    for (const n of [1, 2, 3, 4, 5]) expect(hearAt(held, n * (QUIET_MS - 1), ended(n))).toEqual(soFar(n));
    const last = 5 * (QUIET_MS - 1);
    expect(hearAt(held, last + QUIET_MS - 1, ended(5))).toEqual(soFar(5));
    expect(hearAt(held, last + QUIET_MS, ended(5))).toEqual(ended(5));
  });

  test('is not believed sooner for being looked at more often, as callbacks have it', () => {
    const held = hold({ imageCount: 2 }, lagging);
    for (let ms = 0; ms < QUIET_MS; ms += 20) expect(hearAt(held, ms, ended(1))).toEqual(soFar(1));
    expect(hearAt(held, QUIET_MS, ended(1))).toEqual(ended(1));
  });

  test('is believed at once when it has a picture or a reason for each, and for one image or a series', () => {
    const { request } = hold().task;
    expect(hold({ imageCount: 3 }, lagging).hear(ended(2, 1), 9)).toEqual(ended(2, 1));
    expect(hold({ imageCount: 1 }, lagging).hear(ended(0), 9)).toEqual(ended(0));
    const series = { imageCount: 3, request: { ...request, series: true } };
    expect(hold(series, lagging).hear(ended(1), 9)).toEqual(ended(1));
    expect(hold({ imageCount: 3 }).hear(ended(1), 9)).toEqual(ended(1));
  });

  test('waits likewise where it is a failure, which may be that of one image only', () => {
    const held = hold({ imageCount: 2 }, lagging);
    const failed: PollReport = { kind: 'FAILED', failure };
    expect(hearAt(held, 0, failed)).toEqual(soFar(0));
    expect(hearAt(held, QUIET_MS - 1, failed)).toEqual(soFar(0));
    expect(hearAt(held, QUIET_MS, failed)).toEqual(failed);
  });

  test('waits anew once it was said to run on, and silence neither grows nor shortens it', () => {
    const held = hold({ imageCount: 3 }, lagging);
    expect(hearAt(held, 0, ended(1))).toEqual(soFar(1));
    hearAt(held, QUIET_MS - 1, soFar(1));
    expect(hearAt(held, QUIET_MS, ended(1))).toEqual(soFar(1));
    expect(hearAt(held, 2 * QUIET_MS - 1, silent)).toEqual(silent);
    expect(hearAt(held, 2 * QUIET_MS, ended(1))).toEqual(ended(1));
  });
});

function hold(changes: Partial<Task> = {}, at = provider): Held {
  const [task] = sampleGeneration([1], { at: NOON }).tasks;
  if (!task) throw new Error('one task');
  return new Held({ ...task, status: 'RUNNING', ...changes }, 'task-1', at, () => Date.now());
}

function dueInMs(held: Held): number {
  return held.dueAt - Date.now();
}
