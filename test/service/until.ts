import { setTimeout as sleep } from 'node:timers/promises';

/** Reads until the value is what is waited for, and gives it; fails with the last one when that takes too long. */
export async function until<T>(
  read: () => T | Promise<T>,
  holds: (value: T) => boolean,
  withinMs = 15_000,
): Promise<T> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const value = await read();
    if (holds(value)) return value;
    if (performance.now() > deadline) {
      throw new Error(`Not so after ${withinMs} ms; at last: ${JSON.stringify(value, null, 1)?.slice(0, 2_000)}`);
    }
    await sleep(20);
  }
}
