import { createHash } from 'node:crypto';
import { sql } from 'drizzle-orm';
import { newId } from '../db/id.ts';
import { generations, tasks } from '../db/schema.ts';
import { appendEvents } from '../events/append.ts';
import type { Caller } from '../workspace/caller.ts';
import { workOf } from './change.ts';
import { creation } from './changes.ts';
import type { Domain } from './domain.ts';
import { findGeneration } from './find.ts';
import type { CreateInput } from './input.ts';
import { chooseRoute, type Route } from './route.ts';
import type { Generation, GenerationRequest, Task } from './types.ts';
import { refusalErrors, type UserError } from './user-error.ts';
import { validateInput } from './validate.ts';

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
  const requestHash = hashOf(input);
  const replay = await replayOf(domain, caller, input, requestHash, path);
  if (replay) return replay;
  const route = chooseRoute(domain, caller, input);
  if ('refusals' in route) {
    return { ok: false, errors: refusalErrors(domain, caller, input, route.refusals, path) };
  }
  const made = await insert(domain, caller, input, requestHash, route);
  if (made) {
    domain.hints.give({ generationIds: [made.id], work: workOf(made.tasks) });
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
  { db, timing }: Domain,
  caller: Caller,
  input: CreateInput,
  requestHash: string,
  route: Route,
): Promise<Generation | null> {
  return db.transaction(async (tx) => {
    const [clock] = await tx.execute<{ at: string }>(sql`select clock_timestamp()::text as at`);
    const generation = drafted(caller, input, requestHash, route, new Date(clock?.at ?? Number.NaN), timing.deadlineMs);
    const inserted = await tx
      .insert(generations)
      .values(generation)
      .onConflictDoNothing()
      .returning({ id: generations.id });
    if (inserted.length === 0) return null;
    await tx.insert(tasks).values(generation.tasks);
    const { id: generationId, workspaceId, version, createdAt: at } = generation;
    await appendEvents(tx, [{ ...creation(generation), id: newId('evt'), workspaceId, generationId, version, at }]);
    return generation;
  });
}

function drafted(
  { workspaceId, mode }: Caller,
  input: CreateInput,
  requestHash: string,
  route: Route,
  at: Date,
  usualDeadlineMs: number,
): Generation {
  const id = newId('gen');
  const deadlineMs = input.deadlineSeconds === null ? usualDeadlineMs : input.deadlineSeconds * 1000;
  const generation: Generation = {
    workspaceId,
    id,
    mode,
    version: 1,
    status: 'QUEUED',
    prompt: input.prompt,
    model: input.model,
    request: requested(input),
    adjustments: route.fitted.adjustments,
    idempotencyKey: input.idempotencyKey,
    requestHash,
    percent: null,
    progressBasis: 'NONE',
    etaSeconds: null,
    failure: null,
    metadata: input.metadata ?? null,
    createdAt: at,
    startedAt: null,
    finishedAt: null,
    deadlineAt: new Date(at.getTime() + deadlineMs),
    tasks: [],
    assets: [],
  };
  return { ...generation, tasks: splitOverTasks(generation, route) };
}

/** What one call cannot carry is split over several tasks, each with its own slots. */
function splitOverTasks(generation: Generation, { provider, fitted, reason }: Route): Task[] {
  const { images } = fitted.request;
  const count = Math.ceil(images / fitted.imagesPerCall);
  return Array.from({ length: count }, (_, i) => {
    const firstSlot = i * fitted.imagesPerCall;
    const imageCount = Math.min(fitted.imagesPerCall, images - firstSlot);
    return {
      workspaceId: generation.workspaceId,
      id: newId('tsk'),
      generationId: generation.id,
      mode: generation.mode,
      attempt: 1,
      provider: provider.slug,
      status: 'QUEUED',
      routeReason: reason,
      firstSlot,
      imageCount,
      request: { ...fitted.request, images: imageCount },
      submissionId: null,
      providerTaskId: null,
      percent: null,
      progressBasis: 'NONE',
      etaSeconds: null,
      cost: { basis: 'RESERVED', reserved: null, settled: null, providerCredits: null },
      failure: null,
      pollCount: 0,
      nextAt: generation.createdAt,
      workerId: null,
      leaseToken: 0,
      tries: 0,
      createdAt: generation.createdAt,
      submittedAt: null,
      acceptedAt: null,
      finishedAt: null,
      deadlineAt: generation.deadlineAt,
    };
  });
}

function requested(input: CreateInput): GenerationRequest {
  const { images, seed, references, style, colors, thinking, series, output, size } = input;
  const pixels = size && 'width' in size ? size : { width: null, height: null };
  const ratio = size && 'aspectRatio' in size ? size : { aspectRatio: null, resolution: null };
  const { format: outputFormat, quality: outputQuality, watermark, safety } = output;
  const wishes = { images, seed, references, style, colors, thinking, series };
  return { ...wishes, ...pixels, ...ratio, outputFormat, outputQuality, watermark, safety };
}

/** The same request gives the same hash, whatever the order of its keys. The key that names the purchase is left out. */
function hashOf({ idempotencyKey: _, ...input }: CreateInput): string {
  return createHash('sha256').update(canonical(input)).digest('hex');
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null';
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, each]) => `${JSON.stringify(key)}:${canonical(each)}`).join(',')}}`;
}
