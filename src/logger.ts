import { type Logger, pino } from 'pino';

export type { Logger };

/** One JSON line per entry on stdout. No prompt above `debug`, and no key at any level. */
export function createLogger(level: string): Logger {
  return pino({
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: { paths: ['authorization', 'headers.authorization', 'key', 'secret'], censor: '[redacted]' },
  });
}
