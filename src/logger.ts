import { AsyncLocalStorage } from 'node:async_hooks';
import { type DestinationStream, type Logger, pino } from 'pino';

export type { Logger };

const surroundings = new AsyncLocalStorage<object>();

/** One JSON line per entry, on stdout unless told otherwise. No prompt above `debug`, and no key at any level. */
export function createLogger(level: string, destination: DestinationStream = pino.destination(1)): Logger {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    mixin: () => surroundings.getStore() ?? {},
    serializers: { err: describe },
    redact: { paths: ['authorization', 'headers.authorization', 'key', 'secret'], censor: '[redacted]' },
  };
  return pino(options, destination);
}

/** Whatever is logged while `run` runs, however deep, bears these fields: the id of the request, say. */
export function logWith<T>(fields: object, run: () => T): T {
  return surroundings.run(fields, run);
}

/** An error and what caused it. drizzle puts the values of a failed statement into its message: prompts among them. */
function describe(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { name: type, cause } = error;
  const message = 'params' in error && 'query' in error ? `Failed query: ${error.query}` : error.message;
  const stack = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  return {
    type,
    message,
    ...('code' in error && { code: error.code }),
    stack: stack.join('\n'),
    ...(cause !== undefined && { cause: describe(cause) }),
  };
}
