import type { Caller } from '../workspace/caller.ts';
import type { Domain } from './domain.ts';
import type { CreateInput } from './input.ts';
import type { RouteQuote } from './quote.ts';
import { weighRoutes } from './route.ts';
import { invalidErrors, type UserError } from './user-error.ts';
import { validateInput } from './validate.ts';

/** What a purchase of this input would come to at each provider, and the errors that it would be answered with now. */
export function quoteGeneration(
  domain: Domain,
  caller: Caller,
  input: CreateInput,
  path: string[] = ['input'],
): { quotes: RouteQuote[]; errors: UserError[] } {
  const faults = validateInput(input);
  if (faults.length > 0) return { quotes: [], errors: invalidErrors(faults, path) };
  return weighRoutes(domain, caller, { input, path }, new Date());
}
