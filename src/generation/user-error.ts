import type { Caller } from '../workspace/caller.ts';
import type { Domain } from './domain.ts';
import type { CreateInput, Refusal } from './input.ts';
import type { Offer, RouteQuote } from './quote.ts';
import type { Generation } from './types.ts';
import type { Invalid } from './validate.ts';

/** Why a request was refused, as data. This call stored nothing, sent nothing and bought nothing. Paths name the argument. */
export type UserError =
  | { kind: 'INVALID_INPUT'; path: string[]; message: string; allowed: string[] }
  | { kind: 'UNSUPPORTED'; path: string[]; message: string; refusals: Refusal[] }
  | { kind: 'IDEMPOTENCY_CONFLICT'; path: string[]; message: string; original: Generation }
  | { kind: 'NO_PROVIDER_AVAILABLE'; path: string[]; message: string }
  | { kind: 'COST_ABOVE_MAX'; path: string[]; message: string }
  | { kind: 'NOT_FOUND'; path: string[]; message: string }
  | { kind: 'NOT_CANCELABLE'; path: string[]; message: string }
  /** `later`: it may be retried once it is finished. */
  | { kind: 'NOT_RETRYABLE'; path: string[]; message: string; later: boolean };

/** What is wrong with an input that stands at this path. */
export function invalidErrors(faults: Invalid[], path: string[]): UserError[] {
  return faults.map((each) => ({ ...each, kind: 'INVALID_INPUT', path: [...path, ...each.path] }));
}

/** What is wrong with whom an order may go to, before any limit is looked at. */
export function routingErrors(
  domain: Domain,
  caller: Caller,
  offers: readonly Offer[],
  input: CreateInput,
  path: string[],
): UserError[] {
  if (offers.length === 0) return [noneOffers(domain, caller, input, path)];
  const allowed = offers.map(({ provider }) => provider.slug);
  const unknown = input.routing.providers?.filter((slug) => !allowed.includes(slug)) ?? [];
  if (unknown.length === 0) return [];
  const names = unknown.slice(0, 5).map((slug) => JSON.stringify(slug.slice(0, 100)));
  const message = `No provider of this model is configured by the name ${names.join(' or ')}; ${allowed.join(', ')} can be asked.`;
  return [{ kind: 'INVALID_INPUT', path: [...path, 'routing', 'providers'], message, allowed }];
}

/**
 * Why no provider is asked: its cost, where nothing else stands against it; another value, where every one of them would
 * take another of the same thing; else why not, by provider.
 */
export function unroutedErrors(quotes: readonly RouteQuote[], { routing }: CreateInput, path: string[]): UserError[] {
  const tooDear = quotes.filter(({ barrier }) => barrier === 'COST').flatMap(({ refusals }) => refusals);
  if (tooDear.length > 0) {
    const limit = `${routing.maxCost?.amount} ${routing.maxCost?.currency}`;
    const message = `Nobody does this for ${limit} or less: raise maxCost or ask for less. ${reasonsOf(tooDear)}`;
    return [{ kind: 'COST_ABOVE_MAX', path: [...path, 'maxCost'], message }];
  }
  const refusing = quotes.filter(({ barrier }) => barrier === 'LIMITS');
  const refusals = refusing.flatMap((quote) =>
    quote.refusals.map((each) => ({ ...each, path: [...path, ...each.path] })),
  );
  const common = pathsOf(refusals).filter((joined) =>
    refusing.every((quote) => quote.refusals.some((each) => [...path, ...each.path].join('.') === joined)),
  );
  if (common.length > 0 && refusals.every(({ allowed }) => allowed !== null)) {
    return common.flatMap((joined) => invalidValue(refusals.filter((refusal) => refusal.path.join('.') === joined)));
  }
  const message = `No configured provider can do this: ${reasonsOf(refusals)}`;
  return [{ kind: 'UNSUPPORTED', path: refusals[0]?.path ?? path, message, refusals }];
}

function pathsOf(refusals: readonly Refusal[]): string[] {
  return [...new Set(refusals.map(({ path }) => path.join('.')))];
}

function reasonsOf(refusals: readonly Refusal[]): string {
  return refusals.map(({ provider, message }) => `${provider}: ${message}`).join(' ');
}

function invalidValue(same: Refusal[]): UserError[] {
  const [first] = same;
  if (!first) return [];
  const allowed = [...new Set(same.flatMap((refusal) => refusal.allowed ?? []))];
  const isAgreed = same.every(({ message }) => message === first.message);
  return [{ kind: 'INVALID_INPUT', path: first.path, message: isAgreed ? first.message : reasonsOf(same), allowed }];
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
