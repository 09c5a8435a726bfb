import { type App, startApp } from './app.ts';
import { ConfigError, loadEnvFile, readConfig } from './config/config.ts';
import { EmbeddedError } from './db/embedded/error.ts';
import { SchemaNewerError } from './db/migrate.ts';
import { createLogger } from './logger.ts';

const CANNOT_START = 2;

await run();

async function run(): Promise<void> {
  loadEnvFile();
  const { config, warnings } = readOrExit();
  const log = createLogger(config.LOG_LEVEL);
  for (const warning of warnings) log.warn(warning);
  try {
    const app = await startApp(config, log);
    stopOnSignals(app, config.DRAIN_MS);
    log.info({ url: app.url, sandbox: app.sandboxUrl }, 'ready');
    if (app.url) process.stderr.write(`\nDarkroom is ready: open ${app.url}/graphql\n\n`);
  } catch (error) {
    exitOnFault(error);
    log.fatal({ err: error }, 'could not start');
    process.exit(1);
  }

  /** The first signal drains; a second one ends at once. What has left for a provider is waited for past the time. */
  function stopOnSignals(app: App, drainMs: number): void {
    let stopping = false;
    const onSignal = (signal: string) => {
      if (stopping) process.exit(1);
      stopping = true;
      log.info({ signal }, 'stopping');
      const overdue = setInterval(() => {
        if (app.countSubmissionsInFlight() > 0) return;
        log.warn('the drain took too long; what is left is taken up at the next start');
        process.exit(0);
      }, drainMs);
      app
        .stop()
        .then(() => process.exit(0))
        .catch((error: unknown) => {
          log.error({ err: error }, 'the shutdown failed');
          process.exit(1);
        })
        .finally(() => clearInterval(overdue));
    };
    process.on('SIGTERM', onSignal);
    process.on('SIGINT', onSignal);
  }
}

function readOrExit(): ReturnType<typeof readConfig> {
  try {
    return readConfig();
  } catch (error) {
    exitOnFault(error);
    throw error;
  }
}

/** What its operator can mend is said in sentences, without a stack. */
function exitOnFault(error: unknown): void {
  const sentences = sentencesOf(error);
  if (!sentences) return;
  process.stderr.write(`${sentences.join('\n')}\n`);
  process.exit(CANNOT_START);
}

function sentencesOf(error: unknown): readonly string[] | null {
  if (error instanceof ConfigError) return error.faults;
  if (error instanceof EmbeddedError || error instanceof SchemaNewerError) return [error.message];
  const { code, address, port } = error as NodeJS.ErrnoException & { address?: string; port?: number };
  return code === 'EADDRINUSE' ? [`${address}:${port} is in use: set PORT, or SANDBOX_PORT, to a free one.`] : null;
}
