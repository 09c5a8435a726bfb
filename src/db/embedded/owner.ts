import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, realpath, rmdir, stat, unlink } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { EmbeddedError } from './error.ts';

/** The longest socket path that every system takes; Linux allows 107 bytes, macOS 103. */
const LONGEST_PATH = 100;

/** A start needs the lock for milliseconds, and at most for the two seconds that a busy owner is given to answer. */
const LOCK_WITHIN_MS = 5000;

/** Nobody alive holds it for as long. */
const DEAD_AFTER_MS = 5000;

/**
 * Makes this process the owner of the folder, or refuses with the owner's process id. A listening socket is the mark:
 * unlike a file with a process id it dies with its process, and it is seen from other containers that share the folder.
 */
export async function claimFolder(dataDir: string): Promise<{ release(): Promise<void> }> {
  const path = await socketPath(dataDir);
  try {
    // Asked without the lock first: a live owner may take its time.
    await refuseOwned(dataDir, path);
    const server = await withLock(`${path}.lock`, () => replaceStale(dataDir, path));
    return { release: () => new Promise((resolve) => server.close(() => resolve())) };
  } catch (error) {
    throw toSentence(error, dataDir, path);
  }
}

/**
 * Of several starts after a crash, each could take the fresh socket of another, bound a moment after it asked, for the
 * stale one. Nobody binds or unlinks without the lock, so what is unlinked here is what was asked.
 */
async function replaceStale(dataDir: string, path: string): Promise<Server> {
  await refuseOwned(dataDir, path);
  await unlink(path).catch((error) => {
    if (codeOf(error) !== 'ENOENT') throw error;
  });
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.end(String(process.pid));
  });
  server.listen(path);
  await once(server, 'listening');
  return server;
}

/** A folder is the lock. One that a process left when it died in these milliseconds is taken away once it is old. */
async function withLock<T>(lock: string, work: () => Promise<T>): Promise<T> {
  const until = performance.now() + LOCK_WITHIN_MS + DEAD_AFTER_MS;
  while (!(await makeLock(lock))) {
    if (performance.now() > until) {
      throw new EmbeddedError(`Another process is taking the database: if none is running, remove ${lock}.`);
    }
    const made = await stat(lock).catch(() => null);
    if (made && Date.now() - made.mtimeMs > DEAD_AFTER_MS) await rmdir(lock).catch(() => {});
    await setTimeout(20);
  }
  try {
    return await work();
  } finally {
    await rmdir(lock).catch(() => {});
  }
}

async function makeLock(lock: string): Promise<boolean> {
  try {
    await mkdir(lock);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

async function refuseOwned(dataDir: string, path: string): Promise<void> {
  const owner = await findOwner(path);
  if (owner === null) return;
  throw new EmbeddedError(
    `The database in ${dataDir} is in use by process ${owner}; set DATABASE_URL or another DATA_DIR.`,
  );
}

async function socketPath(dataDir: string): Promise<string> {
  const folder = await realpath(dataDir);
  const absolute = join(folder, 'postgres.owner');
  const short = [absolute, relative(process.cwd(), absolute)].find((path) => Buffer.byteLength(path) <= LONGEST_PATH);
  return short ?? join(tmpdir(), `darkroom-${createHash('sha256').update(folder).digest('hex').slice(0, 32)}`);
}

/** The process that listens at the path; null when it is gone, or just going: then the system hangs up without a word. */
async function findOwner(path: string): Promise<string | null> {
  const socket = connect(path);
  let owner: string | null = null;
  socket.on('data', (pid) => {
    owner = String(pid);
  });
  let failure: unknown = null;
  socket.on('error', (error) => {
    failure = error;
  });
  // A process too busy to answer is still the owner.
  socket.setTimeout(2000, () => {
    owner = 'unknown';
    socket.destroy();
  });
  await new Promise<void>((resolve) => socket.once('close', () => resolve()));
  // Another user's socket, dead or alive.
  if (isDenied(failure)) throw failure;
  // So many ask at once that no more can.
  return codeOf(failure) === 'EAGAIN' ? 'unknown' : owner;
}

function toSentence(error: unknown, dataDir: string, path: string): unknown {
  if (!isDenied(error)) return error;
  return new EmbeddedError(
    `This process may not replace ${path}, which marks who uses the database in ${dataDir}: give it to this user, remove it if no process uses it, or set DATABASE_URL or another DATA_DIR.`,
    { cause: error },
  );
}

function isDenied(error: unknown): boolean {
  return ['EACCES', 'EPERM'].includes(codeOf(error));
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
