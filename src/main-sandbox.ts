import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { loadEnvFile, readConfig } from './config/config.ts';
import { createLogger } from './logger.ts';
import { startSandbox } from './sandbox/sandbox.ts';
import { runCommand } from './sentences.ts';

const DEFAULT_PORT = 4010;

// npm run sandbox: the providers' simulator alone, for SANDBOX_URL or for a provider's own base URL.
await runCommand(async () => {
  loadEnvFile();
  const { config } = readConfig();
  const log = createLogger(config.LOG_LEVEL);
  await mkdir(config.DATA_DIR, { recursive: true });
  const journalFile = join(config.DATA_DIR, 'sandbox-alone.jsonl');
  const sandbox = await startSandbox({
    host: config.SANDBOX_HOST ?? '127.0.0.1',
    port: config.SANDBOX_PORT ?? DEFAULT_PORT,
    journalFile,
    log,
  });
  process.stderr.write(`The sandbox is ready: ${sandbox.url}\n`);
  for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => void sandbox.stop());
});
