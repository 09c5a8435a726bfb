import Big from 'big.js';
import { z } from 'zod';
import { findSaid } from '../find-said.ts';
import { credits, httpUrl, list, seconds, text } from '../lenient.ts';
import type { Accepted } from '../read-submitted.ts';
import { NOTHING_SAID, type Said } from '../trouble.ts';
import { PLAIN_ID } from './task-id.ts';

const plainId = z.string().regex(PLAIN_ID);

const accepted = z.object({ task_id: plainId, credits_charged: credits, estimated_time_seconds: seconds });
const acceptedBatch = z.object({ batch_id: plainId, total_credits_charged: credits });

const task = z.object({
  status: z.string(),
  progress: z.number().nullable().catch(null),
  estimated_time_remaining: seconds,
  image_url: httpUrl,
  image_url_webp: httpUrl,
  credits_charged: credits,
  error: z.unknown().optional(),
});
const batch = z.object({ status: text, results: list, error: z.unknown().optional() });
const place = z.object({ index: z.number() });

const callback = z.object({ task_id: plainId.nullable().catch(null), batch_id: plainId.nullable().catch(null) });
const account = z.object({ credits_remaining: credits, tier: text });

export type WireTask = z.infer<typeof task>;
export type WireBatch = z.infer<typeof batch>;

/** The answer to a submission of one order, or null when it names no task. */
export function parseAccepted(body: unknown): Accepted | null {
  const { data } = accepted.safeParse(body);
  if (!data) return null;
  return { providerTaskId: data.task_id, credits: data.credits_charged, etaSeconds: data.estimated_time_seconds };
}

/** The answer to a submission of so many orders, or null when it names no batch. */
export function parseAcceptedBatch(body: unknown, orders: number): Accepted | null {
  const { data } = acceptedBatch.safeParse(body);
  if (!data) return null;
  return { providerTaskId: data.batch_id, credits: shareOf(data.total_credits_charged, orders), etaSeconds: null };
}

/** The answer to a poll, or one result of a batch; null when it states no status. */
export function parseTask(body: unknown): WireTask | null {
  return task.safeParse(body).data ?? null;
}

/** The answer to a poll of a batch, or null when it is none. */
export function parseBatch(body: unknown): WireBatch | null {
  return batch.safeParse(body).data ?? null;
}

/** The result of one order of a batch, or null while there is none. */
export function findResult({ results }: WireBatch, at: number): WireTask | null {
  return parseTask(results.find((result) => place.safeParse(result).data?.index === at));
}

/** Whose end a callback reports, or null when it names none. Seed 004 shows both ids in one, of an order sent alone. */
export function parseCallback(body: unknown): { providerTaskId: string; batchId?: string } | null {
  const { task_id, batch_id } = callback.safeParse(body).data ?? {};
  const providerTaskId = task_id ?? batch_id;
  if (!providerTaskId) return null;
  return { providerTaskId, ...(batch_id && { batchId: batch_id }) };
}

export function parseAccount(body: unknown): { creditsRemaining: string | null; tier: string | null } | null {
  const { data } = account.safeParse(body);
  return data && (data.credits_remaining !== null || data.tier !== null)
    ? { creditsRemaining: data.credits_remaining, tier: data.tier }
    : null;
}

/** What `error` says, in an HTTP error or a failed task. */
export function parseSaid(body: unknown): Said {
  return findSaid(body) ?? NOTHING_SAID;
}

/** The address of the picture, as PNG where it is given. */
export function findUrl({ image_url, image_url_webp }: WireTask): string | null {
  return image_url ?? image_url_webp;
}

/** Null where it does not divide: each order costs the same, so the total is of something else. */
function shareOf(total: string | null, orders: number): string | null {
  if (total === null || orders === 0) return null;
  const share = new Big(total).div(orders);
  return share.times(orders).eq(total) ? share.toFixed() : null;
}
