import { z } from 'zod';
import type { Task } from '../task.ts';
import { OUTPUT_TYPES } from './body.ts';

/** What an order keeps of its request for the answers to come. */
export type Facts = z.infer<typeof Facts>;

export function readFacts({ facts }: Task): Facts {
  return Facts.parse(facts);
}

/** SIM: the archive keeps pictures that were sent along by their beginning alone. */
export function shorten(value: unknown): unknown {
  if (typeof value === 'string') return value.length > MOST_CHARACTERS ? `${value.slice(0, 40)}…` : value;
  if (Array.isArray(value)) return value.map(shorten);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, shorten(inner)]));
}

/** Longer than any prompt or address. */
const MOST_CHARACTERS = 8192;

const Facts = z.object({
  outputType: z.enum(OUTPUT_TYPES),
  includesCost: z.boolean(),
  isSeries: z.boolean(),
  /** The task as it was sent, pictures cut short. */
  request: z.unknown(),
});
