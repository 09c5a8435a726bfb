import { randomInt } from 'node:crypto';

/** Small letters and digits, for an id. */
export function makeWord(length: number): string {
  return Array.from({ length }, () => randomInt(36).toString(36)).join('');
}
