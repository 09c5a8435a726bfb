import { newId } from '../db/id.ts';
import { generations, tasks } from '../db/schema.ts';
import { appendEvents } from '../events/append.ts';
import type { Caller } from '../workspace/caller.ts';
import { creation } from './changes.ts';
import { readClock } from './clock.ts';
import type { Domain } from './domain.ts';
import { newGeneration } from './new-generation.ts';
import type { Created, Purchase } from './purchase.ts';
import { holdKey, isReusedKey, replayOf } from './replay.ts';
import { reuse } from './reuse.ts';
import { chooseRoute, type Route } from './route.ts';
import type { Generation } from './types.ts';
import { workOf } from './work.ts';

/**
 * Writes the intent of a sound purchase: the generation, its tasks and the first event, in one transaction; workers
 * send it after that. What its key was used for before, or what may stand in for it, is answered instead.
 */
export async function buy(domain: Domain, caller: Caller, purchase: Purchase): Promise<Created> {
  const earlier = (await replayOf(domain, caller, purchase)) ?? (await reuse(domain, caller, purchase));
  if (earlier) return earlier;
  const route = chooseRoute(domain, caller, purchase, new Date());
  if ('errors' in route) return { ok: false, errors: route.errors };
  const made = await insert(domain, caller, purchase, route);
  if (made) {
    domain.reach?.('create:committed');
    domain.hints.give({ generationIds: [made.id], work: workOf(made.tasks), feeds: [] });
    return { ok: true, generation: made, replayed: false, reused: false };
  }
  const winner = await replayOf(domain, caller, purchase);
  if (!winner) throw new Error('An idempotency key is taken by a generation that cannot be read.');
  return winner;
}

/** Null when another call with the same idempotency key was first. */
async function insert(
  { db, reach }: Domain,
  caller: Caller,
  purchase: Purchase,
  route: Route,
): Promise<Generation | null> {
  const { idempotencyKey } = purchase.input;
  return db.transaction(async (tx) => {
    if (idempotencyKey !== null) {
      await holdKey(tx, caller, idempotencyKey);
      if (await isReusedKey(tx, caller, idempotencyKey)) return null;
    }
    const generation = newGeneration(caller, purchase, route, await readClock(tx));
    const inserted = await tx
      .insert(generations)
      .values(generation)
      .onConflictDoNothing()
      .returning({ id: generations.id });
    if (inserted.length === 0) return null;
    await tx.insert(tasks).values(generation.tasks);
    const { id: generationId, workspaceId, mode, version, createdAt: at } = generation;
    const first = { id: newId('evt'), workspaceId, mode, generationId, version, at };
    await appendEvents(tx, [{ ...creation(generation), ...first }]);
    reach?.('create:written');
    return generation;
  });
}
