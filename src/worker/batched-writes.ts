import { isOutage } from '../generation/outage.ts';

export interface BatchedWrites<T> {
  /** Resolves when the item has been written, together with all that came while the last batch was being written. */
  add(item: T): Promise<void>;
}

interface Waiting<T> {
  item: T;
  resolve: () => void;
  reject: (error: unknown) => void;
}

const MOST_IN_A_BATCH = 200;

/**
 * Under load, what arrives while one batch is being written becomes the next: the busier, the fewer statements each.
 * One item that cannot be written keeps no other from it.
 */
export function createBatchedWrites<T>(write: (items: T[]) => Promise<void>): BatchedWrites<T> {
  let waiting: Waiting<T>[] = [];
  let writing = false;

  async function writeAll(): Promise<void> {
    writing = true;
    while (waiting.length > 0) {
      const batch = waiting.slice(0, MOST_IN_A_BATCH);
      waiting = waiting.slice(MOST_IN_A_BATCH);
      await writeTogether(batch).catch((error: unknown) => {
        if (batch.length === 1 || isOutage(error)) return fail(batch, error);
        return writeEach(batch);
      });
    }
    writing = false;
  }

  async function writeTogether(batch: Waiting<T>[]): Promise<void> {
    await write(batch.map(({ item }) => item));
    for (const { resolve } of batch) resolve();
  }

  async function writeEach(batch: Waiting<T>[]): Promise<void> {
    for (const [i, each] of batch.entries()) {
      try {
        await writeTogether([each]);
      } catch (error) {
        if (isOutage(error)) return fail(batch.slice(i), error);
        fail([each], error);
      }
    }
  }

  return {
    add: (item) =>
      new Promise((resolve, reject) => {
        waiting.push({ item, resolve, reject });
        if (!writing) void writeAll();
      }),
  };
}

function fail<T>(batch: Waiting<T>[], error: unknown): void {
  for (const { reject } of batch) reject(error);
}
