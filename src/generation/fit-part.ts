import type { Refusal } from './input.ts';
import type { Adjustment } from './types.ts';

/** What stands against a wish. */
export type Misfit = Omit<Refusal, 'provider'>;

/** One part of a request as a provider takes it, and what was changed for that; or what stands against it. */
export interface Part<T> {
  value: T;
  adjustments: Adjustment[];
  misfits: Misfit[];
}

export function fitting<T>(value: T, ...adjustments: Adjustment[]): Part<T> {
  return { value, adjustments, misfits: [] };
}

export function unfit(...misfits: Misfit[]): Part<null> {
  return { value: null, adjustments: [], misfits };
}

/** What would do, in words. */
export function inWords(offered: readonly string[]): string {
  return `${offered.join(', ')} ${offered.length === 1 ? 'is' : 'are'}`;
}
