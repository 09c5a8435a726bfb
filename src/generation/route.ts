import type { Caller } from '../workspace/caller.ts';
import { restOf } from './cost.ts';
import type { CatalogueEntry, Domain } from './domain.ts';
import type { Fitted } from './fit.ts';
import type { CreateInput } from './input.ts';
import { inputOf } from './input-of.ts';
import { isOpen } from './prefer.ts';
import type { Mode } from './provider.ts';
import type { ProviderModel } from './provider-model.ts';
import { type Offer, quoteRoutes, type RouteQuote } from './quote.ts';
import { UNKNOWN_STANDING } from './standing.ts';
import type { Failure, Generation, Task } from './types.ts';
import { routingErrors, type UserError, unroutedErrors } from './user-error.ts';

/** So long nobody is looked for again at a provider that turned a task away: it does not go back and forth. */
export const TURNED_AWAY_MS = 30_000;

export interface Route {
  provider: CatalogueEntry;
  model: ProviderModel;
  fitted: Fitted;
  reason: string;
  /** Nothing is sent to it for now: it waits there. */
  isOpen: boolean;
}

/** What each provider of the caller's mode would make of a sound input; with errors where none of them would be asked. */
export function weighRoutes(
  domain: Domain,
  caller: Caller,
  { input, path }: { input: CreateInput; path: string[] },
  at: Date,
): { quotes: RouteQuote[]; errors: UserError[] } {
  const offers = listOffers(domain, caller.mode, input.model);
  const errors = routingErrors(domain, caller, offers, input, path);
  if (errors.length > 0) return { quotes: [], errors };
  const quotes = quoteRoutes(offers, input, at);
  const isRouted = quotes.some(({ reason }) => reason !== null);
  return { quotes, errors: isRouted ? [] : unroutedErrors(quotes, input, path) };
}

/** The provider that will be asked, or why there is none. */
export function chooseRoute(
  domain: Domain,
  caller: Caller,
  order: { input: CreateInput; path: string[] },
  at: Date,
): Route | { errors: UserError[] } {
  const { quotes, errors } = weighRoutes(domain, caller, order, at);
  return chosenOf(quotes, at) ?? { errors };
}

/**
 * Another provider for the slots of a task: the best that is eligible and has not been asked for any of them, within
 * the providers and the cost that its routing allows. Null: there is none.
 */
export function fallbackRoute(
  domain: Domain,
  generation: Generation,
  task: Task,
  why: Pick<Failure, 'retryable'>,
  at: Date,
): Route | null {
  const input = { ...inputOf(generation), images: task.imageCount };
  const { maxCost } = input.routing;
  const others = generation.tasks.filter(({ id }) => id !== task.id);
  const left = maxCost && restOf(maxCost, others);
  if (left === null) return null;
  const tried = new Set(
    generation.tasks
      .filter((each) => isOfSameSlots(each, task) && (each.id === task.id || wasAsked(each, why, at)))
      .map(({ provider }) => provider),
  );
  const offers = listOffers(domain, generation.mode, input.model).filter(({ provider }) => !tried.has(provider.slug));
  const routing = left ? { ...input.routing, maxCost: left } : input.routing;
  return chosenOf(quoteRoutes(offers, { ...input, routing }, at), at);
}

function chosenOf(quotes: readonly RouteQuote[], at: Date): Route | null {
  for (const { provider, model, standing, fitted, reason } of quotes) {
    if (fitted && reason !== null) return { provider, model, fitted, reason, isOpen: isOpen(standing, at) };
  }
  return null;
}

/** Who offers a model to callers of this mode, in the order of the catalogue. */
function listOffers({ catalogue, standingOf }: Domain, mode: Mode, slug: string): Offer[] {
  return catalogue
    .filter((provider) => provider.mode === mode)
    .flatMap((provider) => {
      const standing = standingOf?.(provider.slug, mode) ?? UNKNOWN_STANDING;
      return provider.models.filter(({ model }) => model === slug).map((model) => ({ provider, model, standing }));
    });
}

/**
 * One that only turned it away may be well by now, one that could not use it will not. It waits for the former for a while
 * where it may also wait here.
 */
function wasAsked({ submissionId, failure, finishedAt }: Task, why: Pick<Failure, 'retryable'>, at: Date): boolean {
  const isNew = finishedAt !== null && finishedAt.getTime() > at.getTime() - TURNED_AWAY_MS;
  return submissionId !== null || failure?.retryable === false || (why.retryable && isNew);
}

function isOfSameSlots(other: Task, { firstSlot, imageCount }: Task): boolean {
  return other.firstSlot < firstSlot + imageCount && firstSlot < other.firstSlot + other.imageCount;
}
