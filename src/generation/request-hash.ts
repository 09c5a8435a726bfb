import { createHash } from 'node:crypto';
import type { CreateInput } from './input.ts';
import type { Routing } from './types.ts';

/**
 * The same request gives the same hash, whatever the order of its keys and whichever release computes it: the key that
 * names the purchase, the wish to reuse, and a routing that asks for nothing are left out.
 */
export function hashRequest({
  idempotencyKey: _key,
  reuseWithinSeconds: _reuse,
  routing,
  ...input
}: CreateInput): string {
  return hash({ ...input, ...wishes(routing) });
}

/** What the first one asked for stays as it is, and what it lacks may arrive late: its id says enough. */
export function hashRetry(retryOf: string, routing: Routing): string {
  return hash({ retryOf, ...wishes(routing) });
}

function wishes({ onUncertain }: Routing): { routing?: Routing } {
  return onUncertain === 'WAIT' ? {} : { routing: { onUncertain } };
}

function hash(value: object): string {
  return createHash('sha256').update(canonical(value)).digest('hex');
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null';
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, each]) => `${JSON.stringify(key)}:${canonical(each)}`).join(',')}}`;
}
