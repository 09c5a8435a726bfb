import { setTimeout as sleep } from 'node:timers/promises';

/** Two seconds at the most: once the database is back, work goes on within five. */
const LONGEST_PAUSE_MS = 2_000;

/** Writes until it is written, or until `goesOn`, which hears of each failure, says no. */
export async function persist(
  write: (tries: number) => Promise<void>,
  goesOn: (error: unknown, tries: number) => boolean,
): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await write(tries);
    } catch (error) {
      if (!goesOn(error, tries)) throw error;
      await sleep(Math.min(100 * 2 ** tries, LONGEST_PAUSE_MS));
    }
  }
}
