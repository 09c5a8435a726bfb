import { createHash } from 'node:crypto';
import type { CreateInput } from './input.ts';

/** The same request gives the same hash, whatever the order of its keys. The key that names the purchase is left out. */
export function hashRequest({ idempotencyKey: _, ...input }: CreateInput): string {
  return createHash('sha256').update(canonical(input)).digest('hex');
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null';
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, each]) => `${JSON.stringify(key)}:${canonical(each)}`).join(',')}}`;
}
