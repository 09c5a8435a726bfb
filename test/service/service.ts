import { Writable } from 'node:stream';
import { pino } from 'pino';
import { type App, startApp, type Wiring } from '../../src/app.ts';
import { readConfig } from '../../src/config/config.ts';
import { createTestDatabase } from '../database.ts';
import { LIVE_KEY, TEST_KEY } from './client.ts';
import { makeFolder } from './folder.ts';

export const SECRET = 'a-secret-of-the-tests-that-is-long-enough';

/** Loopback, a free port, and polls so fast that a test waits for the provider only. */
export const FAST: Record<string, string> = {
  PORT: '0',
  POLL_FIRST_MS: '50',
  POLL_FAST_MS: '50',
  POLL_SLOW_MS: '50',
};

/** What TEST keys may use unless the wiring says otherwise. */
const testProviders = ['gptimage2'];

export interface Service {
  url: string;
  /** The sandbox inside it. */
  sandboxUrl: string;
  dataDir: string;
  databaseUrl: string;
  app: App;
  /** What it logged, from `info` up. */
  logged: { level: number; msg: string }[];
  /** Stops it, and removes its folder and the database that was made for it. */
  stop(): Promise<void>;
}

/**
 * Starts the service inside this process, on a database of its own unless `env` names one; with
 * `DATABASE_URL: undefined` on the embedded one. The keys TEST_KEY and LIVE_KEY open it.
 */
export async function startService(
  env: Record<string, string | undefined> = {},
  wiring: Wiring = {},
): Promise<Service> {
  const folder = await makeFolder();
  const database = 'DATABASE_URL' in env ? null : await createTestDatabase();
  const { config } = readConfig({
    ...FAST,
    DATA_DIR: folder.path,
    DATABASE_URL: database?.url,
    SECRET_KEYS: SECRET,
    BOOTSTRAP_API_KEY: `${TEST_KEY},${LIVE_KEY}`,
    ...env,
  });
  const logged: Service['logged'] = [];
  const app = await startApp(config, pino({ level: 'info' }, collect(logged)), { testProviders, ...wiring });
  return {
    url: app.url ?? '',
    sandboxUrl: app.sandboxUrl ?? '',
    dataDir: folder.path,
    databaseUrl: config.DATABASE_URL ?? '',
    app,
    logged,
    async stop() {
      await app.stop();
      await database?.drop();
      await folder.remove();
    },
  };
}

function collect(logged: Service['logged']): Writable {
  return new Writable({
    write(line, _encoding, done) {
      logged.push(JSON.parse(String(line)));
      done();
    },
  });
}
