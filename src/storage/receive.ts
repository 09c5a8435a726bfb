import { randomUUID } from 'node:crypto';
import { mkdir, open, rename, unlink } from 'node:fs/promises';
import path from 'node:path';
import { hasCode } from './has-code.ts';
import { isInside, pathOf } from './key.ts';
import type { Incoming } from './storage.ts';

const MAX_TRIES = 10;

/** Opens a new file in `incoming`, to be renamed to its place under `root` when it is whole. */
export async function receiveFile(root: string, incoming: string): Promise<Incoming> {
  const temporary = path.join(incoming, randomUUID());
  const handle = await open(temporary, 'wx', 0o640);
  let state: 'OPEN' | 'KEPT' | 'DISCARDED' = 'OPEN';

  async function discard(): Promise<void> {
    if (state !== 'OPEN') return;
    state = 'DISCARDED';
    await handle.close();
    await unlink(temporary).catch(ignoreMissing);
  }

  return {
    path: temporary,
    discard,

    async write(chunk) {
      try {
        await handle.writeFile(chunk);
      } catch (cause) {
        await discard();
        throw new Error('Could not write a file being received.', { cause });
      }
    },

    async keep(key) {
      const place = pathOf(root, key);
      if (state === 'KEPT') return;
      if (state === 'DISCARDED') throw new Error(`Could not keep ${key}: it was discarded.`);
      try {
        await handle.sync();
        await moveInto(root, temporary, place);
      } catch (cause) {
        await discard();
        throw new Error(`Could not keep ${key}.`, { cause });
      }
      state = 'KEPT';
      await handle.close();
    },
  };
}

/** Bytes first (the caller's fsync), then the name, then the folders that hold the name: durable once this returns. */
async function moveInto(root: string, temporary: string, place: string): Promise<void> {
  const folder = path.dirname(place);
  for (let tries = 1; ; tries++) {
    try {
      await mkdir(folder, { recursive: true });
      if (!(await isInside(root, folder))) throw new Error('It leads out of the storage folder.');
      await rename(temporary, place);
      break;
    } catch (error) {
      // Removing the last file of the folder removes the folder, perhaps between two of our steps.
      if (tries === MAX_TRIES || !hasCode(error, 'ENOENT')) throw error;
    }
  }
  for (let holder = folder; ; holder = path.dirname(holder)) {
    await syncFolder(holder);
    if (holder === root) return;
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function ignoreMissing(error: unknown): void {
  if (!hasCode(error, 'ENOENT')) throw error;
}
