import { afterAll, beforeAll, expect, test } from 'vitest';
import { PROVIDER_SLUGS } from '../../src/config/provider-slugs.ts';
import { PROVIDERS } from './any-order.ts';
import { expectBatchesTaken, expectSameChoice, expectTaken } from './quoted.ts';
import { openStage, type Stage } from './stage.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage?.close());

test('none of 500 orders that a quote calls eligible is refused by its provider: test/soak asks about ten thousand', async () => {
  expect(PROVIDERS.map(({ slug }) => slug)).toEqual([...PROVIDER_SLUGS]);
  expect(await expectTaken(500, 5)).toBeGreaterThan(500);
});

test('what is eligible alone is taken in a batch too', async () => {
  expect(await expectBatchesTaken('seedance', 200, 5)).toBeGreaterThan(10);
});

test('createGeneration chooses, refuses and prices as the quote said', async () => {
  expect(await expectSameChoice(stage.domain, await stage.newCaller(), 50, 5)).toBeGreaterThan(10);
});
