import { mkdir, open, rename } from 'node:fs/promises';
import path from 'node:path';
import { hasCode } from './has-code.ts';
import { isInside, pathOf } from './key.ts';
import type { Received } from './receive.ts';

const MAX_TRIES = 10;

/** Bytes first, then the name, then the folders that hold the name: durable under its key once this returns. */
export async function moveInto(root: string, received: Received, key: string): Promise<void> {
  const place = pathOf(root, key);
  const folder = path.dirname(place);
  await received.handle.sync();
  for (let tries = 1; ; tries++) {
    try {
      await mkdir(folder, { recursive: true });
      if (!(await isInside(root, folder))) throw new Error('It leads out of the storage folder.');
      await rename(received.path, place);
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
