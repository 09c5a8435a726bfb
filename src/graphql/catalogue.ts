import type { CatalogueEntry } from '../generation/domain.ts';
import type { ProviderModel } from '../generation/provider-model.ts';
import type { Context } from './context.ts';

export interface ModelNode {
  id: string;
  slug: string;
  name: string;
}

export interface ProviderNode extends CatalogueEntry {
  id: string;
}

export interface OfferNode extends ProviderModel {
  provider: ProviderNode;
}

const MODEL_NAMES: Record<string, string> = { 'seedream-5.0-lite': 'Seedream 5.0 Lite' };

/** The providers of the caller's mode. */
export function listProviders({ domain, caller }: Pick<Context, 'domain' | 'caller'>): ProviderNode[] {
  return domain.catalogue
    .filter(({ mode }) => mode === caller.mode)
    .map((entry) => ({ ...entry, id: `prv_${entry.slug}` }));
}

export function listModels(context: Pick<Context, 'domain' | 'caller'>): ModelNode[] {
  const slugs = listProviders(context).flatMap(({ models }) => models.map(({ model }) => model));
  return [...new Set(slugs)].map(toModel);
}

export function toModel(slug: string): ModelNode {
  return { id: `mdl_${slug}`, slug, name: MODEL_NAMES[slug] ?? slug };
}

export function findProvider(context: Pick<Context, 'domain' | 'caller'>, id: string): ProviderNode | null {
  return listProviders(context).find((provider) => provider.id === id) ?? null;
}

/** A provider that old tasks name but that is no longer configured still has its slug. */
export function getProvider(context: Pick<Context, 'domain' | 'caller'>, slug: string): ProviderNode {
  const nothing = { models: [], limits: { concurrency: null, requestsPerMinute: null, batch: null } };
  const unconfigured = {
    id: `prv_${slug}`,
    slug,
    name: slug,
    mode: context.caller.mode,
    isSynchronous: false,
    resultsLag: false,
    ...nothing,
  };
  return findProvider(context, `prv_${slug}`) ?? unconfigured;
}

export function findModel(context: Pick<Context, 'domain' | 'caller'>, id: string): ModelNode | null {
  return listModels(context).find((model) => model.id === id) ?? null;
}

export function listOffers(context: Pick<Context, 'domain' | 'caller'>, slug: string): OfferNode[] {
  return listProviders(context).flatMap((provider) =>
    provider.models.filter(({ model }) => model === slug).map((model) => ({ ...model, provider })),
  );
}
