import { chmod, mkdir, readdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import type { Logger } from '../../logger.ts';
import { type Account, canAccess, findAccount } from './account.ts';
import { prepareBinaries } from './binaries.ts';
import { NAME, prepareCluster } from './cluster.ts';
import { EmbeddedError } from './error.ts';
import { claimFolder } from './owner.ts';
import { findPackage } from './package.ts';
import { supervise } from './supervise.ts';

/**
 * Starts the packaged PostgreSQL in `<dataDir>/postgres` and keeps it running until `stop`. It listens on 127.0.0.1
 * only and ends with this process, whichever way that ends. Throws EmbeddedError when it cannot run here.
 */
export async function startEmbedded(options: {
  dataDir: string;
  log: Logger;
  port?: number;
}): Promise<{ url: string; stop(): Promise<void> }> {
  const dataDir = resolve(options.dataDir);
  // Open to pass through, not to list: the server's account has its cluster inside. A folder in use keeps its mode.
  const made = await mkdir(dataDir, { recursive: true });
  if (made || (await readdir(dataDir)).length === 0) await chmod(dataDir, 0o711);
  const claim = await claimFolder(dataDir);
  try {
    const cluster = join(dataDir, 'postgres');
    const account = await findAccount(cluster);
    await refuseUnreachable(dataDir, account);
    const binaries = await prepareBinaries(await findPackage(), dataDir, account);
    const password = await prepareCluster(cluster, binaries, account);
    const port = options.port ?? (await findFreePort());
    const launch = { postgres: binaries.postgres, cluster, port, account, log: options.log };
    const server = await supervise(launch);
    return {
      url: `postgres://${NAME}:${password}@127.0.0.1:${port}/${NAME}`,
      async stop() {
        await server.stop();
        await claim.release();
      },
    };
  } catch (error) {
    await claim.release();
    throw error;
  }
}

async function refuseUnreachable(dataDir: string, account: Account): Promise<void> {
  if (!account || (await canAccess(account, '-x', dataDir))) return;
  throw new EmbeddedError(
    `PostgreSQL does not run as root, and the user it runs as instead (uid ${account.uid}) cannot enter ${dataDir}: set DATA_DIR to a folder it can reach, or DATABASE_URL.`,
  );
}

async function findFreePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done, reject) => server.once('error', reject).listen(0, '127.0.0.1', done));
  const address = server.address();
  await new Promise((done) => server.close(done));
  if (address === null || typeof address === 'string') throw new Error('the system gave no TCP port');
  return address.port;
}
