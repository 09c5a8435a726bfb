import { createRequire } from 'node:module';
import { join } from 'node:path';
import { findStoredFile } from './asset/find-stored.ts';
import { createLinks } from './asset/link.ts';
import { createVariants } from './asset/variants.ts';
import { type Config, isLoopback } from './config/config.ts';
import { PROVIDER_SLUGS, type ProviderSlug } from './config/provider-slugs.ts';
import { startDatabase } from './database.ts';
import { type Connection, connect } from './db/connect.ts';
import { CALLERS, type Limits, OWN } from './db/limits.ts';
import { migrate, migrationsAreCurrent } from './db/migrate.ts';
import { createHints } from './events/hint.ts';
import { createGuardedFetch } from './fetch/guarded-fetch.ts';
import { readBacklog } from './generation/backlog.ts';
import { hearCallback } from './generation/callback.ts';
import { createCallbackTokens } from './generation/callback-token.ts';
import type { Domain } from './generation/domain.ts';
import { createFeed } from './generation/feed.ts';
import { createStandings, type Standings } from './generation/standings.ts';
import { createWatcher } from './generation/watch.ts';
import { createLoaders } from './graphql/loaders.ts';
import { createAssetHandler } from './http/assets.ts';
import { identify } from './http/caller.ts';
import { createGraphiqlPage } from './http/graphiql.ts';
import { createHealth, type Health } from './http/health.ts';
import { createHealthServer } from './http/health-server.ts';
import { createHttpServer } from './http/server.ts';
import { createWebhookHandler } from './http/webhooks.ts';
import type { Logger } from './logger.ts';
import { createMetrics, type Metrics } from './metrics/metrics.ts';
import { createScrape } from './metrics/scrape.ts';
import { type Account, createProviders, type ProviderOptions } from './provider/catalogue.ts';
import type { Provider } from './provider/provider.ts';
import { type Sandbox, startSandbox } from './sandbox/sandbox.ts';
import { getSecrets } from './secrets.ts';
import type { Storage } from './storage/storage.ts';
import { openStore } from './store.ts';
import { type CallbackUrl, createCallbackUrl } from './worker/callback-url.ts';
import { createWorker, type Worker } from './worker/worker.ts';
import { bootstrapWorkspaces, hasKeys } from './workspace/keys.ts';
import { findFaultyKeys } from './workspace/recheck.ts';

/** For leases, tasks and readiness, beside those for callers. */
const OWN_CONNECTIONS = 6;
const { version: VERSION }: { version: string } = createRequire(import.meta.url)('../package.json');

export interface App {
  /** Where it listens: a worker for health and metrics only. */
  url: string;
  /** The sandbox inside this process, if there is one. */
  sandboxUrl: string | null;
  /** Submissions in hand: sent and not answered yet, or just about to be. A shutdown waits for these. */
  countSubmissionsInFlight(): number;
  stop(): Promise<void>;
}

/** What only tests hand in. */
export interface Wiring extends Pick<Domain, 'reach'> {
  limits?: { callers: Limits; own: Limits };
  /** The providers that TEST keys may use; absent: all that the sandbox speaks for. */
  testProviders?: readonly string[];
}

/** Builds each part once and starts them in order; `stop` stops them in reverse, while /readyz already says 503. */
export async function startApp(config: Config, log: Logger, wiring: Wiring = {}): Promise<App> {
  const started: (() => Promise<void>)[] = [];
  const stop = async () => {
    const faults: unknown[] = [];
    for (const stopPart of started.splice(0).reverse()) await stopPart().catch((error) => faults.push(error));
    if (faults.length > 0) throw new AggregateError(faults, 'Some parts did not stop cleanly.');
  };
  try {
    return { ...(await start(config, log, wiring, started)), stop };
  } catch (error) {
    await stop().catch((fault: unknown) => log.error({ err: fault }, 'what had started did not stop cleanly'));
    throw error;
  }
}

