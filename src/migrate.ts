import { loadEnvFile, readConfig } from './config/config.ts';
import { startEmbedded } from './db/embedded/embedded.ts';
import { migrate } from './db/migrate.ts';
import { createLogger } from './logger.ts';

// npm run migrate: what every start does by itself, for those who want to do it before a deploy.
loadEnvFile();
const { config } = readConfig();
const log = createLogger(config.LOG_LEVEL);
const embedded = config.DATABASE_URL ? null : await startEmbedded({ dataDir: config.DATA_DIR, log });
await migrate(config.DATABASE_DIRECT_URL ?? config.DATABASE_URL ?? embedded?.url ?? '', log);
await embedded?.stop();
