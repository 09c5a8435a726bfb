import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, rmdir, unlink } from 'node:fs/promises';
import path from 'node:path';
import { hasCode } from './has-code.ts';
import { isInside, pathOf } from './key.ts';
import { receiveFile } from './receive.ts';
import type { ByteRange, Kept, Storage } from './storage.ts';
import { sweepFolder } from './sweep.ts';

/** Keeps files in a folder, which any number of processes may share. The folder is made when first needed. */
export function createDiskStorage(folder: string): Storage {
  const root = path.resolve(folder);
  // Inside the same folder, so that keeping a file is a rename; no key starts with a dot.
  const incoming = path.join(root, '.incoming');

  return {
    async receive() {
      await mkdir(incoming, { recursive: true });
      return await receiveFile(root, incoming);
    },
    open: (key, range) => openFile(root, key, range),
    remove: (key) => removeFile(root, key),
    sweep: () => sweepFolder(incoming),
  };
}

async function openFile(root: string, key: string, range?: ByteRange): Promise<Kept | null> {
  const place = pathOf(root, key);
  try {
    if (!(await isInside(root, path.dirname(place)))) throw new Error('It leads out of the storage folder.');
    return await toKept(await open(place, constants.O_RDONLY | constants.O_NOFOLLOW), range);
  } catch (cause) {
    if (hasCode(cause, 'ENOENT')) return null;
    throw new Error(`Could not open ${key}.`, { cause });
  }
}

async function toKept(handle: FileHandle, range?: ByteRange): Promise<Kept> {
  try {
    const { size } = await handle.stat();
    return { stream: handle.createReadStream(range ?? {}), byteSize: size };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function removeFile(root: string, key: string): Promise<void> {
  const place = pathOf(root, key);
  try {
    if (!(await isInside(root, path.dirname(place)))) throw new Error('It leads out of the storage folder.');
    await unlink(place);
  } catch (cause) {
    if (hasCode(cause, 'ENOENT')) return;
    throw new Error(`Could not remove ${key}.`, { cause });
  }
  const folder = path.dirname(place);
  // The folder of a generation whose files are all gone goes too; refused by the system while it holds any.
  if (folder !== root) await rmdir(folder).catch(() => {});
}