async function start(
  config: Config,
  log: Logger,
  { limits = { callers: CALLERS, own: OWN }, testProviders = PROVIDER_SLUGS, ...hooks }: Wiring,
  started: (() => Promise<void>)[],
): Promise<Omit<App, 'stop'>> {
  const keep = <T extends { stop(): Promise<void> }>(part: T): T => {
    started.push(part.stop);
    return part;
  };

  const { url: databaseUrl, directUrl } = keep(await startDatabase(config, log));
  await migrate(directUrl, log);
  const connection = keep(connect({ url: databaseUrl, directUrl, log, limits: limits.callers }));
  const { db } = connection;
  // The service's own work goes over connections that no number of callers can keep busy.
  const own = keep(connect({ url: databaseUrl, directUrl, log, max: OWN_CONNECTIONS, limits: limits.own }));
  const metrics = keep(createMetrics({ version: VERSION, role: config.ROLE }));
  await bootstrapWorkspaces(db, config.BOOTSTRAP_API_KEY);
  const secrets = await getSecrets(config.SECRET_KEYS, config.DATA_DIR);
  const storage = keep(await openStore(config));

  const sandbox = ownsSandbox(config) ? keep(await startOwnSandbox(config, log)) : null;
  const see = metrics.work.sawProviderRequest;
  const sandboxUrl = config.SANDBOX_URL ?? sandbox?.url ?? null;
  const { providers } = keep(createProviders({ ...providerOptions(config), sandboxUrl, testProviders, see }));

  for (const provider of providers) metrics.work.expectProvider(provider);

  const hints = keep(createHints(connection, log));
  await hints.start();
  const timing = timingOf(config);
  const standings = keep(createStandings({ db: own.db, catalogue: providers, log }));
  await standings.start();
  const { of: standingOf } = standings;
  const domain: Domain = { db, hints, catalogue: providers, timing, standingOf, log, observer: metrics.work, ...hooks };

  const tokens = createCallbackTokens(secrets);
  const ownDomain = { ...domain, db: own.db };
  let url = '';
  let draining = false;
  const health = createHealthOf(config, ownDomain, own, metrics, () => draining);
  if (config.ROLE === 'worker') {
    const server = keep(createHealthServer(health, log));
    url = await server.start(config.HOST, config.PORT);
  } else {
    const open = !config.DATABASE_URL && isLoopback(config.HOST) && !providers.some(({ mode }) => mode === 'LIVE');
    const door = { open, origins: config.CORS_ORIGINS };
    const links = createLinks({ publicUrl: () => config.PUBLIC_URL ?? url, secrets });
    const watcher = keep(createWatcher(domain));
    watcher.start();
    const feed = keep(createFeed(domain));
    feed.start();
    const http = keep(
      createHttpServer({
        log,
        introspection: config.INTROSPECTION,
        origins: door.origins,
        graphiql: config.GRAPHIQL ? createGraphiqlPage({ introspection: config.INTROSPECTION }) : null,
        identify: (request, init) => identify(db, door, request, init),
        findFaultyKeys: (ids) => findFaultyKeys(db, ids),
        contextOf: (caller) => ({ caller, domain, watcher, feed, links, loaders: createLoaders(domain, caller) }),
        assets: createAssetHandler({
          links,
          storage,
          variants: createVariants(storage),
          findStored: (id) => findStoredFile(db, id),
        }),
        webhooks: createWebhookHandler({
          providers,
          tokens,
          hear: (callback) => hearCallback(ownDomain, callback),
          log,
        }),
        health,
        clients: metrics.clients,
      }),
    );
    url = await http.start(config.HOST, config.PORT);
    if (open) log.info('answering without a key: nothing can be billed and nobody else can reach this');
    else if (!(await hasKeys(db))) log.warn('there is no key, so nobody can call: set BOOTSTRAP_API_KEY');
  }

  const callbackUrl = createCallbackUrl(callbackAddresses(config, url), tokens);
  // Started last and so stopped first: clients are still served while the last submissions are answered.
  const worker =
    config.ROLE === 'api'
      ? null
      : await startWorker(config, ownDomain, providers, storage, callbackUrl, standings, keep);
  started.push(async () => {
    draining = true;
  });
  return {
    url,
    sandboxUrl: sandbox?.url ?? null,
    countSubmissionsInFlight: () => worker?.countSubmissionsInFlight() ?? 0,
  };
}

