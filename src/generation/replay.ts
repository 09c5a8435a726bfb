import { and, eq, sql } from 'drizzle-orm';
import type { Transaction } from '../db/connect.ts';
import { reusedKeys } from '../db/schema.ts';
import type { Caller } from '../workspace/caller.ts';
import type { Domain } from './domain.ts';
import { findGeneration } from './find.ts';
import type { Created, Purchase } from './purchase.ts';

/** What the key of a purchase was used for before: the same again for the same request, else a conflict. Null for a new key. */
export async function replayOf(
  domain: Domain,
  caller: Caller,
  { input: { idempotencyKey }, requestHash, keyPath }: Purchase,
): Promise<Created | null> {
  if (idempotencyKey === null) return null;
  const original = await findGeneration(domain, caller, { idempotencyKey });
  if (!original) return null;
  if (original.requestHash === requestHash) {
    return { ok: true, generation: original, replayed: true, reused: original.idempotencyKey !== idempotencyKey };
  }
  const message =
    'This idempotency key was used for another request. Use a new key for a new purchase, the same request to get the first one back.';
  return { ok: false, errors: [{ kind: 'IDEMPOTENCY_CONFLICT', path: keyPath, message, original }] };
}

/**
 * Until the transaction ends, other calls with this key wait. A key may stand in either of two tables, and no index
 * spans both: else one call could buy while another is given what was bought earlier.
 */
export async function holdKey(tx: Transaction, { workspaceId, mode }: Caller, key: string): Promise<void> {
  const name = JSON.stringify([workspaceId, mode, key]);
  await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${name}, 0))`);
}

/** Whether the key was answered with what had been bought for another call. */
export async function isReusedKey(tx: Transaction, { workspaceId, mode }: Caller, key: string): Promise<boolean> {
  const same = and(eq(reusedKeys.workspaceId, workspaceId), eq(reusedKeys.mode, mode), eq(reusedKeys.key, key));
  return (await tx.select({ key: reusedKeys.key }).from(reusedKeys).where(same)).length > 0;
}
