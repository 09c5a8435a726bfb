import { newId } from '../db/id.ts';
import { generations, tasks } from '../db/schema.ts';
import { appendEvents } from '../events/append.ts';
import type { Caller } from '../workspace/caller.ts';
import { creation } from './changes.ts';
import { readClock } from './clock.ts';
import type { Domain } from './domain.ts';
import { findGeneration } from './find.ts';
import type { CreateInput } from './input.ts';
import { newGeneration } from './new-generation.ts';
import { hashRequest } from './request-hash.ts';
import { chooseRoute, type Route } from './route.ts';
import type { Generation } from './types.ts';
import { refusalErrors, type UserError } from './user-error.ts';
import { validateInput } from './validate.ts';
import { workOf } from './work.ts';

export type Created = { ok: true; generation: Generation; replayed: boolean } | { ok: false; errors: UserError[] };

/**
 * Writes the intent: the generation, its tasks and the first event, in one transaction; workers send it after that.
 * A second call with the same idempotency key and request answers the first one's generation and buys nothing.
 */
export async function createGeneration(
  domain: Domain,
  caller: Caller,
  input: CreateInput,
  path: string[] = ['input'],
): Promise<Created> {
  const invalid = validateInput(input);
  if (invalid.length > 0) {
    return {
      ok: false,
      errors: invalid.map((each) => ({ ...each, kind: 'INVALID_INPUT', path: [...path, ...each.path] })),
    };
  }
  const requestHash = hashRequest(input);
  const replay = await replayOf(domain, caller, input, requestHash, path);
  if (replay) return replay;
  const route = chooseRoute(domain, caller, input);
  if ('refusals' in route) {
    return { ok: false, errors: refusalErrors(domain, caller, input, route.refusals, path) };
  }
  const made = await insert(domain, caller, input, requestHash, route);
  if (made) {
    domain.reach?.('create:committed');
    domain.hints.give({ generationIds: [made.id], work: workOf(made.tasks), feeds: [] });
    return { ok: true, generation: made, replayed: false };
  }
  const winner = await replayOf(domain, caller, input, requestHash, path);
  if (!winner) throw new Error('An idempotency key is taken by a generation that cannot be read.');
  return winner;
}

async function replayOf(
  domain: Domain,
  caller: Caller,
  { idempotencyKey }: CreateInput,
  requestHash: string,
  path: string[],
): Promise<Created | null> {
  if (idempotencyKey === null) return null;
  const original = await findGeneration(domain, caller, { idempotencyKey });
  if (!original) return null;
  if (original.requestHash === requestHash) return { ok: true, generation: original, replayed: true };
  const message =
    'This idempotency key was used for another request. Use a new key for a new purchase, the same request to get the first one back.';
  const conflict = { kind: 'IDEMPOTENCY_CONFLICT' as const, path: [...path, 'idempotencyKey'], message, original };
  return { ok: false, errors: [conflict] };
}

/** Null when another call with the same idempotency key was first. */
async function insert(
  { db, timing, reach }: Domain,
  caller: Caller,
  input: CreateInput,
  requestHash: string,
  route: Route,
): Promise<Generation | null> {
  return db.transaction(async (tx) => {
    const generation = newGeneration(caller, input, requestHash, route, await readClock(tx), timing.deadlineMs);
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
