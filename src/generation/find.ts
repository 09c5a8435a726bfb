import { and, eq, inArray, type SQL, sql } from 'drizzle-orm';
import { alias } from 'drizzle-orm/pg-core';
import { isId } from '../db/id.ts';
import { assets, generations, reusedKeys, tasks } from '../db/schema.ts';
import type { Caller } from '../workspace/caller.ts';
import type { Domain } from './domain.ts';
import { toAsset, toGeneration, toTask, WHOLE } from './rows.ts';
import type { Asset, Generation, Task } from './types.ts';

type Reader = Pick<Domain, 'db'>;

/**
 * The caller's generation by id or by idempotency key, whether the key bought it or was given it to reuse; null for one
 * that is not there or not the caller's: no difference.
 */
export async function findGeneration(
  { db }: Reader,
  caller: Caller,
  by: { id: string } | { idempotencyKey: string },
): Promise<Generation | null> {
  if ('id' in by ? !isId('gen', by.id) : by.idempotencyKey.includes('\0')) return null;
  const named = eq(generations.id, 'id' in by ? by.id : idOfKey({ db }, caller, by.idempotencyKey));
  const row = await db.query.generations.findFirst({
    where: and(named, owned(caller)),
    with: WHOLE,
  });
  return row ? toGeneration(row) : null;
}

/** Two looks into an index, in the statement that asks. What the key bought wins, should it ever stand in both tables. */
function idOfKey({ db }: Reader, { workspaceId, mode }: Caller, key: string): SQL<string> {
  const own = alias(generations, 'own');
  const bought = db
    .select({ id: own.id })
    .from(own)
    .where(and(eq(own.workspaceId, workspaceId), eq(own.mode, mode), eq(own.idempotencyKey, key)));
  const reused = db
    .select({ id: reusedKeys.generationId })
    .from(reusedKeys)
    .where(and(eq(reusedKeys.workspaceId, workspaceId), eq(reusedKeys.mode, mode), eq(reusedKeys.key, key)));
  return sql`coalesce((${bought}), (${reused}))`;
}

/** Those of these ids that are the caller's, in no order. */
export async function listGenerationsByIds(
  { db }: Reader,
  caller: Caller,
  ids: readonly string[],
): Promise<Generation[]> {
  const real = ids.filter((id) => isId('gen', id));
  if (real.length === 0) return [];
  const rows = await db.query.generations.findMany({
    where: and(inArray(generations.id, real), owned(caller)),
    with: WHOLE,
  });
  return rows.map(toGeneration);
}

/** Those of these tasks that are the caller's, in no order. */
export async function listTasksByIds({ db }: Reader, caller: Caller, ids: readonly string[]): Promise<Task[]> {
  const real = ids.filter((id) => isId('tsk', id));
  if (real.length === 0) return [];
  const { workspaceId, mode } = caller;
  const mine = and(inArray(tasks.id, real), eq(tasks.workspaceId, workspaceId), eq(tasks.mode, mode));
  return (await db.select().from(tasks).where(mine)).map(toTask);
}

/** Those of these assets that are the caller's, in no order. */
export async function listAssetsByIds({ db }: Reader, caller: Caller, ids: readonly string[]): Promise<Asset[]> {
  const real = ids.filter((id) => isId('ast', id));
  if (real.length === 0) return [];
  const rows = await db
    .select({ asset: assets })
    .from(assets)
    .innerJoin(generations, eq(generations.id, assets.generationId))
    .where(and(inArray(assets.id, real), owned(caller)));
  return rows.map(({ asset }) => toAsset(asset));
}

/** For workers: the images of a task that are not home yet, in slot order. */
export async function listPendingAssets({ db }: Reader, taskId: string): Promise<Asset[]> {
  const pending = and(eq(assets.taskId, taskId), eq(assets.state, 'PENDING'));
  return (await db.select().from(assets).where(pending).orderBy(assets.index)).map(toAsset);
}

/** Of this workspace, in this mode. */
export function owned({ workspaceId, mode }: Caller) {
  return and(eq(generations.workspaceId, workspaceId), eq(generations.mode, mode));
}