function createHealthOf(
  config: Config,
  domain: Domain,
  connection: Connection,
  metrics: Metrics,
  isDraining: () => boolean,
): Health {
  const isCurrent = () =>
    connection
      .ping()
      .then(() => migrationsAreCurrent(connection))
      .catch(() => false);
  const readiness = async () => (isDraining() ? 'draining' : (await isCurrent()) ? 'ready' : 'not ready');
  return createHealth({
    readiness,
    scrape: createScrape(metrics, {
      isReady: async () => (await readiness()) === 'ready',
      readBacklog: () => readBacklog(domain),
    }),
    metricsToken: config.METRICS_TOKEN ?? null,
    isLocal: isLoopback(config.HOST),
  });
}

type Keep = <T extends { stop(): Promise<void> }>(part: T) => T;

/** One process alone brings its own sandbox. Several share one: what one accepted, another must be able to ask about. */
function ownsSandbox(config: Config): boolean {
  return !config.SANDBOX_URL && config.ROLE === 'all';
}

function startOwnSandbox(config: Config, log: Logger): Promise<Sandbox> {
  return startSandbox({ port: config.SANDBOX_PORT ?? 0, journalFile: join(config.DATA_DIR, 'sandbox.jsonl'), log });
}

function providerOptions(config: Config): Omit<ProviderOptions, 'sandboxUrl' | 'testProviders'> {
  return {
    live: Object.fromEntries(PROVIDER_SLUGS.map((slug) => [slug, accountOf(config, slug)])),
    seedanceWebhookSecret: config.SEEDANCE_WEBHOOK_SECRET ?? null,
    pollSchedule: {
      firstMs: config.POLL_FIRST_MS,
      fastMs: config.POLL_FAST_MS,
      fastForMs: config.POLL_FAST_FOR_MS,
      slowMs: config.POLL_SLOW_MS,
    },
    submitTimeoutMs: config.SUBMIT_TIMEOUT_MS ?? null,
    concurrency: config.PROVIDER_CONCURRENCY,
    requestsPerMinute: config.PROVIDER_REQUESTS_PER_MINUTE,
    prices: config.PRICES_FILE ?? [],
  };
}

/** Compiles only while each slug has its two variables. */
function accountOf(config: Config, slug: ProviderSlug): Account | null {
  const prefix = slug.toUpperCase() as Uppercase<ProviderSlug>;
  const apiKey = config[`${prefix}_API_KEY` as const];
  const baseUrl = config[`${prefix}_BASE_URL` as const];
  return apiKey && baseUrl ? { apiKey, baseUrl } : null;
}

function timingOf(config: Config): Domain['timing'] {
  return {
    leaseMs: config.LEASE_MS,
    uncertainHoldMs: config.UNCERTAIN_HOLD_MS,
    deadlineMs: config.DEADLINE_MS,
    eventRetentionMs: config.EVENT_RETENTION_HOURS * 3_600_000,
  };
}

/** Where providers may call back. A worker's own address serves nothing of the kind. */
function callbackAddresses({ PUBLIC_URL, ROLE }: Config, url: string): string[] {
  return [...(PUBLIC_URL ? [PUBLIC_URL] : []), ...(ROLE === 'worker' ? [] : [url])];
}

async function startWorker(
  config: Config,
  domain: Domain,
  providers: Provider[],
  storage: Storage,
  callbackUrl: CallbackUrl,
  standings: Standings,
  keep: Keep,
): Promise<Worker> {
  const { FETCH_ALLOWED_HOSTS: allowedHosts } = config;
  if (allowedHosts.length > 0) domain.log.warn({ allowedHosts }, 'images may be fetched from these private addresses');
  const fetch = keep(createGuardedFetch({ allowedHosts }));
  const worker = keep(createWorker(domain, providers, { fetch, storage }, callbackUrl, standings));
  await worker.start();
  domain.log.info({ providers: providers.map(({ slug, mode }) => `${slug} (${mode})`) }, 'the worker is running');
  return worker;
}
