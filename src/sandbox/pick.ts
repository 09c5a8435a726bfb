import { createHash } from 'node:crypto';

/** One of them, for the same text always the same. */
export function pick<T>(choices: readonly T[], text: string): T {
  const seed = createHash('sha256').update(text).digest().readUInt32LE(0);
  return choices[seed % choices.length] as T;
}
