import { describe, expect, test } from 'vitest';
import { changesBetween } from '../../src/generation/changes.ts';
import { applyReport } from '../../src/generation/machine.ts';
import type { Finished, PollReport } from '../../src/generation/provider-report.ts';
import type { Report } from '../../src/generation/report.ts';
import type { Generation, Task } from '../../src/generation/types.ts';
import { MOMENT, of, polled, stored, taskOf, withTask } from './reports.ts';
import { sampleImages, sampleTrouble } from './samples.ts';
import { momentAt } from './story.ts';

const DAY_MS = 86_400_000;
const SETTLED = new Date(MOMENT.at.getTime() + DAY_MS);
const lags = momentAt(MOMENT.at, 'NONE', { resultsLag: true });
const finished = (count: number, more: Partial<Finished> = {}): Finished => {
  return { kind: 'FINISHED', images: sampleImages(count), credits: null, ...more };
};
const blocked = sampleTrouble({ code: 'MODERATED_OUTPUT', billed: 'NO' });

describe('at a provider whose lists grow', () => {
  test('an end with fewer images than were asked for ends it, and it is asked about for another day', () => {
    const ended = end(finished(1));
    expect(taskOf(ended)).toMatchObject({ status: 'PARTIALLY_SUCCEEDED', settleUntil: SETTLED, tries: 0 });
  });

  test('the picture that comes after that is kept in its slot, and its cost is booked; the status stays', () => {
    const ended = end(finished(1));
    const cost = { amount: '0.07', currency: 'USD' };
    const found = tell(ended, settled(finished(2, { cost })));
    expect(found.assets.map(({ index, state }) => [index, state])).toEqual([
      [0, 'STORED'],
      [1, 'PENDING'],
    ]);
    const kept = tell(found, stored(found, 1));
    expect(kept).toMatchObject({ status: 'PARTIALLY_SUCCEEDED', finishedAt: ended.finishedAt });
    expect(kept.assets.map(({ state }) => state)).toEqual(['STORED', 'STORED']);
    expect(taskOf(kept).cost).toMatchObject({ basis: 'SETTLED', settled: cost });
    expect(changesBetween(ended, found).map(({ type }) => type)).toEqual(['COST_SETTLED']);
    expect(changesBetween(found, kept).map(({ type }) => type)).toEqual(['ASSET_STORED']);
    expect(taskOf(tell(kept, settled(finished(2, { cost })))).settleUntil).toBeNull();
  });

  test('nothing more is asked when there is a picture or a reason for each image, or when it is a series', () => {
    const series = { request: { ...taskOf(running()).request, series: true } };
    expect(taskOf(end(finished(2))).settleUntil).toBeNull();
    expect(taskOf(end(finished(1, { undelivered: [blocked] }))).settleUntil).toBeNull();
    expect(taskOf(end(finished(1), running(series))).settleUntil).toBeNull();
  });

  test('the same short list does not settle what was over before it: it keeps its day and its lease until it is put off', () => {
    const one = tell(canceled(), settled(finished(1)));
    const home = tell(one, stored(one, 0));
    expect(taskOf(home)).toMatchObject({ settleUntil: SETTLED, nextAt: MOMENT.at, workerId: null });
    const held = withTries(home, 1);
    const again = tell(held, settled(finished(1)), delayed(held));
    expect(taskOf(again)).toMatchObject({ settleUntil: SETTLED, workerId: null, tries: 1 });
    expect(taskOf(again).nextAt.getTime()).toBe(MOMENT.at.getTime() + 5_000);
    expect(changesBetween(held, again)).toEqual([]);
    const all = tell(again, settled(finished(2)));
    expect(taskOf(tell(all, stored(all, 1), settled(finished(2)))).settleUntil).toBeNull();
  });

  test('pictures that are there before the others are kept at once, and put off nothing that is new', () => {
    const running: PollReport = { kind: 'RUNNING', percent: null, etaSeconds: null, images: sampleImages(1) };
    const held = canceled();
    const found = tell(held, settled(running), delayed(held));
    expect(found.assets.map(({ state }) => state)).toEqual(['PENDING']);
    expect(taskOf(found)).toMatchObject({ workerId: null, nextAt: MOMENT.at, tries: 0 });
    const home = withTries(tell(found, stored(found, 0)), 1);
    const again = tell(home, settled(running), delayed(home));
    expect(taskOf(again)).toMatchObject({ workerId: null, settleUntil: SETTLED, tries: 1 });
  });

  test('so is one that failed with a reason for fewer than all; then a late picture is kept', () => {
    const start = running();
    const failed = tell(start, polled({ kind: 'FAILED', failure: blocked })(taskOf(start)));
    expect(taskOf(failed)).toMatchObject({ status: 'FAILED', settleUntil: SETTLED, tries: 0 });
    const found = tell(failed, settled(finished(1, { undelivered: [blocked] })));
    const kept = tell(found, stored(found, 0), settled(finished(1, { undelivered: [blocked] })));
    expect(kept.assets.map(({ state }) => state)).toEqual(['STORED']);
    expect(taskOf(kept)).toMatchObject({ status: 'FAILED', settleUntil: null });
    const one = running({ imageCount: 1 });
    expect(taskOf(tell(one, polled({ kind: 'FAILED', failure: blocked })(taskOf(one)))).settleUntil).toBeNull();
  });

  test('a failure that tells of fewer images than were asked for is its last word at the fourth look', () => {
    const failure: PollReport = { kind: 'FAILED', failure: blocked };
    const early = withTries(canceled(), 3);
    expect(tell(early, settled(failure))).toBe(early);
    const free = tell(withTries(canceled(), 4), settled(failure));
    expect(taskOf(free)).toMatchObject({ settleUntil: null, failure: { code: 'CANCELED', billed: 'NO' } });
  });
});

