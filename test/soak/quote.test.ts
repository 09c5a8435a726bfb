import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectBatchesTaken, expectSameChoice, expectTaken } from '../generation/quoted.ts';
import { openStage, type Stage } from '../generation/stage.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage?.close());

test('none of 10,000 orders that a quote calls eligible is refused by its provider', async () => {
  expect(await expectTaken(10_000, 11)).toBeGreaterThan(10_000);
}, 300_000);

test('nor is any of them in a batch', async () => {
  expect(await expectBatchesTaken('seedance', 3_000, 11)).toBeGreaterThan(300);
}, 60_000);

test('createGeneration and the quote never disagree about 1,000 orders', async () => {
  expect(await expectSameChoice(stage.domain, await stage.newCaller(), 1_000, 11)).toBeGreaterThan(300);
}, 60_000);
