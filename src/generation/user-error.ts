import type { Caller } from '../workspace/caller.ts';
import type { Domain } from './domain.ts';
import type { CreateInput, Refusal } from './input.ts';
import type { Generation } from './types.ts';
import type { Invalid } from './validate.ts';

/** Why a request was refused, as data. This call stored nothing, sent nothing and bought nothing. Paths name the argument. */
export type UserError =
  | { kind: 'INVALID_INPUT'; path: string[]; message: string; allowed: string[] }
  | { kind: 'UNSUPPORTED'; path: string[]; message: string; refusals: Refusal[] }
  | { kind: 'IDEMPOTENCY_CONFLICT'; path: string[]; message: string; original: Generation }
  | { kind: 'NO_PROVIDER_AVAILABLE'; path: string[]; message: string }
  | { kind: 'NOT_FOUND'; path: string[]; message: string }
  | { kind: 'NOT_CANCELABLE'; path: string[]; message: string }
  /** `later`: it may be retried once it is finished. */
  | { kind: 'NOT_RETRYABLE'; path: string[]; message: string; later: boolean };

/** What is wrong with an input that stands at this path. */
export function invalidErrors(faults: Invalid[], path: string[]): UserError[] {
  return faults.map((each) => ({ ...each, kind: 'INVALID_INPUT', path: [...path, ...each.path] }));
}

/** What to say when no provider fits: another value where every one of them would take another, else why not, by provider. */
export function refusalErrors(
  domain: Domain,
  caller: Caller,
  input: CreateInput,
  refusals: Refusal[],
  path: string[],
): UserError[] {
  if (refusals.length === 0) return [noneOffers(domain, caller, input, path)];
  const atPath = refusals.map((refusal) => ({ ...refusal, path: [...path, ...refusal.path] }));
  const paths = [...new Set(atPath.map((refusal) => refusal.path.join('.')))];
  if (atPath.every(({ allowed }) => allowed !== null)) {
    return paths.flatMap((joined) => invalidValue(atPath.filter((refusal) => refusal.path.join('.') === joined)));
  }
  const message = `No configured provider can do this: ${atPath.map((each) => `${each.provider}: ${each.message}`).join(' ')}`;
  return [{ kind: 'UNSUPPORTED', path: atPath[0]?.path ?? path, message, refusals: atPath }];
}

function invalidValue(same: Refusal[]): UserError[] {
  const [first] = same;
  if (!first) return [];
  const allowed = [...new Set(same.flatMap((refusal) => refusal.allowed ?? []))];
  return [{ kind: 'INVALID_INPUT', path: first.path, message: first.message, allowed }];
}

function noneOffers(domain: Domain, caller: Caller, input: CreateInput, path: string[]): UserError {
  const known = [...new Set(domain.catalogue.flatMap(({ models }) => models.map(({ model }) => model)))];
  if (!known.includes(input.model)) {
    const message = `There is no model ${JSON.stringify(input.model.slice(0, 100))}.`;
    return { kind: 'INVALID_INPUT', path: [...path, 'model'], message, allowed: known };
  }
  const message =
    caller.mode === 'LIVE'
      ? 'No live provider is configured: set the API key of one, or use a TEST key for the sandbox.'
      : 'No sandbox is running for TEST keys.';
  return { kind: 'NO_PROVIDER_AVAILABLE', path: [...path, 'model'], message };
}
