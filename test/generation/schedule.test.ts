import fc from 'fast-check';
import { expect, test } from 'vitest';
import { downloadDelayMs, pollDelayMs, resubmitDelayMs } from '../../src/generation/schedule.ts';

const schedule = { firstMs: 2_000, fastMs: 2_500, fastForMs: 20_000, slowMs: 7_500 };
const middle = () => 0.5;
const at = (ageMs: number, silences = 0, retryAfterMs: number | null = null, awaitsCallback = false) =>
  pollDelayMs(schedule, { ageMs, silences, retryAfterMs, awaitsCallback }, middle);

test('polls come every 2.5 s while the task is younger than 20 s, then every 7.5 s', () => {
  expect([0, 19_999, 20_000, 600_000].map((ageMs) => at(ageMs))).toEqual([2_500, 2_500, 7_500, 7_500]);
});

test('what its provider will tell of is asked about every 7.5 s also while it is young, and backed off from like any other', () => {
  expect([0, 19_999, 600_000].map((ageMs) => at(ageMs, 0, null, true))).toEqual([7_500, 7_500, 7_500]);
  expect([at(0, 1, null, true), at(0, 1, 90_000, true)]).toEqual([15_000, 90_000]);
});

test('answers in a row that say nothing double the wait, to a minute at most', () => {
  expect([1, 2, 3, 4, 5, 6, 1_000].map((silences) => at(0, silences))).toEqual([
    5_000, 10_000, 20_000, 40_000, 60_000, 60_000, 60_000,
  ]);
});

test('the provider may ask for later, never for sooner', () => {
  expect([at(0, 0, 30_000), at(0, 0, 10), at(0, 3, 90_000), at(0, 3, 0)]).toEqual([30_000, 2_500, 90_000, 20_000]);
});

test('a task that was not accepted is sent again after 1, 2, 4 … 60 s, or when the provider says', () => {
  const tries = [0, 1, 2, 3, 4, 5, 6, 7, 50].map((each) => resubmitDelayMs(each, null, middle));
  expect(tries).toEqual([1_000, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
  expect([resubmitDelayMs(1, 45_000, middle), resubmitDelayMs(7, 5, middle)]).toEqual([45_000, 60_000]);
});

test('a download is tried again after 0.5, 1, 2 … 60 s', () => {
  const tries = [0, 1, 2, 3, 7, 8, 50].map((each) => downloadDelayMs(each, middle));
  expect(tries).toEqual([500, 500, 1_000, 2_000, 32_000, 60_000, 60_000]);
});

test('every wait is spread by a tenth at most, in whole milliseconds, and never before what the provider asked for', () => {
  const counts = fc.nat({ max: 1_000 });
  const asked = fc.option(fc.nat({ max: 120_000 }));
  fc.assert(
    fc.property(counts, asked, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (count, wait, luck) => {
      const waits = (random: () => number) => [
        pollDelayMs(schedule, { ageMs: 0, silences: count, retryAfterMs: wait, awaitsCallback: false }, random),
        resubmitDelayMs(count, wait, random),
        downloadDelayMs(count, random),
      ];
      for (const [i, ms] of waits(() => luck).entries()) {
        const usual = waits(middle)[i] ?? Number.NaN;
        expect(Number.isInteger(ms)).toBe(true);
        if (i < 2) expect(ms).toBeGreaterThanOrEqual(wait ?? 0);
        expect(ms).toBeGreaterThanOrEqual(Math.min(usual * 0.9 - 1, usual));
        expect(ms).toBeLessThanOrEqual(usual * 1.1 + 1);
      }
    }),
  );
});
