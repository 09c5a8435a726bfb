import { randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open, unlink } from 'node:fs/promises';
import path from 'node:path';
import { checkKey } from './key.ts';
import type { Incoming } from './storage.ts';

/** A file received whole, and where it lies until it has its place. */
export interface Received {
  handle: FileHandle;
  path: string;
}

/** Opens a new file in `folder`. When it is whole, `place` makes it durable under a key: by moving it, or by copying. */
export async function receiveFile(
  folder: string,
  place: (received: Received, key: string, patience?: AbortSignal) => Promise<void>,
): Promise<Incoming> {
  await mkdir(folder, { recursive: true });
  const temporary = path.join(folder, randomUUID());
  const handle = await open(temporary, 'wx', 0o640);
  let state: 'OPEN' | 'KEPT' | 'DISCARDED' = 'OPEN';

  async function end(as: 'KEPT' | 'DISCARDED'): Promise<void> {
    state = as;
    await handle.close();
    // Moved away, or no more than litter: what stays is swept.
    await unlink(temporary).catch(() => {});
  }

  async function discard(): Promise<void> {
    if (state === 'OPEN') await end('DISCARDED');
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

    async keep(key, patience) {
      checkKey(key);
      if (state === 'KEPT') return;
      if (state === 'DISCARDED') throw new Error(`Could not keep ${key}: it was discarded.`);
      try {
        await place({ handle, path: temporary }, key, patience);
      } catch (cause) {
        await discard();
        throw new Error(`Could not keep ${key}.`, { cause });
      }
      await end('KEPT');
    },
  };
}
