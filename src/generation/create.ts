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
): Promise<Created> {
  const faults = validateInput(input);
  if (faults.length > 0) return { ok: false, errors: invalidErrors(faults, path) };
  return buy(domain, caller, {
    input,
    requestHash: hashRequest(input),
    deadlineMs: input.deadlineSeconds === null ? domain.timing.deadlineMs : input.deadlineSeconds * 1000,
    retryOf: null,
    path,
    keyPath: [...path, 'idempotencyKey'],
  });
}
