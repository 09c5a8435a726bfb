import { afterAll, beforeAll, expect, test } from 'vitest';
import { PROVIDER_SLUGS, type ProviderSlug } from '../../src/config/provider-slugs.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.ts';
import { bearer, LIVE_KEY, query } from '../service/client.ts';
import { type Service, startService } from '../service/service.ts';
import { until } from '../service/until.ts';

/** What is documented (providers.md), and refused beyond it; of ModelArk what a minute can show. */
const MODELARK_IMAGES = 40;
const THREEDAISTUDIO_REQUESTS = 3;
/** What is asked for in each call; who may have two images at one time is given long ones. */
const TIERS = {
  free: { requests: 10, calls: [6, 1, 1, 1], seconds: 20 },
  pro: { requests: 120, calls: [50, ...Array<number>(7).fill(10), ...Array<number>(20).fill(1)], seconds: 3 },
};
type Tier = keyof typeof TIERS;
const PATIENCE_MS = 200_000;

interface Stand {
  sandbox: Sandbox;
  /** Two workers on one database. */
  services: Service[];
}

const stands = new Map<Tier, Stand>();
beforeAll(async () => {
  for (const tier of ['free', 'pro'] as const) stands.set(tier, await openStand(tier));
});
afterAll(async () => {
  for (const { services, sandbox } of stands.values()) {
    for (const service of services.toReversed()) await service.stop();
    await sandbox.stop();
  }
});

async function openStand(tier: Tier): Promise<Stand> {
  const perMinute = { modelark: MODELARK_IMAGES, threedaistudio: THREEDAISTUDIO_REQUESTS };
  const requestsPerMinute = { ...perMinute, seedance: TIERS[tier].requests };
  const sandbox = await startSandbox({ port: 0, requestsPerMinute });
  const live = PROVIDER_SLUGS.map((slug) => [
    [`${slug.toUpperCase()}_API_KEY`, `sandbox-${tier}`],
    [`${slug.toUpperCase()}_BASE_URL`, `${sandbox.url}/${slug}`],
  ]);
  const env = {
    ...Object.fromEntries(live.flat()),
    FETCH_ALLOWED_HOSTS: new URL(sandbox.url).host,
    PROVIDER_REQUESTS_PER_MINUTE: `modelark=${MODELARK_IMAGES}`,
    DEADLINE_MS: '600000',
  };
  const one = await startService(env);
  return { sandbox, services: [one, await startService({ ...env, DATABASE_URL: one.databaseUrl })] };
}

test.concurrent.each(['free', 'pro'] as const)(
  'two workers with orders for more than a minute send no account of the tier %s more than its providers take',
  async (tier) => {
    const { sandbox, services } = the(tier);
    const [service] = services as [Service];
    const { calls, seconds } = TIERS[tier];
    const ids = await Promise.all([
      ...calls.map((count) => order(service, 'seedance', { count, seconds })),
      order(service, 'threedaistudio', { count: 2 }),
      order(service, 'modelark', { count: 7, images: 6, series: true }),
      order(service, 'modelark', { count: 4 }),
      ...(['gptimage2', 'runware', 'reapi'] as const).map((slug) => order(service, slug, { count: 3 })),
    ]);
    const ends = await until(
      () => readAll(service, ids.flat()),
      (all) => all.every(({ status }) => status !== 'QUEUED' && status !== 'RUNNING'),
      PATIENCE_MS,
    );
    expect(ends.filter(({ status }) => status !== 'SUCCEEDED')).toEqual([]);
    const requests = await readLog(sandbox);
    expect(requests.filter(({ status }) => status !== 200 && status !== 201)).toEqual([]);
    // There was more to send than a minute takes.
    const most = mostInAMinute(requests.filter(({ path }) => path.startsWith('/threedaistudio/v1/')));
    expect(most).toBe(THREEDAISTUDIO_REQUESTS);
  },
  PATIENCE_MS + 30_000,
);

interface Order {
  count: number;
  images?: number;
  series?: boolean;
  seconds?: number;
}

function the(tier: Tier): Stand {
  const stand = stands.get(tier);
  if (!stand) throw new Error(`there is no ${tier}`);
  return stand;
}

async function order(
  service: Service,
  slug: ProviderSlug,
  { count, images = 1, series = false, seconds = 0.5 }: Order,
): Promise<string[]> {
  const document = `mutation($inputs: [CreateGenerationInput!]!) {
    createGenerations(inputs: $inputs) { results { generation { id } errors { message } } }
  }`;
  const input = { prompt: `Harbour [[slow=${seconds}]]`, images, series, routing: { providers: [slug] } };
  const { createGenerations } = await ask<{
    createGenerations: { results: { generation: { id: string } | null; errors: unknown[] }[] };
  }>(service, document, { inputs: Array.from({ length: count }, () => input) });
  expect(createGenerations.results.flatMap(({ errors }) => errors)).toEqual([]);
  return createGenerations.results.flatMap(({ generation }) => generation?.id ?? []);
}

async function readAll(service: Service, ids: readonly string[]) {
  const document = `query($ids: [ID!]!) { nodes(ids: $ids) { ... on Generation { id status tasks { status failure { code } } } } }`;
  const parts = Array.from({ length: Math.ceil(ids.length / 50) }, (_, i) => ids.slice(i * 50, i * 50 + 50));
  const read = await Promise.all(
    parts.map((some) => ask<{ nodes: { id: string; status: string }[] }>(service, document, { ids: some })),
  );
  return read.flatMap(({ nodes }) => nodes);
}

async function ask<T>(service: Service, document: string, variables: Record<string, unknown>): Promise<T> {
  const { data, text } = await query<T>(service.url, document, variables, bearer(LIVE_KEY));
  expect(data, text).toBeTruthy();
  return data;
}

interface Logged {
  at: string;
  path: string;
  status: number | null;
}

async function readLog({ url }: Sandbox): Promise<Logged[]> {
  return (await (await fetch(`${url}/_log`)).json()) as Logged[];
}

function mostInAMinute(requests: readonly Logged[]): number {
  const times = requests.map(({ at }) => Date.parse(at));
  return Math.max(...times.map((from) => times.filter((at) => at >= from && at < from + 60_000).length));
}
