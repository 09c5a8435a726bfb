import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { realpath, unlink } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { EmbeddedError } from './error.ts';

/** The longest socket path that every system takes; Linux allows 107 bytes, macOS 103. */
const LONGEST_PATH = 100;

/**
 * Makes this process the owner of the folder, or refuses with the owner's process id. A listening socket is the mark:
 * unlike a file with a process id it dies with its process, and it is seen from other containers that share the folder.
 */
export async function claimFolder(dataDir: string): Promise<{ release(): Promise<void> }> {
  const path = await socketPath(dataDir);
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.end(String(process.pid));
  });
  while (!(await listen(server, path))) {
    const owner = await findOwner(path);
    if (owner !== null) throw inUse(dataDir, owner);
    await unlink(path).catch(() => {});
  }
  return { release: () => new Promise((resolve) => server.close(() => resolve())) };
}

async function socketPath(dataDir: string): Promise<string> {
  const folder = await realpath(dataDir);
  const absolute = join(folder, 'postgres.owner');
  const short = [absolute, relative(process.cwd(), absolute)].find((path) => Buffer.byteLength(path) <= LONGEST_PATH);
  return short ?? join(tmpdir(), `darkroom-${createHash('sha256').update(folder).digest('hex').slice(0, 32)}`);
}

/** False when the path is taken, by a process or by what a dead one left. */
async function listen(server: Server, path: string): Promise<boolean> {
  server.listen(path);
  try {
    await once(server, 'listening');
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return false;
    throw error;
  }
}

/** The process that listens at the path; null when it is gone, or just going: then the system hangs up without a word. */
async function findOwner(path: string): Promise<string | null> {
  const socket = connect(path);
  let owner: string | null = null;
  socket.on('data', (pid) => {
    owner = String(pid);
  });
  socket.on('error', () => {});
  // A process too busy to answer is still the owner.
  socket.setTimeout(2000, () => {
    owner = 'unknown';
    socket.destroy();
  });
  await new Promise<void>((resolve) => socket.once('close', () => resolve()));
  return owner;
}

function inUse(dataDir: string, owner: string): EmbeddedError {
  return new EmbeddedError(
    `The database in ${dataDir} is in use by process ${owner}; set DATABASE_URL or another DATA_DIR.`,
  );
}
