import type { Caller } from '../workspace/caller.ts';
import { buy } from './buy.ts';
import { isFinished, slotsOf } from './derive.ts';
import type { Domain } from './domain.ts';
import { findGeneration } from './find.ts';
import { inputOf } from './input-of.ts';
import type { Created, Purchase } from './purchase.ts';
import { replayOf } from './replay.ts';
import { hashRetry } from './request-hash.ts';
import type { Generation, Routing } from './types.ts';
import { invalidErrors, type UserError } from './user-error.ts';
import { keyFaults, validateInput } from './validate.ts';

export interface RetryInput {
  id: string;
  idempotencyKey: string | null;
  /** Null: as it was. */
  routing: Routing | null;
}

/** Orders anew the pictures that a finished generation lacks, as a generation of its own that names the first one. */
export async function retryGeneration(
  domain: Domain,
  caller: Caller,
  { id, idempotencyKey, routing }: RetryInput,
): Promise<Created> {
  const badKey = keyFaults(idempotencyKey);
  if (badKey.length > 0) return { ok: false, errors: invalidErrors(badKey, []) };
  const original = await findGeneration(domain, caller, { id });
  if (!original) {
    const message = 'There is no generation with this id.';
    return { ok: false, errors: [{ kind: 'NOT_FOUND', path: ['id'], message }] };
  }
  const purchase = missingOf(original, idempotencyKey, routing);
  // Before anything is judged: late pictures may have arrived since the first call with this key.
  const replay = await replayOf(domain, caller, purchase);
  if (replay) return replay;
  const refusal = refusalOf(original, purchase);
  if (refusal) return { ok: false, errors: [refusal] };
  const faults = validateInput(purchase.input);
  if (faults.length > 0) return { ok: false, errors: invalidErrors(faults, purchase.path) };
  return buy(domain, caller, purchase);
}

/** What it asked for, but only as many images as it lacks. The path names the one argument that all of it comes from. */
function missingOf(original: Generation, idempotencyKey: string | null, asked: Routing | null): Purchase {
  const { id, request, createdAt, deadlineAt } = original;
  const missing = slotsOf(original).filter(({ index, asset }) => index < request.images && asset === null);
  const routing = routingOf(original, asked);
  const input = { ...inputOf(original), idempotencyKey, images: missing.length, routing };
  const deadlineMs = deadlineAt.getTime() - createdAt.getTime();
  const paths = { path: ['id'], keyPath: ['idempotencyKey'] };
  return { input, requestHash: hashRetry(id, routing), deadlineMs, retryOf: id, ...paths };
}

/** What it may cost at most is no part of how it is routed: the limit of the first one stays. */
function routingOf({ routing: { maxCost, ...routing } }: Generation, asked: Routing | null): Routing {
  return { ...(maxCost && { maxCost }), ...(asked ?? routing) };
}

function refusalOf({ status }: Generation, { input }: Purchase): UserError | null {
  const path = ['id'];
  if (!isFinished(status)) {
    const message = `It is ${status}: wait until it is finished, or end it with cancelGeneration first.`;
    return { kind: 'NOT_RETRYABLE', path, message, later: true };
  }
  if (input.images > 0) return null;
  const message = 'It lacks nothing: each picture that it asked for is there, or being stored.';
  return { kind: 'NOT_RETRYABLE', path, message, later: false };
}
