import { z } from 'zod';
import { findSaid } from '../find-said.ts';
import { httpUrl, text } from '../lenient.ts';
import type { Said } from '../trouble.ts';

/** One thing that ModelArk tells while it answers. */
export type WireEvent =
  | { kind: 'IMAGE'; url: string }
  /** One image that was not made, or that cannot be fetched (`said` is then null). */
  | { kind: 'NO_IMAGE'; said: Said | null }
  | { kind: 'COMPLETED' }
  /** The request has failed as a whole. */
  | { kind: 'FAILED'; said: Said };

const event = z.object({ type: text, url: httpUrl, error: z.unknown().optional() });
const answer = z.object({ data: z.array(z.unknown()) });

const SUCCEEDED = 'image_generation.partial_succeeded';
const NOT_MADE = 'image_generation.partial_failed';
const COMPLETED = 'image_generation.completed';

/** What one server-sent event says, or null where it says nothing of these. */
export function parseEvent(body: unknown): WireEvent | null {
  const { data } = event.safeParse(body);
  if (!data) return null;
  if (data.type === SUCCEEDED || data.type === NOT_MADE) return readImage(data);
  if (data.type === COMPLETED) return { kind: 'COMPLETED' };
  const said = findSaid(body);
  return said && { kind: 'FAILED', said };
}

/** What an answer in one piece says, in the order of its images; null where it is no such answer. */
export function parseAnswer(body: unknown): WireEvent[] | null {
  const { data } = answer.safeParse(body);
  return data ? [...data.data.map(parseItem), { kind: 'COMPLETED' }] : null;
}

function parseItem(item: unknown): WireEvent {
  const { data } = event.safeParse(item);
  return data ? readImage(data) : { kind: 'NO_IMAGE', said: null };
}

function readImage({ url, error }: z.infer<typeof event>): WireEvent {
  return url ? { kind: 'IMAGE', url } : { kind: 'NO_IMAGE', said: findSaid({ error }) };
}
