import { and, desc, eq, ne, notExists, sql } from 'drizzle-orm';
import { assets, generations, reusedKeys } from '../db/schema.ts';
import type { Caller } from '../workspace/caller.ts';
import type { Domain } from './domain.ts';
import { owned } from './find.ts';
import type { Created, Purchase } from './purchase.ts';
import { holdKey, replayOf } from './replay.ts';
import { toGeneration, WHOLE } from './rows.ts';
import type { Generation } from './types.ts';

/**
 * The newest finished generation of the very same request, where the caller takes one and it is young enough; null
 * otherwise. The key of the call, if it has one, then names that generation for good.
 */
export async function reuse(domain: Domain, caller: Caller, purchase: Purchase): Promise<Created | null> {
  const { idempotencyKey, reuseWithinSeconds } = purchase.input;
  if (reuseWithinSeconds === null) return null;
  const generation = await findReusable(domain, caller, purchase.requestHash, reuseWithinSeconds);
  if (!generation) return null;
  if (idempotencyKey === null || (await bindKey(domain, caller, idempotencyKey, generation))) {
    return { ok: true, generation, replayed: false, reused: true };
  }
  return replayOf(domain, caller, purchase);
}

/** It must have all its pictures still. The time is read once, or no index could begin at it. */
async function findReusable(
  { db }: Domain,
  caller: Caller,
  requestHash: string,
  withinSeconds: number,
): Promise<Generation | null> {
  const gone = db
    .select({ id: assets.id })
    .from(assets)
    .where(and(eq(assets.generationId, generations.id), ne(assets.state, 'STORED')));
  const row = await db.query.generations.findFirst({
    where: and(
      owned(caller),
      eq(generations.requestHash, requestHash),
      // Written out, as in the index: a parameter would keep the planner from using it.
      sql`${generations.status} = 'SUCCEEDED'`,
      sql`${generations.finishedAt} >= (select clock_timestamp() - make_interval(secs => ${withinSeconds}))`,
      notExists(gone),
    ),
    orderBy: desc(generations.finishedAt),
    with: WHOLE,
  });
  return row ? toGeneration(row) : null;
}

/** False when the key was used meanwhile, for this or for a purchase. */
async function bindKey({ db }: Domain, caller: Caller, key: string, generation: Generation): Promise<boolean> {
  const { workspaceId, mode } = caller;
  const { id: generationId } = generation;
  return db.transaction(async (tx) => {
    await holdKey(tx, caller, key);
    const sameKey = and(owned(caller), eq(generations.idempotencyKey, key));
    const bought = await tx.select({ id: generations.id }).from(generations).where(sameKey);
    if (bought.length > 0) return false;
    const bound = await tx
      .insert(reusedKeys)
      .values({ workspaceId, mode, key, generationId })
      .onConflictDoNothing()
      .returning({ key: reusedKeys.key });
    return bound.length > 0;
  });
}
