import { expect, test } from 'vitest';
import { createBatchedWrites } from '../../src/worker/batched-writes.ts';

test('what comes while a batch is being written becomes the next one, in order', async () => {
  const { written, write, finish } = slowly();
  const batches = createBatchedWrites(write);
  const adds = [1, 2, 3].map((item) => batches.add(item));
  expect(written).toEqual([[1]]);
  await finish();
  expect(written).toEqual([[1], [2, 3]]);
  const late = batches.add(4);
  await finish();
  await finish();
  await Promise.all([...adds, late]);
  expect(written).toEqual([[1], [2, 3], [4]]);
});

test('an add resolves when its own item was written, not before', async () => {
  const { write, finish } = slowly();
  const batches = createBatchedWrites(write);
  const resolved: number[] = [];
  const adds = [1, 2].map((item) => batches.add(item).then(() => resolved.push(item)));
  await settle();
  expect(resolved).toEqual([]);
  await finish();
  expect(resolved).toEqual([1]);
  await finish();
  await Promise.all(adds);
  expect(resolved).toEqual([1, 2]);
});

test('a batch has at most 200 items', async () => {
  const sizes: number[] = [];
  const batches = createBatchedWrites<number>(async (items) => void sizes.push(items.length));
  await Promise.all(Array.from({ length: 1_001 }, (_, i) => batches.add(i)));
  expect(sizes.every((size) => size <= 200)).toBe(true);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(1_001);
  expect(sizes.length).toBeLessThanOrEqual(7);
});

test('an item that cannot be written fails alone: what shared its batch is written without it', async () => {
  const written: string[][] = [];
  const batches = createBatchedWrites<string>(async (items) => {
    if (items.includes('bad')) throw new Error('refused');
    written.push(items);
  });
  const adds = ['first', 'good', 'bad', 'also good'].map((item) => batches.add(item));
  expect((await Promise.allSettled(adds)).map(({ status }) => status)).toEqual([
    'fulfilled',
    'fulfilled',
    'rejected',
    'fulfilled',
  ]);
  await batches.add('next');
  expect(written).toEqual([['first'], ['good'], ['also good'], ['next']]);
});

test('while the database is away a batch fails at once, and is not tried again one by one', async () => {
  let writes = 0;
  const batches = createBatchedWrites<string>(async () => {
    writes += 1;
    throw Object.assign(new Error('gone'), { code: 'CONNECTION_CLOSED' });
  });
  const outcomes = await Promise.allSettled(['first', 'second', 'third'].map((item) => batches.add(item)));
  expect([outcomes.map(({ status }) => status), writes]).toEqual([['rejected', 'rejected', 'rejected'], 2]);
});

test('after everything was written, the next item is written at once', async () => {
  const written: number[][] = [];
  const batches = createBatchedWrites<number>(async (items) => void written.push(items));
  await batches.add(1);
  await batches.add(2);
  expect(written).toEqual([[1], [2]]);
});

/** A writer that ends one batch each time it is told to. */
function slowly() {
  const written: number[][] = [];
  let end = () => {};
  return {
    written,
    write: (items: number[]) => {
      written.push(items);
      return new Promise<void>((resolve) => {
        end = resolve;
      });
    },
    async finish() {
      end();
      await settle();
    },
  };
}

/** Lets everything that is ready run. */
async function settle(): Promise<void> {
  await new Promise(setImmediate);
}
