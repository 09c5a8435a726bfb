import { ConfigError } from './config/config.ts';
import { EmbeddedError } from './db/embedded/error.ts';
import { SchemaNewerError } from './db/migrate.ts';
import { isUnavailable } from './db/unavailable.ts';

/** A fault that whoever starts this can mend; the message is one sentence that says how. */
export class CannotStart extends Error {}

/** What whoever starts this can mend, in sentences; null for a fault of our own, which deserves its stack. */
function sentencesOf(error: unknown): readonly string[] | null {
  if (error instanceof ConfigError) return error.faults;
  if ([CannotStart, EmbeddedError, SchemaNewerError].some((kind) => error instanceof kind))
    return [(error as Error).message];
  if (isUnavailable(error)) return [`The database cannot be reached: ${(error as Error).message}. See DATABASE_URL.`];
  const { code, address, port } = error as NodeJS.ErrnoException & { address?: string; port?: number };
  return code === 'EADDRINUSE' ? [`${address}:${port} is in use: set PORT, or SANDBOX_PORT, to a free one.`] : null;
}

/** Runs what a command does; a fault is told on stderr, in sentences where it can be mended, and is the exit code. */
export async function runCommand(command: () => Promise<void>): Promise<void> {
  try {
    await command();
  } catch (error) {
    const sentences = sentencesOf(error);
    process.exitCode = sentences ? CANNOT_START : 1;
    process.stderr.write(sentences ? `${sentences.join('\n')}\n` : `${(error as Error).stack}\n`);
  }
}

const CANNOT_START = 2;
