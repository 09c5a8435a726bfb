import { newId } from '../db/id.ts';
import type { Caller } from '../workspace/caller.ts';
import { buy } from './buy.ts';
import type { Domain } from './domain.ts';
import type { CreateInput } from './input.ts';
import type { Created } from './purchase.ts';
import { hashRequest } from './request-hash.ts';
import { invalidErrors } from './user-error.ts';
import { validateInput } from './validate.ts';

/**
 * Orders what was asked for, or says why not. A second call with the same idempotency key and request answers the first
 * one's generation and buys nothing; so does one that an identical finished generation may stand in for.
 */
export async function createGeneration(
  domain: Domain,
  caller: Caller,
  input: CreateInput,
  path: string[] = ['input'],
  batchKey = newId('bat'),
): Promise<Created> {
  const faults = validateInput(input);
  if (faults.length > 0) return { ok: false, errors: invalidErrors(faults, path) };
  return buy(domain, caller, {
    input,
    requestHash: hashRequest(input),
    deadlineMs: input.deadlineSeconds === null ? domain.timing.deadlineMs : input.deadlineSeconds * 1000,
    retryOf: null,
    batchKey,
    path,
    keyPath: [...path, 'idempotencyKey'],
  });
}

/** Each on its own; what goes to a provider with batches may leave in one submission. */
export function createGenerations(domain: Domain, caller: Caller, inputs: readonly CreateInput[]): Promise<Created[]> {
  const batchKey = newId('bat');
  return Promise.all(
    inputs.map((input, i) => createGeneration(domain, caller, input, ['inputs', String(i)], batchKey)),
  );
}
