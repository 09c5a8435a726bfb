import { loadEnvFile, readConfig } from './config/config.ts';
import { startDatabase } from './database.ts';
import { migrate } from './db/migrate.ts';
import { createLogger } from './logger.ts';
import { runCommand } from './sentences.ts';

// npm run migrate: what every start does by itself, for those who want it done before a deploy.
await runCommand(async () => {
  loadEnvFile();
  const { config } = readConfig();
  const log = createLogger(config.LOG_LEVEL);
  const { directUrl, stop } = await startDatabase(config, log);
  await migrate(directUrl, log).finally(stop);
});
