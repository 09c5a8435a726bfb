import { pino } from 'pino';
import { createLinks } from '../../src/asset/link.ts';
import { hearCallback } from '../../src/generation/callback.ts';
import { createCallbackTokens } from '../../src/generation/callback-token.ts';
import type { Domain } from '../../src/generation/domain.ts';
import { createFeed } from '../../src/generation/feed.ts';
import { createWatcher, type Watcher } from '../../src/generation/watch.ts';
import { createLoaders } from '../../src/graphql/loaders.ts';
import { identify } from '../../src/http/caller.ts';
import type { Limits } from '../../src/http/limits.ts';
import { createHttpServer } from '../../src/http/server.ts';
import { createWebhookHandler } from '../../src/http/webhooks.ts';
import { createMetrics, type Metrics } from '../../src/metrics/metrics.ts';
import type { Caller } from '../../src/workspace/caller.ts';
import { bootstrapWorkspaces } from '../../src/workspace/keys.ts';
import { findFaultyKeys } from '../../src/workspace/recheck.ts';
import { openStage, type Stage } from '../generation/stage.ts';
import { createProvider } from '../provider/gptimage2.ts';
import { TEST_KEY } from '../service/client.ts';

export const SECRET = 'a-secret-of-this-test-only';

export interface Doors {
  url: string;
  stage: Stage;
  domain: Domain;
  watcher: Watcher;
  metrics: Metrics;
  /** Its log, line by line. */
  logged: string[];
  /** Whom TEST_KEY stands for. */
  caller: Caller;
  stop(): Promise<void>;
}

/** The HTTP server on a database of its own, without workers, so impatient that its limits can be waited for. */
export async function openDoors(limits: Partial<Limits>, keys: readonly string[] = []): Promise<Doors> {
  const logged: string[] = [];
  const log = pino({}, { write: (line: string) => void logged.push(line) });
  const stage = await openStage();
  const domain = { ...stage.domain, log };
  const { db } = domain;
  await bootstrapWorkspaces(
    db,
    [TEST_KEY, ...keys].map((key) => ({ workspace: 'default', key })),
  );
  const watcher = createWatcher(domain);
  const feed = createFeed(domain);
  const links = createLinks({ publicUrl: () => 'http://nowhere.example', secrets: [SECRET] });
  const door = { open: false, origins: [] };
  const metrics = createMetrics({ version: '0', role: 'api' });
  const server = createHttpServer({
    log,
    introspection: true,
    origins: [],
    graphiql: null,
    identify: (request, init) => identify(db, door, request, init),
    findFaultyKeys: (ids) => findFaultyKeys(db, ids),
    contextOf: (caller) => ({ caller, domain, watcher, feed, links, loaders: createLoaders(domain, caller) }),
    assets: async (_req, res) => void res.writeHead(404).end(),
    webhooks: createWebhookHandler({
      providers: [createProvider('http://127.0.0.1:1')],
      tokens: createCallbackTokens([SECRET]),
      hear: (callback) => hearCallback(domain, callback),
      readWithinMs: 1_000,
      log,
    }),
    health: async () => false,
    clients: metrics.clients,
    limits,
  });
  watcher.start();
  feed.start();
  return {
    url: await server.start('127.0.0.1', 0),
    stage,
    logged,
    domain,
    watcher,
    metrics,
    caller: await identify(db, door, { headers: {} }, `Bearer ${TEST_KEY}`),
    async stop() {
      await server.stop();
      await feed.stop();
      await watcher.stop();
      await metrics.stop();
      await stage.close();
    },
  };
}
