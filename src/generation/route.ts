import type { Caller } from '../workspace/caller.ts';
import type { CatalogueEntry, Domain } from './domain.ts';
import { type FitResult, fitInput } from './fit.ts';
import type { CreateInput, Refusal } from './input.ts';
import type { ProviderModel } from './provider.ts';

export interface Route {
  provider: CatalogueEntry;
  model: ProviderModel;
  fitted: FitResult & { fits: true };
  reason: string;
}

/** The provider that will be asked, or why each of those configured for this mode cannot do it. */
export function chooseRoute(domain: Domain, caller: Caller, input: CreateInput): Route | { refusals: Refusal[] } {
  const refusals: Refusal[] = [];
  for (const { provider, model } of offers(domain, caller, input.model)) {
    const fitted = fitInput(input, provider.slug, model);
    if (fitted.fits) return { provider, model, fitted, reason: 'the configured provider that fits' };
    refusals.push(...fitted.refusals);
  }
  return { refusals };
}

/** Who offers a model to callers of this mode. */
function offers(domain: Domain, { mode }: Pick<Caller, 'mode'>, slug: string) {
  return domain.catalogue
    .filter((provider) => provider.mode === mode)
    .flatMap((provider) => provider.models.filter(({ model }) => model === slug).map((model) => ({ provider, model })));
}