test('at any other provider the first end is the last, however short its list', () => {
  const ended = end(finished(1), running(), MOMENT);
  expect(taskOf(ended)).toMatchObject({ status: 'PARTIALLY_SUCCEEDED', settleUntil: null });
  const tellOther = (state: Generation, report: Report) =>
    applyReport(state, { ...report, taskId: taskOf(state).id }, MOMENT);
  const one = tellOther(canceled(), settled(finished(1)));
  const home = withTries(tellOther(one, stored(one, 0)), 1);
  expect(taskOf(tellOther(home, settled(finished(1)))).settleUntil).toBeNull();
  const failure: PollReport = { kind: 'FAILED', failure: blocked };
  expect(taskOf(tellOther(canceled(), settled(failure))).settleUntil).toBeNull();
});

function running(changes: Partial<Task> = {}): Generation {
  return withTask('RUNNING', { providerTaskId: 'theirs', ...changes });
}

/** Its images are all home. */
function end(report: Finished, start = running(), moment = lags): Generation {
  const collecting = applyReport(start, polled(report)(taskOf(start)), moment);
  return collecting.assets.reduce((state, _, i) => applyReport(state, stored(state, i), moment), collecting);
}

function canceled(): Generation {
  const start = running();
  const over = tell(start, { kind: 'CANCEL', taskId: '' });
  return withTries(over, 1);
}

/** As if a worker had claimed it so often since there was news. */
function withTries(generation: Generation, tries: number): Generation {
  return { ...generation, tasks: generation.tasks.map((task) => ({ ...task, tries, workerId: 'wrk_2' })) };
}

function settled(report: PollReport): Report {
  return { kind: 'SETTLED', taskId: '', token: 5, report, resultTtlSeconds: 60 };
}

function delayed(generation: Generation): Report {
  return { kind: 'DELAYED', ...of(taskOf(generation)), delayMs: 5_000 };
}

/** Reports with an empty id are about the first task. */
function tell(generation: Generation, ...reports: Report[]): Generation {
  return reports.reduce(
    (state, report) => applyReport(state, { ...report, taskId: report.taskId || taskOf(state).id }, lags),
    generation,
  );
}
