import fc from 'fast-check';
import { expect, test } from 'vitest';
import { applyReport } from '../../src/generation/machine.ts';
import type { PollReport } from '../../src/generation/provider-report.ts';
import { estimatePercent, withEstimate } from '../../src/worker/estimate.ts';
import { polled, sampled, taskOf } from '../generation/reports.ts';
import { momentAt, START } from '../generation/story.ts';

const standing = { p50Seconds: 20 };
const running: PollReport = { kind: 'RUNNING', percent: null, etaSeconds: 3 };
const pending: PollReport = { kind: 'PENDING', etaSeconds: 3 };

const ages = fc.oneof(fc.nat({ max: 100_000 }), fc.double({ min: 0, max: 1e12, noNaN: true }));
const histories = fc.oneof(fc.double({ min: 0.001, max: 3_600, noNaN: true }), fc.constant(20));

test('an estimate rises with the age, never falls, and is at most 95 percent however old a task gets', () => {
  expect([0, 1_000, 5_000, 10_000, 20_000, 40_000, 1e12].map((age) => estimatePercent(age, standing))).toEqual([
    0, 5, 25, 50, 70, 90, 95,
  ]);
  fc.assert(
    fc.property(ages, ages, histories, (one, other, p50Seconds) => {
      const [early, late] = [Math.min(one, other), Math.max(one, other)].map((age) =>
        estimatePercent(age, { p50Seconds }),
      );
      expect(early).toBeGreaterThanOrEqual(0);
      expect(late).toBeGreaterThanOrEqual(early ?? Number.NaN);
      expect(late).toBeLessThanOrEqual(95);
    }),
  );
});

test('over its life a task is estimated at no more than twenty values', () => {
  const values = new Set(Array.from({ length: 20_000 }, (_, i) => estimatePercent(i * 20, standing)));
  expect(values.size).toBeLessThanOrEqual(20);
});

test('without a history nothing is estimated', () => {
  for (const unknown of [undefined, { p50Seconds: null }, { p50Seconds: 0 }]) {
    expect(estimatePercent(60_000, unknown)).toBeNull();
    expect([running, pending].map((report) => withEstimate(report, 60_000, unknown))).toEqual([running, pending]);
  }
});

test('a report without a percent gets one that is marked as an estimate; one that has one, or says something else, is left', () => {
  expect(withEstimate(running, 10_000, standing)).toEqual({ ...running, percent: 50, basis: 'ESTIMATED' });
  const others: PollReport[] = [
    { kind: 'RUNNING', percent: 0, etaSeconds: null },
    { kind: 'FINISHED', images: [], credits: null },
  ];
  expect(others.map((report) => withEstimate(report, 10_000, standing))).toEqual(others);
});

test('a task that waits is estimated once it has waited for a quarter of the usual time', () => {
  expect(withEstimate(pending, 4_999, standing)).toBe(pending);
  expect(withEstimate(pending, 5_000, standing)).toEqual({ ...pending, percent: 25 });
});

test('whatever a provider says and however it is estimated, progress never falls, is below 100 before the end, and its basis is that of the number shown', () => {
  const words = fc.oneof(
    fc.constant(running),
    fc.constant(pending),
    fc.integer({ min: -20, max: 150 }).map((percent): PollReport => ({ kind: 'RUNNING', percent, etaSeconds: null })),
  );
  const told = fc.array(fc.record({ word: words, afterMs: fc.nat({ max: 20_000 }) }), { maxLength: 40 });
  fc.assert(
    fc.property(told, (story) => {
      let [state, age] = [sampled([1], 'ACCEPTED'), 0];
      for (const { word, afterMs } of story) {
        age += afterMs;
        const before = taskOf(state);
        const said = withEstimate(word, age, standing);
        state = applyReport(state, polled(said)(before), momentAt(new Date(START.getTime() + age)));
        const task = taskOf(state);
        expect(task.percent ?? 0).toBeGreaterThanOrEqual(before.percent ?? 0);
        expect(task.percent ?? 0).toBeLessThan(100);
        if (before.progressBasis === 'REPORTED') expect(task.progressBasis).toBe('REPORTED');
        if (task.percent === before.percent) expect(task.progressBasis).toBe(before.progressBasis);
        else expect(task.progressBasis).toBe(said === word ? 'REPORTED' : 'ESTIMATED');
        expect([state.percent, state.progressBasis]).toEqual([
          task.percent === null ? null : Math.floor(task.percent),
          task.progressBasis,
        ]);
      }
    }),
  );
});
