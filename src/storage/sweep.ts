import { readdir, stat, unlink } from 'node:fs/promises';
import path from 'node:path';
import { hasCode } from './has-code.ts';

/**
 * Far longer than any download may take, wait to be inspected and be put into a bucket. By age, not by process id: the folder may be shared
 * by machines and containers, where the same number names different processes.
 */
const ABANDONED_AFTER_MS = 15 * 60_000;

/** Deletes files that nobody has written to for 15 minutes; answers how many. */
export async function sweepFolder(folder: string): Promise<number> {
  let swept = 0;
  for (const name of await listNames(folder)) {
    if (await removeIfAbandoned(path.join(folder, name))) swept += 1;
  }
  return swept;
}

async function listNames(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return [];
    throw error;
  }
}

async function removeIfAbandoned(file: string): Promise<boolean> {
  try {
    const { mtimeMs } = await stat(file);
    if (Date.now() - mtimeMs < ABANDONED_AFTER_MS) return false;
    await unlink(file);
    return true;
  } catch (error) {
    // Kept, discarded or swept by another process in the meantime.
    if (hasCode(error, 'ENOENT')) return false;
    throw error;
  }
}
