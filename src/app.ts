import { join } from 'node:path';
import { findStoredFile } from './asset/find-stored.ts';
import { createLinks } from './asset/link.ts';
import { type Config, isLoopback } from './config/config.ts';
import { connect } from './db/connect.ts';
import { startEmbedded } from './db/embedded/embedded.ts';
import { migrate, migrationsAreCurrent } from './db/migrate.ts';
import { createHints } from './events/hint.ts';
import { createGuardedFetch } from './fetch/guarded-fetch.ts';
import type { Domain } from './generation/domain.ts';
import { createWatcher } from './generation/watch.ts';
import { createLoaders } from './graphql/loaders.ts';
import { createAssetHandler } from './http/assets.ts';
import { identify } from './http/caller.ts';
import { createGraphiqlPage } from './http/graphiql.ts';
import { createHttpServer } from './http/server.ts';
import type { Logger } from './logger.ts';
import { createProviders } from './provider/catalogue.ts';
import { type Sandbox, startSandbox } from './sandbox/sandbox.ts';
import { getSecrets } from './secrets.ts';
import { createDiskStorage } from './storage/disk.ts';
import { createWorker } from './worker/worker.ts';
import { bootstrapWorkspaces } from './workspace/keys.ts';

export interface App {
  /** Where it listens; null for a worker. */
  url: string | null;
  /** The sandbox inside this process, if there is one. */
  sandboxUrl: string | null;
  /** Submissions that have left and are not answered yet: a shutdown waits for these. */
  readonly submissionsInFlight: number;
  stop(): Promise<void>;
}

/** Builds each part once and starts them in order; `stop` stops them in reverse. */
export async function startApp(config: Config, log: Logger): Promise<App> {
  const started: (() => Promise<void>)[] = [];
  const stop = async () => {
    for (const stopPart of started.splice(0).reverse()) await stopPart();
  };
  try {
    return await start(config, log, started, stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

async function start(
  config: Config,
  log: Logger,
  started: (() => Promise<void>)[],
  stop: () => Promise<void>,
): Promise<App> {
  const dataDir = config.DATA_DIR;
  const embedded = config.DATABASE_URL ? null : await startEmbedded({ dataDir, log });
  if (embedded) started.push(embedded.stop);
  const url = config.DATABASE_URL ?? embedded?.url ?? '';
  const directUrl = config.DATABASE_DIRECT_URL ?? url;
  await migrate(directUrl, log);
  const connection = connect({ url, directUrl, log });
  started.push(connection.stop);
  const { db } = connection;
  const secrets = await getSecrets(config.SECRET_KEYS, dataDir);
  await bootstrapWorkspaces(db, config.BOOTSTRAP_API_KEY ?? []);

  const sandbox = await startOwnSandbox(config, log);
  if (sandbox) started.push(sandbox.stop);
  const sandboxUrl = config.SANDBOX_URL ?? sandbox?.url ?? null;

  const { GPTIMAGE2_API_KEY: apiKey, GPTIMAGE2_BASE_URL: baseUrl } = config;
  const live = { gptimage2: apiKey && baseUrl ? { apiKey, baseUrl } : null };
  const poll = {
    firstMs: config.POLL_FIRST_MS,
    fastMs: config.POLL_FAST_MS,
    fastForMs: config.POLL_FAST_FOR_MS,
    slowMs: config.POLL_SLOW_MS,
  };
  const providers = createProviders({ sandboxUrl, live, poll, submitTimeoutMs: config.SUBMIT_TIMEOUT_MS ?? null });

  const hints = createHints(connection, log);
  await hints.start();
  started.push(hints.stop);
  const timing = {
    leaseMs: config.LEASE_MS,
    uncertainHoldMs: config.UNCERTAIN_HOLD_MS,
    deadlineMs: config.DEADLINE_MS,
  };
  const domain: Domain = { db, hints, catalogue: providers, timing, log };

  const storage = createDiskStorage(config.STORAGE_URL?.slice('file:'.length) ?? join(dataDir, 'assets'));
  let worker: ReturnType<typeof createWorker> | undefined;
  if (config.ROLE !== 'api') {
    await storage.sweep();
    const fetch = createGuardedFetch({ allowedHosts: config.FETCH_ALLOWED_HOSTS ?? [] });
    started.push(fetch.stop);
    worker = createWorker(domain, providers, { fetch, storage });
  }

  let address: string | null = null;
  let drain = () => {};
  if (config.ROLE !== 'worker') {
    const watcher = createWatcher(domain);
    watcher.start();
    started.push(watcher.stop);
    const open = !config.DATABASE_URL && isLoopback(config.HOST) && !providers.some(({ mode }) => mode === 'LIVE');
    const door = { open, origins: config.CORS_ORIGINS ?? [] };
    const wiring = { domain, watcher, links: createLinks({ publicUrl: '', secrets }) };
    const isReady = () =>
      connection.ping().then(
        () => migrationsAreCurrent(connection),
        () => false,
      );
    const http = createHttpServer({
      log,
      introspection: config.INTROSPECTION,
      origins: door.origins,
      graphiql: config.GRAPHIQL ? createGraphiqlPage() : null,
      identify: (request, authorization) => identify(db, door, request, authorization),
      contextOf: (caller) => ({ caller, ...wiring, loaders: createLoaders(domain, caller) }),
      assets: createAssetHandler({ links: wiring.links, storage, findStored: (id) => findStoredFile(db, id) }),
      isReady,
    });
    const { port } = await http.start(config.HOST, config.PORT);
    started.push(http.stop);
    address = `http://${config.HOST.includes(':') ? `[${config.HOST}]` : config.HOST}:${port}`;
    wiring.links = createLinks({ publicUrl: config.PUBLIC_URL ?? address, secrets });
    if (open) log.info('answering without a key: nothing can be billed and nobody else can reach this');
    drain = http.drain;
  }

  // Stopped ahead of the doors: /readyz says 503 and clients are served while the last submissions are answered.
  if (worker) {
    await worker.start();
    started.push(worker.stop);
    log.info({ providers: providers.map(({ slug, mode }) => `${slug} (${mode})`) }, 'the worker is running');
  }
  started.push(async () => drain());
  return {
    url: address,
    sandboxUrl,
    get submissionsInFlight() {
      return worker?.submissionsInFlight ?? 0;
    },
    stop,
  };
}

/** One process alone brings its own sandbox. Several share one: what one accepted, another must be able to ask about. */
async function startOwnSandbox(config: Config, log: Logger): Promise<Sandbox | null> {
  if (config.SANDBOX_URL || config.ROLE !== 'all') return null;
  const journalFile = join(config.DATA_DIR, 'sandbox.jsonl');
  return startSandbox({ port: config.SANDBOX_PORT ?? 0, journalFile, log });
}
