import { ConfigError } from '../config/config.ts';
import type { PerProvider } from '../config/per-provider.ts';
import type { ListedPrice } from '../config/prices-file.ts';
import { PROVIDER_SLUGS, type ProviderSlug } from '../config/provider-slugs.ts';
import type { PollSchedule } from '../generation/provider.ts';
import type { ProviderRequestSeen } from '../metrics/work.ts';
import { createConnections } from './connections.ts';
import { createGptImage2 } from './gptimage2/gptimage2.ts';
import { createModelArk } from './modelark/modelark.ts';
import { observed } from './observed.ts';
import { type Overrides, overridden } from './overridden.ts';
import type { AdapterOptions, Provider } from './provider.ts';
import { createReApi } from './reapi/reapi.ts';
import { createRunware } from './runware/runware.ts';
import { createSeedance } from './seedance/seedance.ts';
import { createThreeDAiStudio } from './threedaistudio/threedaistudio.ts';

// Any key that starts with `sandbox` is accepted there.
const SANDBOX_KEY = 'sandbox-darkroom';
// What the sandbox signs the callbacks of Seedance with.
const SANDBOX_WEBHOOK_SECRET = 'sandbox-webhook-secret';

/** An account that costs money. */
export interface Account {
  apiKey: string;
  baseUrl: string;
}

export interface ProviderOptions {
  /** Where the sandbox listens; null: no TEST providers. */
  sandboxUrl: string | null;
  /** Those of the sandbox that are wanted. */
  testProviders: readonly string[];
  /** Null or absent where there is none. */
  live: Partial<Record<ProviderSlug, Account | null>>;
  /** Null: callbacks of Seedance cannot be verified, and are not asked for. */
  seedanceWebhookSecret: string | null;
  pollSchedule: PollSchedule;
  /** Total time for one submission, from connecting to the last byte of the answer. Null: each provider's own. */
  submitTimeoutMs: number | null;
  concurrency: PerProvider;
  requestsPerMinute: PerProvider;
  prices: readonly ListedPrice[];
  /** Told of every request to a provider. */
  see?: (request: ProviderRequestSeen) => void;
}

interface Extras {
  webhookSecret: string | null;
  requestsPerMinute: number | null;
}

const FACTORIES: Record<ProviderSlug, (options: AdapterOptions & Extras) => Provider> = {
  gptimage2: createGptImage2,
  modelark: createModelArk,
  runware: createRunware,
  reapi: createReApi,
  threedaistudio: createThreeDAiStudio,
  seedance: createSeedance,
};

/**
 * Every provider this service may use: in TEST mode those of the sandbox, in LIVE mode those with an account. Throws a
 * ConfigError when a price is for a model that its provider does not offer.
 */
export function createProviders(options: ProviderOptions): { providers: Provider[]; stop(): Promise<void> } {
  const { sandboxUrl, testProviders, live, pollSchedule, submitTimeoutMs, see } = options;
  const connections = createConnections();
  const shared = { pollSchedule, submitTimeoutMs, connections };

  function make(slug: ProviderSlug, own: Omit<AdapterOptions, keyof typeof shared>, webhookSecret: string | null) {
    const overrides = overridesOf(slug, options);
    const { requestsPerMinute } = overrides;
    const provider = overridden(FACTORIES[slug]({ ...shared, ...own, webhookSecret, requestsPerMinute }), overrides);
    return see ? observed(provider, see) : provider;
  }

  const providers: Provider[] = [];
  for (const slug of PROVIDER_SLUGS) {
    if (!sandboxUrl || !testProviders.includes(slug)) continue;
    const baseUrl = new URL(`/${slug}`, sandboxUrl).href;
    const test = { mode: 'TEST', apiKey: SANDBOX_KEY, baseUrl, resultHosts: [toHost(sandboxUrl)] } as const;
    providers.push(make(slug, test, SANDBOX_WEBHOOK_SECRET));
  }
  for (const slug of PROVIDER_SLUGS) {
    const account = live[slug];
    if (account)
      providers.push(make(slug, { mode: 'LIVE', ...account, resultHosts: [] }, options.seedanceWebhookSecret));
  }
  checkPrices(options.prices, providers);
  return { providers, stop: connections.stop };
}

function overridesOf(slug: ProviderSlug, { concurrency, requestsPerMinute, prices }: ProviderOptions): Overrides {
  return {
    concurrency: concurrency[slug] ?? null,
    requestsPerMinute: requestsPerMinute[slug] ?? null,
    prices: prices.filter(({ provider }) => provider === slug),
  };
}

function checkPrices(prices: readonly ListedPrice[], providers: readonly Provider[]): void {
  const faults = providers.flatMap(({ slug, models }) =>
    prices
      .filter(({ provider, model }) => provider === slug && !models.some((each) => each.model === model))
      .map(({ model }) => `PRICES_FILE names the model "${model}", which ${slug} does not offer.`),
  );
  if (faults.length > 0) throw new ConfigError([...new Set(faults)]);
}

/** `host:port`, with the port also where it is the scheme's own. */
function toHost(address: string): string {
  const { hostname, port, protocol } = new URL(address);
  return `${hostname}:${port || (protocol === 'https:' ? 443 : 80)}`;
}
