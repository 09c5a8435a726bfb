import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * PostgreSQL takes any live process with the id in a left-over postmaster.pid for its predecessor; after a restarted
 * container that is often somebody else. Our own id there reads as stale (it is the server's parent) and, unlike a removed
 * file, leaves the second check in place, whether the old shared memory is still in use.
 */
export async function forgetReusedPid(cluster: string): Promise<void> {
  const path = join(cluster, 'postmaster.pid');
  const lines = (await readFile(path, 'utf8').catch(() => '')).split('\n');
  // Only Linux tells the name of any process by a file; elsewhere there are no containers.
  const name = await readFile(`/proc/${Number(lines[0])}/comm`, 'utf8').catch(() => 'postgres');
  if (name.trim() === 'postgres') return;
  await writeFile(path, [process.pid, ...lines.slice(1)].join('\n'));
}
