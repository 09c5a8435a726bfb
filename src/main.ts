import { type App, startApp } from './app.ts';
import { loadEnvFile, readConfig } from './config/config.ts';
import { createLogger, type Logger } from './logger.ts';
import { runCommand } from './sentences.ts';

await runCommand(async () => {
  loadEnvFile();
  const { config, warnings } = readConfig();
  const log = createLogger(config.LOG_LEVEL);
  for (const warning of warnings) log.warn(warning);
  const app = await startApp(config, log);
  stopOnSignals(app, config.DRAIN_MS, log);
  log.info({ url: app.url, sandbox: app.sandboxUrl }, 'ready');
  if (config.ROLE !== 'worker') process.stderr.write(`\nDarkroom is ready: open ${app.url}/graphql\n\n`);
});

/** The first signal drains; a second one ends at once. What has left for a provider is waited for past the time. */
function stopOnSignals(app: App, drainMs: number, log: Logger): void {
  let stopping = false;
  const onSignal = (signal: string) => {
    if (stopping) process.exit(1);
    stopping = true;
    log.info({ signal }, 'stopping');
    let extended = false;
    setInterval(() => {
      // After the last answer the leases are still to be given back.
      const wasExtended = extended;
      extended = app.countSubmissionsInFlight() > 0;
      if (extended || wasExtended) return;
      log.warn('the drain took too long; what is left is taken up at the next start');
      process.exit(0);
    }, drainMs);
    app.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        log.error({ err: error }, 'the shutdown failed');
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
}
