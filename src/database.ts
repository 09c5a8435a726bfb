import type { Config } from './config/config.ts';
import { startEmbedded } from './db/embedded/embedded.ts';
import type { Logger } from './logger.ts';

/** The addresses of the database: the configured one, or the packaged server, which is started and stopped here. */
export async function startDatabase(
  config: Config,
  log: Logger,
): Promise<{ url: string; directUrl: string; stop(): Promise<void> }> {
  if (!config.DATABASE_URL) {
    const { url, stop } = await startEmbedded({ dataDir: config.DATA_DIR, log });
    return { url, directUrl: url, stop };
  }
  const url = config.DATABASE_URL;
  return { url, directUrl: config.DATABASE_DIRECT_URL ?? url, stop: async () => {} };
}
