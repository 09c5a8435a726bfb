export interface Batches<T> {
  /** Resolves when the item has been written, together with all that came while the last batch was being written. */
  add(item: T): Promise<void>;
}

const MOST_IN_A_BATCH = 200;

/** Under load, what arrives while one batch is being written becomes the next: the busier, the fewer statements each. */
export function createBatches<T>(write: (items: T[]) => Promise<void>): Batches<T> {
  let waiting: { item: T; resolve: () => void; reject: (error: unknown) => void }[] = [];
  let writing = false;

  async function writeAll(): Promise<void> {
    writing = true;
    while (waiting.length > 0) {
      const batch = waiting.slice(0, MOST_IN_A_BATCH);
      waiting = waiting.slice(MOST_IN_A_BATCH);
      try {
        await write(batch.map(({ item }) => item));
        for (const { resolve } of batch) resolve();
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    writing = false;
  }

  return {
    add: (item) =>
      new Promise((resolve, reject) => {
        waiting.push({ item, resolve, reject });
        if (!writing) void writeAll();
      }),
  };
}
