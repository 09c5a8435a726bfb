import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * PostgreSQL takes any process with the id in a left-over postmaster.pid for its predecessor: after a restarted container
 * that is often somebody else, and a killed one counts until init has reaped it (8 s were seen). Our own id there reads as
 * stale, since we are the server's parent, and, unlike a removed file, leaves the second check in place: whether the
 * predecessor's children still use its shared memory.
 */
export async function forgetReusedPid(cluster: string): Promise<void> {
  const path = join(cluster, 'postmaster.pid');
  const lines = (await readFile(path, 'utf8').catch(() => '')).split('\n');
  // Only Linux has this file; elsewhere the id is taken as PostgreSQL takes it.
  const status = await readFile(`/proc/${Number(lines[0])}/stat`, 'utf8').catch(() => null);
  if (status === null || /^\d+ \(postgres\) [^Z]/.test(status)) return;
  await writeFile(path, [process.pid, ...lines.slice(1)].join('\n'));
}
