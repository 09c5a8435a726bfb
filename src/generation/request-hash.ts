import { createHash } from 'node:crypto';
import type { CreateInput } from './input.ts';
import type { Routing } from './types.ts';

/**
 * The same request gives the same hash, whatever the order of its keys and whichever release computes it: the key that
 * names the purchase, the wish to reuse, and a routing or options that ask for nothing are left out.
 */
export function hashRequest({
  idempotencyKey: _key,
  reuseWithinSeconds: _reuse,
  routing,
  options,
  ...input
}: CreateInput): string {
  return hash({ ...input, ...(options && { options }), ...wishes(routing) });
}

/** What the first one asked for stays as it is, and what it lacks may arrive late: its id says enough. */
export function hashRetry(retryOf: string, routing: Routing): string {
  return hash({ retryOf, ...wishes(routing) });
}

/** What is asked for; a preference that is the default asks for nothing. */
function wishes(routing: Routing): { routing?: Partial<Routing> } {
  const asked = Object.entries(routing).filter(([key, value]) => value !== undefined && value !== DEFAULTS[key]);
  return asked.length === 0 ? {} : { routing: Object.fromEntries(asked) };
}

const DEFAULTS: Record<string, unknown> = { onUncertain: 'WAIT', prefer: 'BALANCED', onFailure: 'FALLBACK' };

function hash(value: object): string {
  return createHash('sha256').update(canonical(value)).digest('hex');
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null';
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, each]) => `${JSON.stringify(key)}:${canonical(each)}`).join(',')}}`;
}
